//go:build real

package integration

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestJupyterHub runs the mapping of docs/mapping.md against a real JupyterHub: an API that cannot deactivate anybody, and whose
// ids are names.
func TestJupyterHub(t *testing.T) {
	addr, token := serveReal(t, "jupyterhub")
	t.Setenv("SCIM_TOKEN", token)
	hub := &jupyterHub{jsonAPI{"http://" + addr + "/hub/api", http.Header{"Authorization": {"token " + token}}, http.DefaultClient}}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // its proxy answers before it does
		res, err := http.Get(hub.base)
		if err == nil {
			_ = res.Body.Close()
		}
		if err == nil && res.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the hub does not start")
		}
	}
	docs, err := os.ReadFile("../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("real/jupyterhub_config.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindAllSubmatch(docs, -1) {
		if !strings.Contains(string(config), string(m[1])) {
			t.Errorf("the hub is not configured as the docs say: %s", m[1])
		}
	}
	mapping := regexp.MustCompile(`(?ms)^\t\tupstream rest \{\n\t\t\tbase /hub/api\n.*?^\t\t\}$`).Find(docs)
	if mapping == nil {
		t.Fatal("the docs have no such mapping any more")
	}
	s := start(t, gateway(addr, "organization hub\n"+string(mapping)))
	s.names = true
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			c := s.entra("/scim")
			c.Flag = flag
			hub.cycle(t, c, fmt.Sprintf("f%v-", flag))
		})
	}
}

type jupyterHub struct{ jsonAPI }

type hubUser struct {
	Name   string
	Admin  bool
	Groups []string
}

func (h *jupyterHub) people(t *testing.T) []person {
	t.Helper()
	var users []hubUser
	h.do(t, "GET", "/users", nil, &users)
	var all []person
	for _, u := range users {
		one := person{u.Name, u.Name, "active", "", fmt.Sprintf("admin %v", u.Admin)}
		if slices.Contains(u.Groups, "blocked") {
			one.state = "revoked"
		}
		all = append(all, one)
	}
	return all
}

func (h *jupyterHub) groups(t *testing.T) []group {
	t.Helper()
	var groups []struct {
		Name  string
		Users []string
	}
	h.do(t, "GET", "/groups", nil, &groups)
	var all []group
	for _, g := range groups {
		slices.Sort(g.Users)
		all = append(all, group{id: g.Name, name: g.Name, members: g.Users})
	}
	return all
}

// cycle is the life of a person and a group, with a look at what the person's own token opens.
func (h *jupyterHub) cycle(t *testing.T, c *entra.Client, prefix string) {
	must := func(res *entra.Response, err error, status ...int) *entra.Response {
		t.Helper()
		if err != nil || !slices.Contains(status, res.Status) {
			t.Fatalf("%v, status %d, want %d: %s", err, res.Status, status, res.Raw)
		}
		return res
	}
	mail := prefix + "ada@example.com"
	res, err := c.Create(entra.User{UserName: strings.ToUpper(mail), Mail: mail, ExternalID: prefix + "a", DisplayName: "Ada"})
	id := must(res, err, 201).ID()
	res, err = c.Create(entra.User{UserName: mail, Mail: mail, ExternalID: prefix + "a"})
	must(res, err, 409)
	res, err = c.CreateGroup(prefix+"Chess Club", prefix+"g")
	club := must(res, err, 201).ID()
	res, err = c.AddMembers(club, id)
	must(res, err, 200, 204)

	var token struct{ Token string }
	h.do(t, "POST", "/users/"+id+"/tokens", map[string]any{}, &token)
	opens := func(want int) { // the hub looks again after a second
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			req, _ := http.NewRequest(http.MethodGet, h.base+"/user", nil)
			req.Header.Set("Authorization", "token "+token.Token)
			res, err := h.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the person's own token is answered %d, want %d", res.StatusCode, want)
			}
		}
	}
	is := func(state string) {
		t.Helper()
		if p := personWith(t, h, mail); p.state != state {
			t.Errorf("%q is %q, want %q", mail, p.state, state)
		}
		res, err := c.Find("/Users", "userName", mail)
		if first := must(res, err, 200).First(); (first == nil) != (state == "") || first != nil && first["active"] != (state == "active") {
			t.Errorf("SCIM shows %v, who should be %q", first, state)
		}
		if g := groupNamed(t, h, prefix+"Chess-Club"); g == nil || slices.Contains(g.members, mail) != (state != "") {
			t.Errorf("the club is %+v", g)
		}
	}
	is("active")
	opens(200)
	for range 2 {
		res, err = c.SetActive(id, false)
		must(res, err, 200)
		is("revoked")
		opens(403)
	}
	res, err = c.SetActive(id, true)
	must(res, err, 200)
	is("active")
	opens(200)

	// The group that means something is nobody's.
	res, err = c.Find("/Groups", "displayName", "blocked")
	if must(res, err, 200).Total() != 0 {
		t.Errorf("%s", res.Raw)
	}
	res, err = c.SetActive(id, false)
	must(res, err, 200)
	res, err = c.Delete("/Groups", "blocked")
	must(res, err, 403, 404)
	is("revoked")

	// Names stay what they are in the hub, and the ledger has the provider's.
	res, err = c.Replace("/Groups", club, map[string]any{"displayName": prefix + "Chess & Go"})
	must(res, err, 200, 204)
	res, err = c.Find("/Groups", "displayName", prefix+"Chess & Go")
	if must(res, err, 200).First()["id"] != club {
		t.Errorf("%s", res.Raw)
	}
	res, err = c.Delete("/Users", id)
	must(res, err, 204)
	is("")
	opens(403)
	res, err = c.Delete("/Users", id)
	must(res, err, 404)
	res, err = c.Read("/Users", "nobody")
	must(res, err, 404)
	res, err = c.Delete("/Groups", club)
	must(res, err, 204)
	if groupNamed(t, h, prefix+"Chess-Club") != nil {
		t.Error("the club is still there")
	}
}
