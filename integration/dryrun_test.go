package integration

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/integration/desk"
	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/trace"
)

// readOnly is an upstream that must not be written to while it is closed.
type readOnly struct {
	t      *testing.T
	next   http.Handler
	mu     sync.Mutex
	closed bool
}

func (o *readOnly) set(closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = closed
}

func (o *readOnly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	closed := o.closed
	o.mu.Unlock()
	if closed && r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/connect/token") {
		o.t.Errorf("the dry run has sent %s %s", r.Method, r.URL)
		http.Error(w, "closed", http.StatusInternalServerError)
		return
	}
	o.next.ServeHTTP(w, r)
}

// assigned is a provider with people and groups, which keeps the ids that it was told.
type assigned struct {
	*entra.Client
	t   *testing.T
	ids map[string]string
}

func (a *assigned) do(res *entra.Response, err error) *entra.Response {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	return res
}

// person finds somebody or creates them, as Entra does with everybody in the scope.
func (a *assigned) person(name string) string {
	a.t.Helper()
	mail := name + "@example.com"
	if found := a.do(a.Find("/Users", "userName", mail)); found.Total() == 1 {
		a.ids[name], _ = found.First()["id"].(string)
		return a.ids[name]
	}
	made := a.do(a.Create(entra.User{UserName: mail, Mail: mail, ExternalID: "ext-" + name, DisplayName: name, GivenName: name, FamilyName: "Example"}))
	if made.Status != 201 || a.do(a.Read("/Users", made.ID())).Status != 200 || a.do(a.Find("/Users", "userName", mail)).Total() != 1 {
		a.t.Fatalf("%s was created and is not there: %d %s", name, made.Status, made.Raw)
	}
	a.ids[name] = made.ID()
	return a.ids[name]
}

func (a *assigned) group(name string) string {
	a.t.Helper()
	if found := a.do(a.Find("/Groups", "displayName", name)); found.Total() == 1 {
		a.ids[name], _ = found.First()["id"].(string)
		return a.ids[name]
	}
	made := a.do(a.CreateGroup(name, "ext-"+name))
	if made.Status != 201 {
		a.t.Fatalf("%s was not created: %d %s", name, made.Status, made.Raw)
	}
	a.ids[name] = made.ID()
	return a.ids[name]
}

// first is how the organization came to be what it is.
func (a *assigned) first() {
	for _, name := range []string{"ada", "ben", "cyd", "eve"} {
		a.person(name)
	}
	a.do(a.AddMembers(a.group("Engineering"), a.ids["ada"], a.ids["ben"], a.ids["cyd"]))
	a.group("Old")
	a.do(a.SetActive(a.ids["eve"], false))
}

// second is the cycle that somebody wants to see before it happens. It returns what was answered to what takes access away.
func (a *assigned) second() (taking []int) {
	a.ids = map[string]string{}
	for _, name := range []string{"ada", "ben", "cyd", "eve", "dora", "finn"} {
		a.person(name)
	}
	took := func(res *entra.Response, err error) { taking = append(taking, a.do(res, err).Status) }
	took(a.SetActive(a.ids["ada"], false))
	gave := func(res *entra.Response, err error) {
		a.t.Helper()
		if res := a.do(res, err); res.Status >= 300 {
			a.t.Errorf("what gives access was answered %d %s", res.Status, res.Raw)
		}
	}
	gave(a.SetActive(a.ids["eve"], true))
	gave(a.SetActive(a.ids["eve"], true))
	gave(a.AddMembers(a.group("Chess"), a.ids["dora"], a.ids["eve"]))
	if found := a.do(a.Find("/Groups", "displayName", "Platform")); found.Total() == 1 { // it was renamed the last time
		a.ids["Engineering"], _ = found.First()["id"].(string)
	} else {
		a.group("Engineering")
	}
	gave(a.AddMembers(a.ids["Engineering"], a.ids["finn"]))
	took(a.RemoveMembers(a.ids["Engineering"], a.ids["ben"]))
	took(a.Delete("/Groups", a.group("Old")))
	took(a.Delete("/Users", a.ids["cyd"]))
	gave(a.Replace("/Groups", a.ids["Engineering"], map[string]any{"displayName": "Platform"}))
	if a.do(a.Find("/Groups", "displayName", "Platform")).Total() != 1 || a.do(a.Find("/Groups", "displayName", "Engineering")).Total() != 0 {
		a.t.Error("the renamed group is not found by its new name")
	}
	return taking
}

// kept is what the gateway has stored of organizations: the ledger, the guard, who leads and who is there.
func (s *server) kept() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, folder := range []string{"ledger", "guard", "presence", "lease"} {
		root := filepath.Join(s.dir, "storage", "scim_gateway", folder)
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				text, _ := os.ReadFile(path)
				all[path] = string(text)
			}
			return nil
		})
	}
	return all
}

// rests waits until the gateway has written what it still had to: an intent is the last thing that leaves the storage.
func (s *server) rests() {
	s.t.Helper()
	for range 1000 {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(s.kept())), func(path string) bool { return strings.Contains(path, "/intents/") }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("an intent stays in the storage")
}

// looked is all of an organization, in order.
func looked(t *testing.T, org backend) ([]person, []group) {
	t.Helper()
	people, groups := org.people(t), org.groups(t)
	slices.SortFunc(people, func(a, b person) int { return strings.Compare(a.id, b.id) })
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.id, b.id) })
	return people, groups
}

// happened is what is different in an organization from what it was, in the words of a report.
func happened(t *testing.T, org backend, ps []person, gs []group) (all []string) {
	t.Helper()
	now := org.people(t)
	is := func(id string) *person {
		i := slices.IndexFunc(now, func(p person) bool { return p.id == id })
		if i < 0 {
			return nil
		}
		return &now[i]
	}
	mails, gone := map[string]string{}, map[string]bool{}
	for _, p := range append(slices.Clone(ps), now...) {
		mails[p.id] = p.mail
	}
	for _, p := range ps {
		switch n := is(p.id); {
		case n == nil:
			all, gone[p.id] = append(all, "removed "+p.mail), true
		case n.state == "revoked" && p.state != "revoked":
			all = append(all, "revoked "+p.mail)
		case n.state != "revoked" && p.state == "revoked":
			all = append(all, "restored "+p.mail)
		}
	}
	for _, p := range now {
		if !slices.ContainsFunc(ps, func(old person) bool { return old.id == p.id }) {
			all = append(all, "invited "+p.mail)
		}
	}
	groups := org.groups(t)
	for _, g := range groups {
		i := slices.IndexFunc(gs, func(old group) bool { return old.id == g.id })
		old := group{name: g.name}
		if i < 0 {
			all = append(all, "group_created "+g.name)
		} else if old = gs[i]; old.name != g.name {
			all = append(all, "group_renamed "+old.name+" → "+g.name)
		}
		for _, id := range g.members {
			if !slices.Contains(old.members, id) {
				all = append(all, "member_added "+mails[id]+": "+old.name)
			}
		}
		for _, id := range old.members {
			if !slices.Contains(g.members, id) && !gone[id] {
				all = append(all, "member_removed "+mails[id]+": "+old.name)
			}
		}
	}
	for _, g := range gs {
		if !slices.ContainsFunc(groups, func(n group) bool { return n.id == g.id }) {
			all = append(all, "group_removed "+g.name)
		}
	}
	slices.Sort(all)
	return all
}

// TestDryRun: an administrator points Entra at the gateway and looks before the first real cycle. The upstream fails the test
// on any write, and the report is what the same cycle then does.
func TestDryRun(t *testing.T) {
	vault, git, help := vaultwarden.New(), gitea.New(), desk.New()
	server, users, teams := scimServer(t)
	for _, tt := range []struct {
		name     string
		handler  http.Handler
		org      backend
		upstream string
	}{
		{"Vaultwarden's contract", vault, vaultwardenBackend{vault}, vaultwardenUpstream("")},
		{"Gitea's contract", git, giteaBackend{git}, giteaUpstream("")},
		{"an API of one's own", help, deskBackend{help}, deskUpstream("")},
		{"SCIM server", server, scimBackend{users, teams}, "upstream scim /v2\norganization acme"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			closed := &readOnly{t: t, next: tt.handler}
			upstream := httptest.NewServer(closed)
			defer upstream.Close()
			site := func(dry string) string {
				return gateway(upstream.Listener.Addr().String(), tt.upstream+"\n"+dry)
			}
			s := startOperated(t, site(""))
			a := &assigned{s.entra("/scim"), t, map[string]string{}}
			a.first()

			closed.set(true)
			s.move(site("dry_run"))
			kept := s.kept() // with what was still to be written
			a.Client = s.entra("/scim")
			people, groups := looked(t, tt.org)
			for range 2 { // the provider comes back for what was refused
				for i, status := range a.second() {
					if status != 503 {
						t.Errorf("%d. of those that take access away was answered %d", i+1, status)
					}
				}
			}
			if diff := cmp.Diff(kept, s.kept()); diff != "" {
				t.Errorf("the gateway's own memory has changed:\n%s", diff)
			}
			peopleNow, groupsNow := looked(t, tt.org)
			if !cmp.Equal(people, peopleNow, cmp.AllowUnexported(person{})) || !cmp.Equal(groups, groupsNow, cmp.AllowUnexported(group{})) {
				t.Error("the organization has changed")
			}
			var f dryrun.Findings
			if err := json.Unmarshal([]byte(s.must("dry-run", "report", "--json")), &f); err != nil {
				t.Fatal(err)
			}
			var planned []string
			for _, e := range f.Changes {
				step := e.What
				if step.Kind == trace.Changed {
					continue // the organization does not tell
				}
				if step.Kind == trace.Created {
					step.Kind = trace.Invited
				}
				if step.ID = ""; step.Name == "" { // a SCIM server's members have ids alone
					step.Name = nameOf(a, e.What.ID)
				}
				planned = append(planned, string(step.Kind)+" "+dryrun.Sentence(step))
			}
			slices.Sort(planned)

			closed.set(false)
			s.move(site(""))
			a.Client = s.entra("/scim")
			for i, status := range a.second() {
				if status >= 300 {
					t.Errorf("%d. of those that take access away was answered %d", i+1, status)
				}
			}
			if diff := cmp.Diff(happened(t, tt.org, people, groups), planned); diff != "" {
				t.Errorf("what happened (-) and what was planned (+):\n%s", diff)
			}
		})
	}
}

func nameOf(a *assigned, id string) string {
	for name, known := range a.ids {
		if known == id {
			return name + "@example.com"
		}
	}
	return id
}

// What the guard would hold and what protect would refuse is in the report, by name; nobody is counted, and nobody is told that
// somebody lost access, be it one who only waits. When the dry run is over, what it imagined is unknown.
func TestDryRunHolds(t *testing.T) {
	site := func(dry string) string {
		return gateway("", `organization acme
		guard {
			disables 3 per 1h
			floor 1
			share 100
			protect userName p0009@*
		}
		cluster {
			ttl 1s
		}
		`+dry+"\n"+bitwarden) + organization
	}
	s := startOperated(t, site(""))
	c := s.entra("/scim")
	ids := people(t, c, 10)
	waiting, err := c.Create(entra.User{UserName: "later@example.com", Mail: "later@example.com", Inactive: true})
	if err != nil || waiting.Status != 201 {
		t.Fatalf("%v %s", err, waiting.Raw)
	}
	s.move(site("dry_run"))
	c = s.entra("/scim")
	kept := s.kept() // whoever led has given it back
	for range 2 {
		for _, id := range append(ids[3:9:9], ids[9]) {
			want := 503
			if id == ids[9] {
				want = 403
			}
			if res, err := c.SetActive(id, false); err != nil || res.Status != want {
				t.Errorf("%v %s, want %d", err, res.Raw, want)
			}
		}
		if res, err := c.Delete("/Users", waiting.ID()); err != nil || res.Status != 503 {
			t.Errorf("deleting one who waits: %v %s", err, res.Raw)
		}
	}
	later, err := c.Create(entra.User{UserName: "gone@example.com", Mail: "gone@example.com", Inactive: true})
	if err != nil || later.Status != 201 || !dryrun.Imagined(later.ID()) {
		t.Fatalf("%v %s", err, later.Raw)
	}
	for _, active := range []bool{true, false} {
		want := map[bool]int{true: 200, false: 503}[active]
		if res, err := c.SetActive(later.ID(), active); err != nil || res.Status != want {
			t.Errorf("%v %s, want %d", err, res.Raw, want)
		}
	}
	if res, err := c.Create(entra.User{UserName: "", Mail: "nobody"}); err != nil || res.Status != 400 {
		t.Errorf("%v %s", err, res.Raw)
	}
	if diff := cmp.Diff(kept, s.kept()); diff != "" {
		t.Errorf("the gateway's own memory has changed:\n%s", diff)
	}
	report := s.must("dry-run", "report")
	for _, want := range []string{
		"Would lose access: 3\n  p0003@example.com (", "The guard would hold: 4\n  p0006@example.com (", "p0008@example.com (" + ids[8] + ") (loses access)",
		"protect would refuse: 1\n  p0009@example.com (", "Would be removed: 1\n  later@example.com", "Would wait until they are active: 1\n  gone@example.com",
		"Would be invited: 1\n  gone@example.com", "Would be refused: 1\n  User create", "userName",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(report)
	}
	if logs := s.logs(); !strings.Contains(logs, "DRY RUN") || strings.Contains(logs, "the guard has tripped") || strings.Contains(logs, "the user is still active") {
		t.Error("the log does not say that it is a dry run, or says more than has happened")
	}

	s.move(site(""))
	c = s.entra("/scim")
	for _, id := range []string{later.ID(), dryrun.NewID()} {
		if res, err := c.SetActive(id, true); err != nil || res.Status != 404 {
			t.Errorf("%v %s", err, res.Raw)
		}
	}
	if res, err := c.SetActive(ids[3], false); err != nil || res.Status != 200 {
		t.Errorf("%v %s", err, res.Raw)
	}
	if res, err := c.Delete("/Users", waiting.ID()); err != nil || res.Status != 204 {
		t.Errorf("%v %s", err, res.Raw)
	}
}

// TestDryRunBeside: a dry run beside the gateway that provisions the organization sees what that one remembers, also what it has
// been asked for before.
func TestDryRunBeside(t *testing.T) {
	s := start(t, strings.Replace(gateway("", "organization acme\n"+bitwarden), "/scim/*", "/real/*", 1)+
		strings.Replace(gateway("", "organization acme\ndry_run\nview_ttl off\n"+bitwarden), "/scim/*", "/dry/*", 1)+organization)
	production, dry := s.entra("/real"), s.entra("/dry")
	find := func() int {
		found, err := dry.Find("/Users", "userName", "ada@corp.example.org")
		if err != nil || found.Status != 200 {
			t.Fatalf("%v %s", err, found.Raw)
		}
		return found.Total()
	}
	if find() != 0 {
		t.Fatal("she is there")
	}
	made, err := production.Create(entra.User{UserName: "ada@corp.example.org", Mail: "ada@example.com", ExternalID: "a"})
	if err != nil || made.Status != 201 {
		t.Fatalf("%v %s", err, made.Raw)
	}
	for range 200 {
		if find() == 1 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the dry run does not know whom the gateway beside it has invited")
}
