package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestConsoleGuardInBrowser: too many people are to lose access; an administrator sees it on the first page, looks who it
// is, lets one go, then all, then opens the guard for a time. What is corrected without an end needs a person too.
func TestConsoleGuardInBrowser(t *testing.T) {
	ctx := browser(t)
	s := start(t, strings.Replace(consoleSite, "organization embedded", "organization embedded\n\t\tguard {\n\t\t\tdisables 2 per 1h\n\t\t\tfloor 2\n\t\t\tshare off\n\t\t}", 1))
	v := &visitor{t, ctx}
	base, c := "http://"+s.addr+"/console/embedded", s.entra("/scim")
	ids := people(t, c, 8)
	disable := func(want int, which ...string) {
		t.Helper()
		for _, id := range which {
			if r, err := c.SetActive(id, false); err != nil || r.Status != want {
				t.Errorf("deactivating is answered %d, want %d: %s, %v", r.Status, want, r.Raw, err)
			}
		}
	}
	v.do(chromedp.Navigate(base + "/organization"))
	v.see("#guard .chip.on", "watching")
	disable(200, ids[:2]...)
	disable(503, ids[2:5]...)
	s.until("/console/embedded/log", "still has access")
	v.do(chromedp.Navigate(base + "/now"))
	v.see(".todo .loud", "The guard holds 3: Deactivations")
	v.see(".todo .loud", "They still have access: p0002@example.com")
	v.see(".rows .row", "still has access")
	if twice, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll(".todo li").length`)); err != nil || twice != 1 {
		t.Errorf("%d entries tell of those whom the guard holds, %v", twice, err)
	}
	v.see("section", "This gateway, alone")
	for i, width := range []int64{390, 800, 1280} {
		picture(t, ctx, fmt.Sprint("guard-now-", width), width, i == 1)
	}
	v.do(chromedp.EmulateViewport(1280, 900), click(`.todo a[href$="#guard"]`))
	v.see("#guard .held", "p0002@example.com")
	for i, width := range []int64{390, 800, 1280} {
		picture(t, ctx, fmt.Sprint("guard-", width), width, i != 1)
	}
	v.do(chromedp.EmulateViewport(1280, 900), click(`#guard [aria-label="Let p0003@example.com go"]`))
	v.see("#guard .chip.off", "holds 2")
	disable(503, ids[2])
	disable(200, ids[3])
	v.do(click(`#guard form button.danger`))
	v.wait(`document.querySelector("#guard") && !document.querySelector("#guard .held")`, "some are held")
	disable(200, ids[2], ids[4])
	disable(200, ids[5], ids[6]) // counted anew
	disable(503, ids[7])
	v.do(chromedp.Navigate(base+"/organization"), click("#guard summary"), click(`#guard form:has([name=for]) button`))
	v.see("#guard .chip.wait", "open")
	disable(200, ids[7])
	v.do(click("#guard summary"), click(`#guard details form:last-of-type button`))
	v.wait(`document.querySelector("#guard") && !document.querySelector("#guard .chip.wait")`, "the guard is open")
	v.do(click("#guard summary"), click(`#guard form:has([name=once]) button`))
	v.see("#guard td", "20 more are let through")

	// Without a token of the console nothing is released, and nothing that is no release is done.
	for body, want := range map[string]int{"what=reset": http.StatusForbidden, "csrf=x&what=reset": http.StatusForbidden} {
		r, err := s.http.Post(base+"/organization/guard", "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s is answered %d", body, r.StatusCode)
		}
	}
	v.do(chromedp.Navigate(base + "/organization"))
	token, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("[name=csrf]").value`))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{
		{}, {"what": {"everything"}}, {"what": {"subject"}}, {"what": {"subject"}, "subject": {"nobody"}}, {"what": {"once"}, "once": {"-1"}},
		{"what": {"for"}, "for": {"1000h"}}, {"what": {"held"}, "kind": {"all"}},
	} {
		form.Set("csrf", token)
		r, err := s.http.PostForm(base+"/organization/guard", form)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusBadRequest {
			t.Errorf("%v is answered %d", form, r.StatusCode)
		}
	}
	v.do(chromedp.Navigate(base + "/organization"))
	v.see("#guard td", "20 more are let through")

	for range 4 {
		s.logged(http.MethodPatch, "/Users/"+ids[0], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"title","value":"Countess"}]}`, 200)
	}
	const endless = "title is sent again and again, with the same value: 1 person"
	s.until("/console/embedded/now", endless)
	v.do(chromedp.Navigate(base + "/now"))
	v.see(".todo", endless)
}

// until returns a page that shows a text: the log is written after the answers.
func (s *server) until(path, text string) (page string) {
	s.t.Helper()
	for range 400 {
		if page = s.page(path, 200); strings.Contains(page, text) {
			return page
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("%s does not show %q: %s", path, text, page)
	return ""
}

// TestMaskedGuard: an administrator sees whom the guard holds by name, although the log has only marks.
func TestMaskedGuard(t *testing.T) {
	site := strings.Replace(consoleSite, "organization embedded", "organization embedded\n\t\tguard {\n\t\t\tdisables 1 per 1h\n\t\t\tfloor 1\n\t\t\tshare off\n\t\t}", 1)
	s := startOperated(t, strings.Replace(site, "log_values full", "log_values masked", 1))
	c := s.entra("/scim")
	ids := people(t, c, 2)
	for i, want := range []int{200, 503} {
		if r, err := c.SetActive(ids[i], false); err != nil || r.Status != want {
			t.Fatalf("%d: %s, %v", r.Status, r.Raw, err)
		}
	}
	if log := s.until("/console/embedded/log", "still has access"); strings.Contains(log, "@example.com") {
		t.Errorf("the log: %s", log)
	}
	for _, text := range []string{s.page("/console/embedded/organization", 200), s.page("/console/embedded/now", 200), s.must("guard", "status")} {
		if !strings.Contains(text, "p0001@example.com") {
			t.Errorf("whom the guard holds is not said: %s", text)
		}
	}
}
