package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/integration/entra"
)

// scenario is one request and what must be true afterwards. The names are those of the acceptance list.
type scenario struct {
	name, method, path, body string
	status                   int
	scimType                 string
	needs                    string // what the organization must have for it; see platform.lacks
	check                    check
}

// check looks at what came of a request.
type check func(t *testing.T, w *world, r *entra.Response)

// platform is a kind of organization that the scenarios run on.
type platform struct {
	name string

	// lacks says which scenarios make no sense here: what they need, and why it is not there.
	lacks map[string]string

	others   int    // people who are shown besides the four that the scenarios begin with
	nobody   string // an id that nobody has
	newcomer string // person.rest of somebody whom the gateway has just created

	// slots are the attributes that the API itself has a place for at any time; others are the gateway's to remember, and
	// only SCIM shows them.
	slots []string

	// spell is how the API holds a group's displayName; nil where it holds it as it is.
	spell func(string) string

	// open starts n organizations of this kind behind one gateway each, and returns what prepares one of them: the people and
	// the groups that the scenarios begin with. Something may stand between them.
	open func(t *testing.T, n int, b between) func(t *testing.T, i int) *world
}

// world is the organization that a scenario begins with: four people, one of them revoked, and three groups.
type world struct {
	*platform
	org backend
	c   *entra.Client
	ids map[string]string // U1…U4, G1…G3, and boss: an account that must not go
}

// TestAcceptance runs the scenarios on every organization that needs nothing installed.
func TestAcceptance(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onVaultwarden, onGitea, onDesk} {
		t.Run(p.name, func(t *testing.T) { acceptance(t, p) })
	}
}

// acceptance runs every scenario that makes sense on a platform, each on an organization of its own.
func acceptance(t *testing.T, p *platform) {
	var run []scenario
	missed := map[string]bool{}
	for _, sc := range slices.Concat(userScenarios, groupScenarios) {
		if reason := p.lacks[sc.needs]; reason != "" {
			missed[sc.needs] = true
			t.Logf("%s is left out: %s", sc.name, reason)
			continue
		}
		run = append(run, sc)
	}
	for needs := range p.lacks {
		if !missed[needs] {
			t.Errorf("%s lacks %q, which no scenario needs", p.name, needs)
		}
	}
	world := p.open(t, len(run), nil)
	for i, sc := range run {
		t.Run(sc.name, func(t *testing.T) { sc.run(t, world(t, i)) })
	}
	t.Logf("%s: %d scenarios", p.name, len(run))
}

// run carries a scenario out. Besides its own check, three things are true of every one: a read changes nothing, what is
// refused changes nothing, and what SCIM does not speak of stays as it was.
func (sc scenario) run(t *testing.T, w *world) {
	people, groups := w.org.people(t), w.org.groups(t)
	res, err := w.c.Do(sc.method, w.fill(sc.path), w.fill(sc.body))
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != sc.status {
		t.Fatalf("status %d, want %d: %s", res.Status, sc.status, res.Raw)
	}
	if len(res.Raw) > 0 && res.Header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("Content-Type %q", res.Header.Get("Content-Type"))
	}
	if sc.status >= 400 {
		if res.String("status") != fmt.Sprint(sc.status) || res.String("scimType") != sc.scimType || res.String("detail") == "" {
			t.Errorf("error %s, want scimType %q", res.Raw, sc.scimType)
		}
	}
	if sc.check != nil {
		sc.check(t, w, res)
	}
	peopleNow, groupsNow := w.org.people(t), w.org.groups(t)
	if sc.method == "GET" || sc.status >= 400 {
		if diff := cmp.Diff(people, peopleNow, cmp.AllowUnexported(person{})) + cmp.Diff(groups, groupsNow, cmp.AllowUnexported(group{})); diff != "" {
			t.Errorf("the organization has changed: %s", diff)
		}
	}
	for _, before := range people {
		for _, now := range peopleNow {
			if now.id == before.id && now.rest != before.rest {
				t.Errorf("%s had %s and has %s", before.mail, before.rest, now.rest)
			}
		}
	}
	for _, before := range groups {
		for _, now := range groupsNow {
			if now.id == before.id && now.rest != before.rest {
				t.Errorf("group %s had %s and has %s", before.name, before.rest, now.rest)
			}
		}
	}
}

// fill puts the ids into a text: {U1} becomes the first person's.
func (w *world) fill(s string) string {
	for name, id := range w.ids {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return strings.NewReplacer("{nobody}", w.nobody, "{everybody}", fmt.Sprint(4+w.others)).Replace(s)
}

// named are the names of ids, in their order: those of groups, or of people, which some servers count separately.
func (w *world) named(groups bool, ids []string) []string {
	var names []string
	for name, id := range w.ids {
		if slices.Contains(ids, id) && strings.HasPrefix(name, "G") == groups {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (w *world) has(slot string) bool { return slices.Contains(w.slots, slot) }

func (w *world) spelled(name string) string {
	if w.spell != nil {
		return w.spell(name)
	}
	return name
}

// The people and groups that every world begins with.
var (
	seedPeople = []person{
		{mail: "user1@example.com", externalID: "UA", state: "confirmed"}, {mail: "user2@example.com", externalID: "UB", state: "confirmed"},
		{mail: "user3@example.com", externalID: "UC", state: "revoked"}, {mail: "user4@example.com", externalID: "UD", state: "confirmed"},
	}
	seedGroups = []group{
		{name: "Test Group 1", externalID: "A"}, {name: "Test Group 2", externalID: "B"}, {name: "Test Group 3", externalID: "C"},
	}
)

// link writes what the organization has no place for, as the provider does once it has matched what it found.
func (w *world) link(t *testing.T) {
	t.Helper()
	write := func(endpoint, id string, values map[string]any) {
		t.Helper()
		if res, err := w.c.Replace(endpoint, id, values); err != nil || res.Status >= 300 {
			t.Fatalf("linking: %v %s", err, res.Raw)
		}
	}
	for i, p := range seedPeople {
		if !w.has("users' externalId") {
			write("/Users", w.ids[fmt.Sprintf("U%d", i+1)], map[string]any{"externalId": p.externalID})
		}
	}
	for i, g := range seedGroups {
		values := map[string]any{}
		if w.spelled(g.name) != g.name {
			values["displayName"] = g.name
		}
		if !w.has("groups' externalId") {
			values["externalId"] = g.externalID
		}
		if len(values) > 0 {
			write("/Groups", w.ids[fmt.Sprintf("G%d", i+1)], values)
		}
	}
}
