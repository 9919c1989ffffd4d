package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDriftInBrowser goes the way of an administrator who wants to know what was done past the provider: compares, sees who
// was put into a group by hand, and follows the person; what is in names is shown as text.
func TestDriftInBrowser(t *testing.T) {
	ctx := browser(t)
	s := start(t, consoleSite)
	base := "http://" + s.addr + "/console/embedded"
	w := &visitor{t, ctx}
	evil := `<script>document.title='taken'</script>`
	ada := s.logged(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com","externalId":"e1","active":"True","displayName":"Ada Lovelace"}`, 201)
	team := s.logged(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Team `+evil+`","externalId":"g1"}`, 201)

	w.do(chromedp.Navigate(base+"/now"), click(`nav a[href$="/drift"]`))
	w.see("h1", "Drift")
	w.do(click("main form button"))
	w.see("main", "Never provisioned: 1") // the owner
	w.see(".planned", "owner@example.com")

	api := publicAPIWith(t, s, "", "organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20", "a-secret-that-is-in-no-log")
	api.do(t, http.MethodPut, "/groups/"+team+"/member-ids", map[string]any{"memberIds": []string{ada}}, nil)
	w.do(click("main form button"))
	w.see("h2", "Added to a group by hand: 1")
	w.see(".planned", "<script>document.title")
	for i, width := range []int64{390, 800, 1280} {
		if wider, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > window.innerWidth`)); err != nil || wider {
			t.Errorf("the page is wider than %d pixels: %v", width, err)
		}
		picture(t, ctx, fmt.Sprint("drift-", width), width, i == 1)
		picture(t, ctx, fmt.Sprint("drift-other-", width), width, i != 1)
	}
	w.do(chromedp.EmulateViewport(1280, 900), click(`.planned a[href$="`+ada+`"]`))
	w.see("h1", "Ada Lovelace")
	w.do(chromedp.Navigate(base+"/drift"), click(`.planned a[href$="`+team+`"]`))
	w.see("h1", "Team <script>")

	// The command says the same.
	page := s.page("/console/embedded/drift", 200)
	if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title == "taken" {
		t.Errorf("the page runs what is in a name: %q, %v", title, err)
	}
	if !strings.Contains(page, "Added to a group by hand: 1") || !strings.Contains(page, ada) {
		t.Errorf("%s", page)
	}
}
