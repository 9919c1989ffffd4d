package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/integration/entra"
)

// withPolicy is the embedded organization, empty but for its owner, behind a gateway with some lines about it.
func withPolicy(t *testing.T, lines string) *office {
	t.Helper()
	s := start(t, policySite(lines))
	return &office{t, s, s.entra("/scim"), newPublicAPI(t, s, "")}
}

func policySite(lines string) string {
	return gateway("", "organization embedded\n\t\t"+lines+"\n\t\t"+bitwarden) + organization
}

// office is a gateway and its organization, seen from both sides.
type office struct {
	t   *testing.T
	s   *server
	c   *entra.Client
	api *publicAPI
}

// do makes a SCIM request that must be answered with a status.
func (o *office) do(status int, method, path, body string) *entra.Response {
	o.t.Helper()
	res, err := o.c.Do(method, path, body)
	if err != nil {
		o.t.Fatal(err)
	}
	if res.Status != status {
		o.t.Fatalf("%s %s: status %d, want %d: %s", method, path, res.Status, status, res.Raw)
	}
	return res
}

// find is the id of the one resource with a value; empty where there is none.
func (o *office) find(endpoint, attribute, value string) string {
	o.t.Helper()
	res, err := o.c.Find(endpoint, attribute, value)
	if err != nil || res.Status != 200 || res.Total() > 1 {
		o.t.Fatalf("looking for %s: %v %s", value, err, res.Raw)
	}
	id, _ := res.First()["id"].(string)
	return id
}

// person is who has an address, seen in the organization.
func (o *office) person(mail string) person {
	o.t.Helper()
	return personWith(o.t, o.api, mail)
}

// invite puts a member there by hand, who has accepted and is called by a name.
func (o *office) invite(mail, externalID, name string) string {
	o.t.Helper()
	var m apiMember
	o.api.do(o.t, http.MethodPost, "/members", map[string]any{"email": mail, "type": 2, "externalId": externalID}, &m)
	o.api.do(o.t, http.MethodPost, "/members/"+m.ID+"/accept", map[string]any{"name": name}, nil)
	return m.ID
}

// in are the ids of a group's members, seen in the organization.
func (o *office) in(group string) []string {
	o.t.Helper()
	var ids []string
	o.api.do(o.t, http.MethodGet, "/groups/"+group+"/member-ids", nil, &ids)
	slices.Sort(ids)
	return ids
}

func user(userName, mail, externalID string, more ...string) string {
	text := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"externalId":%q,"active":true`, userName, externalID)
	if mail != "" {
		text += fmt.Sprintf(`,"emails":[{"primary":true,"type":"work","value":%q}]`, mail)
	}
	return text + strings.Join(append([]string{""}, more...), ",") + "}"
}

func off(user string) string { return strings.Replace(user, `"active":true`, `"active":false`, 1) }

const (
	disable = patchOp + `[{"op":"Replace","path":"active","value":"False"}]}`
	enable  = patchOp + `[{"op":"Replace","path":"active","value":"True"}]}`
)

func TestExistingConflict(t *testing.T) {
	o := withPolicy(t, "existing conflict")
	id := o.invite("ann@example.com", "hand", "Ann by hand")
	before := o.person("ann@example.com")
	o.do(409, "POST", "/Users", user("ann@corp.example", "ann@example.com", "E", `"displayName":"Ann of Entra"`))
	if now := o.person("ann@example.com"); now != before {
		t.Errorf("a conflict has changed %+v to %+v", before, now)
	}
	// Entra looks once more, by its own name for her.
	if found := o.find("/Users", "userName", "ann@corp.example"); found != id {
		t.Errorf("found %q, want %q", found, id)
	}
	var g apiGroup
	o.api.do(t, http.MethodPost, "/groups", map[string]any{"name": "Sales", "externalId": "hand"}, &g)
	o.do(409, "POST", "/Groups", `{"displayName":"Sales","externalId":"E"}`)
	if found := o.find("/Groups", "displayName", "Sales"); found != g.ID {
		t.Errorf("found %q, want %q", found, g.ID)
	}
}

// A POST of somebody who is there links; the link itself rewrites neither name nor externalId, the provider's next word does.
func TestExistingLink(t *testing.T) {
	o := withPolicy(t, "existing link")
	id := o.invite("ann@example.com", "hand", "Ann by hand")
	before := o.person("ann@example.com")
	res := o.do(201, "POST", "/Users", user("ann@corp.example", "ann@example.com", "E", `"displayName":"Ann of Entra"`))
	if now := o.person("ann@example.com"); now != before {
		t.Errorf("the link has changed %+v to %+v", before, now)
	}
	if res.ID() != id || res.String("externalId") != "hand" || res.String("displayName") != "Ann by hand" || res.String("userName") != "ann@corp.example" {
		t.Errorf("linked as %s", res.Raw)
	}
	if location := res.Header.Get("Location"); !strings.HasSuffix(location, "/Users/"+id) {
		t.Errorf("Location %q", location)
	}
	o.do(200, "PATCH", "/Users/"+id, patchOp+`[{"op":"Replace","path":"externalId","value":"E"}]}`)
	if now := o.person("ann@example.com"); now.externalID != "E" || now.rest != before.rest || now.state != "accepted" {
		t.Errorf("corrected to %+v", now)
	}

	// One who was revoked and is active at the provider is restored.
	o.api.do(t, http.MethodPost, "/members/"+id+"/revoke", nil, nil)
	if res = o.do(201, "POST", "/Users", user("ann@corp.example", "ann@example.com", "E")); res.Body["active"] != true || o.person("ann@example.com").state != "accepted" {
		t.Errorf("linked as %s", res.Raw)
	}

	var g apiGroup
	o.api.do(t, http.MethodPost, "/groups", map[string]any{"name": "Sales", "externalId": "hand"}, &g)
	res = o.do(201, "POST", "/Groups", `{"displayName":"Sales","externalId":"E","members":[{"value":"`+id+`"}]}`)
	if all := o.api.groups(t); len(all) != 1 || all[0].id != g.ID || all[0].externalID != "hand" || res.ID() != g.ID || res.String("externalId") != "hand" {
		t.Errorf("linked as %s, groups %v", res.Raw, all)
	}
	if got := o.in(g.ID); !slices.Equal(got, []string{id}) {
		t.Errorf("members %v", got)
	}
}

func TestInactiveDefer(t *testing.T) {
	o := withPolicy(t, "inactive defer")
	res := o.do(201, "POST", "/Users", off(user("ann@corp.example", "ann@example.com", "E", `"displayName":"Ann"`)))
	id := res.ID()
	if res.Body["active"] != false || o.person("ann@example.com").id != "" {
		t.Errorf("%s; in the organization %+v", res.Raw, o.person("ann@example.com"))
	}
	group := o.do(201, "POST", "/Groups", `{"displayName":"Sales","externalId":"S"}`).ID()
	if res, err := o.c.AddMembers(group, id); err != nil || res.Status != 204 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	// A reload forgets nothing of it.
	o.s.move(policySite("inactive defer"))
	o.c, o.api = o.s.entra("/scim"), newPublicAPI(t, o.s, "")
	if o.find("/Users", "userName", "ann@corp.example") != id || o.find("/Users", "externalId", "E") != id {
		t.Error("who waits is not found")
	}
	o.do(409, "POST", "/Users", user("ann@corp.example", "ann@example.com", "E"))
	res = o.do(200, "PATCH", "/Users/"+id, enable)
	member := o.person("ann@example.com")
	if res.ID() != id || res.Body["active"] != true || res.String("displayName") != "Ann" || member.state != "invited" || member.externalID != "E" {
		t.Errorf("activated as %s, %+v", res.Raw, member)
	}
	if got := o.in(group); !slices.Equal(got, []string{member.id}) {
		t.Errorf("members %v", got)
	}
	o.do(200, "PATCH", "/Users/"+id, disable)
	if got := o.person("ann@example.com").state; got != "revoked" {
		t.Errorf("disabled again, and %s", got)
	}
	o.do(204, "DELETE", "/Users/"+id, "")
	if got := o.person("ann@example.com"); got.id != "" {
		t.Errorf("deleted, and %+v", got)
	}
}

func TestInactiveCreateThenRevoke(t *testing.T) {
	o := withPolicy(t, "inactive create_then_revoke")
	res := o.do(201, "POST", "/Users", off(user("ann@example.com", "ann@example.com", "E")))
	if p := o.person("ann@example.com"); res.Body["active"] != false || p.state != "revoked" || p.id != res.ID() {
		t.Errorf("%s, %+v", res.Raw, p)
	}
	o.do(200, "PATCH", "/Users/"+res.ID(), enable)
	if p := o.person("ann@example.com"); p.state != "invited" {
		t.Errorf("%+v", p)
	}
}

func TestInactiveReject(t *testing.T) {
	o := withPolicy(t, "inactive reject")
	mustBeError(t, o.do(400, "POST", "/Users", off(user("ann@example.com", "ann@example.com", "E"))), 400)
	if people := o.api.people(t); len(people) != 1 {
		t.Errorf("people %v", people)
	}
}

func TestDelete(t *testing.T) {
	for _, policy := range []struct {
		name, state     string
		status, thereby int // of the DELETE, and of a GET after it
	}{{"remove", "", 204, 404}, {"revoke", "revoked", 204, 404}, {"refuse", "invited", 403, 200}} {
		t.Run(policy.name, func(t *testing.T) {
			o := withPolicy(t, "delete "+policy.name)
			id := o.do(201, "POST", "/Users", user("ann@example.com", "ann@example.com", "E")).ID()
			group := o.do(201, "POST", "/Groups", `{"displayName":"Sales","members":[{"value":"`+id+`"}]}`).ID()
			o.do(policy.status, "DELETE", "/Users/"+id, "")
			if p := o.person("ann@example.com"); p.state != policy.state {
				t.Errorf("%+v, want %q", p, policy.state)
			}
			o.do(policy.thereby, "GET", "/Users/"+id, "")
			if policy.name == "refuse" {
				return
			}
			if found := o.find("/Users", "userName", "ann@example.com"); found != "" {
				t.Errorf("who was deleted is found as %s", found)
			}
			o.do(404, "DELETE", "/Users/"+id, "")
			if list, _ := o.do(200, "GET", "/Groups/"+group, "").Body["members"].([]any); len(list) > 0 {
				t.Errorf("the group shows %v", list)
			}
			// Whoever comes back is the same member where one was kept, and another one otherwise.
			again := o.do(201, "POST", "/Users", user("ann@example.com", "ann@example.com", "E")).ID()
			if p := o.person("ann@example.com"); p.state != "invited" || p.id != again || (again == id) != (policy.name == "revoke") {
				t.Errorf("came back as %s, was %s; %+v", again, id, p)
			}
		})
	}
}

// How far a membership has come is to be seen, and is nothing that a provider could change.
func TestMembershipState(t *testing.T) {
	o := withPolicy(t, "")
	const urn = "urn:caddy-scim:schemas:extension:membership:2.0:User"
	id := o.do(201, "POST", "/Users", user("ann@example.com", "ann@example.com", "E")).ID()
	expect := func(want string) {
		t.Helper()
		res := o.do(200, "GET", "/Users/"+id, "")
		extension, _ := res.Body[urn].(map[string]any)
		schemas, _ := res.Body["schemas"].([]any)
		if extension["state"] != want || !slices.Contains(schemas, any(urn)) || o.person("ann@example.com").state != want {
			t.Errorf("shown as %s, want %s; %+v", res.Raw, want, o.person("ann@example.com"))
		}
	}
	expect("invited")
	o.do(200, "PATCH", "/Users/"+id, enable) // active already: nobody is accepted or confirmed by that
	expect("invited")
	o.api.do(t, http.MethodPost, "/members/"+id+"/accept", nil, nil)
	expect("accepted")
	o.api.do(t, http.MethodPost, "/members/"+id+"/confirm", nil, nil)
	expect("confirmed")
	o.do(200, "PATCH", "/Users/"+id, disable)
	expect("revoked")
	o.do(200, "PATCH", "/Users/"+id, enable)
	expect("confirmed")
	o.do(200, "PATCH", "/Users/"+id, patchOp+`[{"op":"Replace","path":"`+urn+`:state","value":"invited"}]}`) // has no effect
	expect("confirmed")
	// The owner is confirmed too.
	if res, err := o.c.Find("/Users", urn+":state", "confirmed"); err != nil || res.Total() != 2 {
		t.Errorf("found %v %s", err, res.Raw)
	}
	said := string(o.do(200, "GET", "/Schemas/"+urn, "").Raw)
	for _, want := range []string{`"mutability":"readOnly"`, "How far the membership has come", `"canonicalValues":["staged","invited","accepted","confirmed","revoked"]`} {
		if !strings.Contains(said, want) {
			t.Errorf("the schema does not say %s: %s", want, said)
		}
	}
}

// keptAttributes are the names of the user's attributes that /Schemas tells of.
func (o *office) keptAttributes() []string {
	o.t.Helper()
	var names []string
	for _, schema := range []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"} {
		res, err := o.c.Do("GET", "/Schemas/"+schema, "")
		if err != nil {
			o.t.Fatal(err)
		}
		list, _ := res.Body["attributes"].([]any)
		for _, a := range list {
			names = append(names, a.(map[string]any)["name"].(string))
		}
	}
	slices.Sort(names)
	return names
}

const rich = `"displayName":"Ann","title":"Dr","name":{"givenName":"Ann","familyName":"A"},"phoneNumbers":[{"type":"work","value":"1"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","costCenter":"7"}`

func TestStore(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	for _, policy := range []struct {
		lines string
		kept  map[string]any // what is read back of the attributes that the organization has no place for
		tells []string       // what /Schemas tells of, besides what the organization itself has
	}{
		{"", map[string]any{"displayName": "Ann"}, nil},
		{"store title " + enterprise + ":department", map[string]any{"title": "Dr", enterprise: map[string]any{"department": "R&D"}}, []string{"department", "title"}},
		{"store *", map[string]any{
			"displayName": "Ann", "title": "Dr", "name": map[string]any{"givenName": "Ann", "familyName": "A"},
			"phoneNumbers": []any{map[string]any{"type": "work", "value": "1"}}, enterprise: map[string]any{"department": "R&D", "costCenter": "7"},
		}, []string{"costCenter", "department", "phoneNumbers", "title"}},
	} {
		t.Run(policy.lines, func(t *testing.T) {
			o := withPolicy(t, policy.lines)
			id := o.do(201, "POST", "/Users", user("ann@example.com", "ann@example.com", "E", rich)).ID()
			read := func(res *entra.Response) map[string]any {
				got := map[string]any{}
				for _, name := range []string{"displayName", "title", "name", "phoneNumbers", enterprise} {
					if v, ok := res.Body[name]; ok {
						got[name] = v
					}
				}
				return got
			}
			if diff := cmp.Diff(policy.kept, read(o.do(200, "GET", "/Users/"+id, ""))); diff != "" {
				t.Errorf("read back: %s", diff)
			}
			for _, name := range []string{"costCenter", "department", "phoneNumbers", "title", "manager", "nickName"} {
				want := slices.Contains(policy.tells, name) || policy.lines == "store *"
				if got := slices.Contains(o.keptAttributes(), name); got != want {
					t.Errorf("/Schemas tells of %s: %v, want %v", name, got, want)
				}
			}
			filter := "/Users?filter=title+eq+%22Dr%22"
			if !slices.Contains(policy.tells, "title") {
				mustBeError(t, o.do(400, "GET", filter, ""), 400)
				return
			}
			if res := o.do(200, "GET", filter, ""); res.Total() != 1 || res.First()["id"] != id {
				t.Errorf("found %s", res.Raw)
			}
			o.do(200, "PATCH", "/Users/"+id, patchOp+`[{"op":"Replace","path":"title","value":"Prof"}]}`)
			// What is changed in the organization shows, and what is kept beside it goes on.
			o.api.do(t, http.MethodPost, "/members/"+id+"/accept", map[string]any{"name": "Ann by hand"}, nil)
			res := o.do(200, "GET", "/Users/"+id, "")
			if res.String("title") != "Prof" || res.String("displayName") != "Ann by hand" {
				t.Errorf("after changes on both sides: %s", res.Raw)
			}
		})
	}
}

func TestLedgerOff(t *testing.T) {
	o := withPolicy(t, "ledger off")
	res := o.do(201, "POST", "/Users", user("ann@corp.example", "ann@example.com", "E", rich))
	if res.String("userName") != "ann@example.com" || res.Body["title"] != nil || res.Body["displayName"] != nil || res.String("externalId") != "E" {
		t.Errorf("what nobody kept is answered: %s", res.Raw)
	}
	if id := o.find("/Users", "userName", "ann@corp.example"); id != "" {
		t.Errorf("found %s by a name that nobody kept", id)
	}
	if o.find("/Users", "userName", "ann@example.com") != res.ID() || o.find("/Users", "externalId", "E") != res.ID() {
		t.Error("not found by what the organization keeps")
	}
	mustBeError(t, o.do(400, "POST", "/Users", off(user("ben@example.com", "ben@example.com", "F"))), 400)
	group := o.do(201, "POST", "/Groups", `{"displayName":"Sales","externalId":"S","members":[{"value":"`+res.ID()+`"}]}`).ID()
	if got := o.in(group); !slices.Equal(got, []string{res.ID()}) {
		t.Errorf("members %v", got)
	}
	if files, err := filepath.Glob(filepath.Join(o.ledger(), "*")); err != nil || len(files) > 0 {
		t.Errorf("the ledger is off and holds %v %v", files, err)
	}
}

// ledger is the folder that the gateway remembers in.
func (o *office) ledger() string { return filepath.Join(o.s.dir, "storage", "scim_gateway", "ledger") }

// Whoever loses the ledger has to link and to correct once more. Nothing is created twice, revoked or renamed by it.
func TestLedgerLost(t *testing.T) {
	for _, policy := range []string{"existing conflict", "existing link"} {
		t.Run(policy, func(t *testing.T) {
			o := withPolicy(t, policy)
			ann := user("ann@corp.example", "ann@example.com", "A", `"displayName":"Ann of Entra"`)
			ben := user("ben@corp.example", "ben@example.com", "B", `"displayName":"Ben of Entra"`)
			ids := []string{o.do(201, "POST", "/Users", ann).ID(), o.do(201, "POST", "/Users", ben).ID()}
			slices.Sort(ids)
			group := o.do(201, "POST", "/Groups", `{"displayName":"Sales","externalId":"S","members":[{"value":"`+ids[0]+`"},{"value":"`+ids[1]+`"}]}`).ID()
			o.do(200, "PATCH", "/Users/"+o.find("/Users", "userName", "ben@corp.example"), disable)
			people, groups := o.api.people(t), o.api.groups(t)

			o.s.load("respond 404") // what is still to be written is written, and nothing is in memory
			if _, err := os.Stat(o.ledger()); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(o.s.dir, "storage", "scim_gateway")); err != nil {
				t.Fatal(err)
			}
			o.s.load(policySite(policy))
			o.api = newPublicAPI(t, o.s, "") // what was signed in before went with the configuration
			if id := o.find("/Users", "userName", "ann@corp.example"); id != "" {
				t.Fatalf("found %s, although the ledger is gone", id)
			}
			for _, row := range []struct{ name, body, display string }{{"ann@corp.example", ann, "Ann of Entra"}, {"ben@corp.example", off(ben), "Ben of Entra"}} {
				status := 409
				if policy == "existing link" {
					status = 201
				}
				o.do(status, "POST", "/Users", row.body)
				id := o.find("/Users", "userName", row.name)
				if !slices.Contains(ids, id) {
					t.Fatalf("%s is found as %q, want one of %v", row.name, id, ids)
				}
				o.do(200, "PATCH", "/Users/"+id, patchOp+`[{"op":"Replace","path":"displayName","value":"`+row.display+`"}]}`)
				if res := o.do(200, "GET", "/Users/"+id, ""); res.String("displayName") != row.display || res.String("userName") != row.name {
					t.Errorf("after the corrections: %s", res.Raw)
				}
			}
			if found := o.find("/Groups", "displayName", "Sales"); found != group {
				t.Errorf("the group is found as %q", found)
			}
			if got := memberIDs(o.do(200, "GET", "/Groups/"+group, "")); !slices.Equal(got, ids) {
				t.Errorf("the group has %v, want %v", got, ids)
			}
			seen := cmp.Exporter(func(reflect.Type) bool { return true })
			if diff := cmp.Diff(people, o.api.people(t), seen) + cmp.Diff(groups, o.api.groups(t), seen); diff != "" {
				t.Errorf("the organization has changed: %s", diff)
			}
		})
	}
}

func memberIDs(r *entra.Response) []string {
	var ids []string
	list, _ := r.Body["members"].([]any)
	for _, m := range list {
		ids = append(ids, m.(map[string]any)["value"].(string))
	}
	slices.Sort(ids)
	return ids
}
