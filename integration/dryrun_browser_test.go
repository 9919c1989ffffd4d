package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestDryRunInBrowser looks at the report in the console.
func TestDryRunInBrowser(t *testing.T) {
	ctx := browser(t)
	site := strings.Replace(consoleSite, "quirks entra", "quirks entra\n{DRY}", 1)
	s := start(t, strings.ReplaceAll(site, "{DRY}", ""))
	c := s.entra("/scim/v2")
	ids := people(t, c, 8)
	s.move(strings.ReplaceAll(site, "{DRY}", "dry_run"))
	c = s.entra("/scim/v2")
	disableIn(t, c, ids[0])
	bad := "<script>document.title='taken'</script>"
	if res, err := c.Create(entra.User{UserName: "new@example.com", Mail: "new@example.com", DisplayName: bad}); err != nil || res.Status != 201 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	if res, err := c.CreateGroup(bad, "x"); err != nil || res.Status != 201 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	base := "http://" + s.addr + "/console/embedded"
	w := &visitor{t, ctx}
	w.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+"/now"), click(".notice.loud a"))
	w.see("h1", "Dry run")
	w.see(".planned li", "p0000@example.com")
	w.see(".planned li", "new@example.com")
	w.see(".planned li", "<script>document.title")
	w.see(".tiles .bad dd", "1")
	for i, width := range []int64{390, 800, 1280} {
		w.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(base+"/dry-run"))
		w.see("h1", "Dry run")
		if wider, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > window.innerWidth`)); err != nil || wider {
			t.Errorf("the page is wider than %d pixels", width)
		}
		picture(t, ctx, fmt.Sprint("dry-run-", width), width, i == 0)
	}
	if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title == "taken" {
		t.Errorf("the page runs what is in a name: %q, %v", title, err)
	}
	// The request itself, in the log.
	w.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+"/log?verb=patch"), click("#rows .row"))
	w.see("h2", "Would be done")
	w.see("td", "not sent")
}

func disableIn(t *testing.T, c *entra.Client, id string) {
	t.Helper()
	if res, err := c.SetActive(id, false); err != nil || res.Status != 503 {
		t.Fatalf("%v %s", err, res.Raw)
	}
}
