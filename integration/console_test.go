package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// visitor is somebody who looks at pages in a browser.
type visitor struct {
	*testing.T
	ctx context.Context
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.Fatal(err)
	}
}

func (v *visitor) wait(expression, what string) {
	v.Helper()
	for range 400 { // a page that is being loaded has no answer yet
		if ok, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := chromedp.Run(v.ctx, chromedp.Text(chromedp.CSS("body")))
	v.Fatalf("%s\n%s", what, text)
}

func (v *visitor) see(selector, text string) {
	v.Helper()
	v.wait(fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.textContent.includes(%q))`, selector, text), selector+" does not show "+text)
}

// click clicks on what is there, or will be, by the page's own means: a pointer may miss what moves when the window changes.
func click(selector string) chromedp.Action[chromedp.Void] {
	script := fmt.Sprintf(`(e => { e?.click(); return Boolean(e) })(document.querySelector(%q))`, selector)
	return func(ctx context.Context, page *chromedp.Target) (none chromedp.Void, err error) {
		for range 400 { // a page that is being loaded has no answer yet
			if ok, err := chromedp.Evaluate[bool](script)(ctx, page); err == nil && ok {
				return none, nil
			}
			time.Sleep(50 * time.Millisecond)
		}
		return none, errors.New("nothing to click on: " + selector)
	}
}

const consoleSite = loggedOrganization + `
	scim_console
`

// TestConsoleInBrowser goes the way of an administrator: sees requests come, opens one, follows the person, finds the
// group; and what is in names is shown as text.
func TestConsoleInBrowser(t *testing.T) {
	ctx := browser(t)
	s := start(t, consoleSite)
	base := "http://" + s.addr + "/console/embedded"
	w := &visitor{t, ctx}
	do, see, wait := w.do, w.see, w.wait

	do(chromedp.Navigate("http://" + s.addr + "/console"))
	see("main", "Nothing needs a person")
	do(chromedp.Navigate(base + "/log"))
	see("#livetext", "as they come")
	wait(`document.getElementById("live").classList.contains("on")`, "nothing follows the log")

	// Requests show as they come, without the page being loaded again.
	ada := s.logged(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com","externalId":"e1","active":"True","displayName":"Ada Lovelace","title":"Countess"}`, 201)
	see("#rows .row", "Ada Lovelace")
	evil := `<script>document.title='taken'</script><img src=x onerror=document.title='taken'>` + "\\u0007\\u202e"
	bad := s.logged(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mallory@example.com","externalId":"<b>e2</b>","active":true,"displayName":"`+evil+`"}`, 201)
	see("#rows .row", "<script>document.title")
	s.logged(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineers","externalId":"g1","members":[{"value":"`+ada+`"}]}`, 201)
	s.logged(http.MethodPatch, "/Users/"+bad, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, 200)
	s.logged(http.MethodPatch, "/Users/"+ada, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"frobnicate","path":"active","value":"x"}]}`, 400)
	s.logged(http.MethodGet, "/Users/11111111-2222-4333-8444-555555555555", "", 404)
	s.logged(http.MethodPatch, "/Users/"+ada, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"Ada Lovelace"}]}`, 200)
	s.logged(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"owner@example.com","active":true}`, 409)
	see("#rows .row", "Engineers")
	see("#rows .row", "owner@example.com")

	// What cannot be read is no deactivation, and somebody has to look at it.
	do(chromedp.Navigate(base + "/now"))
	see(".todo .loud", "Ada Lovelace may be meant to have no access any more")
	// The charts say in words what they show, with units.
	see("figcaption", "mean time of a call of the upstream, at most ")
	see("svg[role=img] > title", " calls of the upstream in 24 hours, with a mean time of ")
	see("svg g title", " calls of the upstream, ")
	see("figcaption", "rules applied, at most ")
	see("svg[role=img] > title", "Rules applied in 24 hours: ")
	wait(`["upstream", "rules"].every(c => document.querySelector("rect." + c)?.getBoundingClientRect().height > 1)`, "a chart is empty")
	do(chromedp.Navigate(base + "/log"))

	// One request in full, from what came to what was answered.
	do(chromedp.Navigate(base+"/log?q=Lovelace&verb=create"), click("#rows .row"))
	see("h1", "Created a person: Ada Lovelace")
	see(".diff del", `"True"`)
	see(".diff ins", "true")
	see(".steps", "title")
	for i, width := range []int64{390, 800, 1280} {
		picture(t, ctx, fmt.Sprint("record-", width), width, i == 1)
	}

	// What was decided: the owner was there before.
	do(chromedp.Navigate(base + "/log?q=owner@example.com"))
	see("#rows .row", "owner@example.com")
	do(click("#rows .row"))
	see(".steps .notes", "linked to somebody who was there before because of userName, existing conflict")
	do(chromedp.Navigate(base+"/log?q=Lovelace&verb=create"), click("#rows .row"))
	see("h1", "Created a person: Ada Lovelace")

	// The person, and why she has access.
	do(chromedp.EmulateViewport(1280, 900), click(`.lead a`))
	see("h1", "Ada Lovelace")
	see(".why", "Engineers")
	see(".timeline", "added to the group")
	see(".why a", "Created a person: invited")
	for i, width := range []int64{390, 800, 1280} {
		picture(t, ctx, fmt.Sprint("story-", width), width, i != 1)
	}
	do(chromedp.EmulateViewport(1280, 900), click(`.why a[href*="/groups/"]`))
	see("h1", "Engineers")
	see(".why", "Ada Lovelace")
	see(".timeline .chip", "group created")
	if text := s.page("/console/embedded/people?q=11111111", 200); !strings.Contains(text, "Nobody was found") {
		t.Error("an id that nobody ever had is somebody's")
	}
	do(chromedp.Navigate(base + "/people"))
	see(".people", "<script>document.title")
	picture(t, ctx, "people-390", 390, true)
	picture(t, ctx, "people-1280", 1280, false)
	do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+"/people/"+bad))
	see("h1", "<script>document.title")
	see("h1", "␇")
	see("h1 .chip", "no access")
	for i, width := range []int64{360, 800, 1280} {
		for _, page := range []string{"now", "log", "organization"} {
			do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(base+"/"+page))
			see("h1", map[string]string{"now": "Now", "log": "Log", "organization": "embedded"}[page])
			if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title == "taken" {
				t.Errorf("%s runs what is in a name: %q, %v", page, title, err)
			}
			if wider, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > window.innerWidth`)); err != nil || wider {
				t.Errorf("%s is wider than %d pixels", page, width)
			}
			picture(t, ctx, fmt.Sprint(page, "-", width), width, i == 0)
			picture(t, ctx, fmt.Sprint(page, "-other-", width), width, i != 0)
		}
	}

	// A key is made, used, and revoked; provisioning is paused, and goes on.
	do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(base+"/organization"),
		chromedp.SendKeys(chromedp.CSS(`input[name=name][required]`), "entra-2\r"))
	see(".notice", "shown this once")
	secret, err := chromedp.Run(ctx, chromedp.Value(chromedp.CSS("#secret")))
	if err != nil || len(secret) < 30 {
		t.Fatalf("the new key: %q, %v", secret, err)
	}
	with := func(key string) int {
		t.Helper()
		c := s.entra("/scim")
		c.Secret = key
		a, err := c.Find("/Users", "userName", "ada@example.com")
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	if got := with(secret); got != 200 {
		t.Errorf("the new key is answered %d", got)
	}
	picture(t, ctx, "keys-1280", 1280, false)
	do(chromedp.EmulateViewport(1280, 900), click(`form[action$="/pause"] button`))
	see("h2", "Provisioning is paused")
	s.logged(http.MethodPatch, "/Users/"+ada, `{"Operations":[{"op":"replace","path":"active","value":false}]}`, 503)
	do(chromedp.Navigate(base + "/now"))
	see(".todo .loud", "Provisioning is paused")
	do(chromedp.Navigate(base+"/organization"), click(`form[action$="/resume"] button`))
	see("h2", "Provisioning is enabled")
	do(click(`[aria-label="Revoke entra-2"]`))
	see("td .chip.off", "revoked")
	if got := with(secret); got != 401 {
		t.Errorf("the revoked key is answered %d", got)
	}

	// By keyboard: the first stop leads to the content.
	do(chromedp.Navigate(base+"/now"), chromedp.KeyEvent("\t"))
	if first, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.textContent`)); err != nil || first != "To the content" {
		t.Errorf("the first stop is %q, %v", first, err)
	}
}

// TestConsoleShowsOneOrganizationOnly: no path, no parameter and no id leads to another organization's records.
func TestConsoleShowsOneOrganizationOnly(t *testing.T) {
	const two = `
	scim_gateway /scim/acme/* {
		key entra {KEY}
		quirks entra
		organization acme
		provisioning_log {DIR}/provisioning.db {
			log_values full
		}
		upstream bitwarden {
			client_id organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20
			client_secret a-secret-that-is-in-no-log
		}
	}
	scim_gateway /scim/globex/* {
		key entra {KEY}
		quirks entra
		organization globex
		provisioning_log {DIR}/provisioning.db {
			log_values full
		}
		upstream bitwarden {
			client_id organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20
			client_secret a-secret-that-is-in-no-log
		}
	}
	scim_organization {
		store {DIR}/organization.db
		client organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20 a-secret-that-is-in-no-log
		owner owner@example.com
	}
	scim_console {
		path /acme
		organizations acme
	}
	scim_console {
		path /all
	}
`
	s := start(t, two)
	for _, org := range []string{"acme", "globex"} {
		a, err := s.entra("/scim/"+org).Do(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+org+`@example.com","externalId":"`+org+`","active":true,"displayName":"The one of `+org+`"}`)
		if err != nil || a.Status != 201 {
			t.Fatalf("%v %v", a, err)
		}
	}
	var all string
	for range 200 { // the log is written after the answer
		if all = s.page("/all/globex/log", 200); strings.Contains(all, "The one of globex") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !strings.Contains(all, "The one of globex") || strings.Contains(all, "The one of acme") {
		t.Fatalf("the log of globex: %s", all)
	}
	for _, path := range []string{
		"/log", "/log?organization=globex", "/log?q=globex", "/log?q=%25", "/people", "/people?q=The", "/now", "/log/1", "/log/2", "/people/globex", "/organization", "/drift",
	} {
		res, err := s.http.Get("http://" + s.addr + "/acme/acme" + path)
		if err != nil {
			t.Fatal(err)
		}
		text := readAll(t, res)
		if strings.Contains(strings.ReplaceAll(text, `value="globex"`, ""), "globex") {
			t.Errorf("%s shows the other organization: %s", path, text)
		}
	}
	for _, path := range []string{"/acme/globex/log", "/acme/globex/now", "/acme/globex/log/live", "/acme/globex/drift", "/acme/GLOBEX/log", "/acme/%2e%2e/globex"} {
		if text := s.page(path, 404); strings.Contains(text, "The one of") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// TestConsoleAsksWhoItIs: from elsewhere nobody sees it without an authentication, and no other site changes anything.
func TestConsoleAsksWhoItIs(t *testing.T) {
	s := start(t, consoleSite+`
	basic_auth /secret/* {
		admin $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
	}
	scim_console {
		path /secret
	}
	scim_console {
		path /proxied
		user {http.request.header.Remote-User}
	}
`)
	get := func(path string, header map[string]string) int {
		t.Helper()
		r, _ := http.NewRequest(http.MethodGet, "http://"+s.addr+path, nil)
		for name, value := range header {
			r.Header.Set(name, value)
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, res)
		return res.StatusCode
	}
	for _, c := range []struct {
		what, path string
		header     map[string]string
		status     int
	}{
		{"this machine", "/console/embedded/now", nil, 200},
		{"a proxy on this machine", "/console/embedded/now", map[string]string{"X-Forwarded-For": "192.0.2.1"}, 403},
		{"who is not let in", "/secret/embedded/now", nil, 401},
		{"who is let in", "/secret/embedded/now", map[string]string{"Authorization": "Basic YWRtaW46aGljY3Vw", "X-Forwarded-For": "192.0.2.1"}, 200},
		{"the header that says who", "/proxied/embedded/now", map[string]string{"X-Forwarded-For": "192.0.2.1", "Remote-User": "ada"}, 200},
	} {
		if got := get(c.path, c.header); got != c.status {
			t.Errorf("%s: %d, want %d", c.what, got, c.status)
		}
	}
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, nil} {
		r, _ := http.NewRequest(http.MethodPost, "http://"+s.addr+"/console/embedded/organization", strings.NewReader("csrf=wrong"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range header {
			r.Header.Set(name, value)
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if readAll(t, res); res.StatusCode != http.StatusForbidden {
			t.Errorf("a form of another site, %v: %d", header, res.StatusCode)
		}
	}
	res, err := s.http.Get("http://" + s.addr + "/console/embedded/now")
	if err != nil {
		t.Fatal(err)
	}
	if readAll(t, res); !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("policy: %v", res.Header)
	}
}

// page reads a page of the console.
func (s *server) page(path string, status int) string {
	s.t.Helper()
	res, err := s.http.Get("http://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	text := readAll(s.t, res)
	if res.StatusCode != status {
		s.t.Fatalf("%s: %d, want %d\n%s", path, res.StatusCode, status, text)
	}
	return text
}

func readAll(t testing.TB, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
