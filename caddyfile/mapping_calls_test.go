package caddyfile

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// What a preset sends: testdata/mapping/<name>.calls holds the requests of every verb, for one user and one group that the
// organization has already.
func TestGoldenPresetCalls(t *testing.T) {
	tests := []struct {
		name, text  string
		user, group string
		answers     map[string]string // by the place of the call
	}{
		{
			name: "bitwarden", text: "bitwarden {\n client_id organization.1\n client_secret s\n}",
			user: `{"object":"member","id":"5a7b","userId":"u","name":null,"email":"ada@work.example","twoFactorEnabled":false,"status":-1,"type":4,` +
				`"externalId":"41","permissions":{"manageScim":true},"collections":[{"id":"c1","readOnly":true,"hidePasswords":false,"manage":false}]}`,
			group: `{"object":"group","id":"9f","name":"Old","externalId":"g","collections":[{"id":"c1"}]}`,
		},
		{
			name: "vaultwarden", text: "vaultwarden {\n organization 6b\n client_id user.1\n client_secret s\n organization_secret o\n}",
			user:    `{"id":"5a7b","userId":"u","name":"Ada","email":"ada@work.example","externalId":"41","status":0,"type":2,"groups":["9f"],"collections":[]}`,
			group:   `{"id":"9f","name":"Old","externalId":"g","accessAll":true,"collections":[{"id":"c1","readOnly":false}]}`,
			answers: map[string]string{"group.update[0]": `["5a7b","6c"]`},
		},
		{
			name: "gitea", text: "gitea {\n token t\n organization acme\n}",
			user:  `{"id":12,"login":"ada lovelace","login_name":"41","source_id":3,"full_name":"Ada","email":"ada@work.example","active":true,"prohibit_login":true,"is_admin":false}`,
			group: `{"id":4,"name":"old","description":"g"}`,
		},
		{
			name: "redmine", text: "redmine {\n api_key k\n}",
			user:  `{"id":12,"login":"ada","firstname":"Ada","lastname":"Lovelace","mail":"ada@work.example","status":3}`,
			group: `{"id":4,"name":"old"}`,
		},
		{
			name: "pocketbase", text: "pocketbase {\n identity root@example.com\n password p\n}",
			user:  `{"id":"a1","email":"ada@work.example","name":"Ada","externalId":"41","disabled":false}`,
			group: `{"id":"b2","name":"old","externalId":"g","members":["a1"]}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, err := adaptMapping("Caddyfile", test.text)
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := mapping.Compile(source.Definition, schema.Standard())
			if err != nil {
				t.Fatal(err)
			}
			c := &callPrinter{T: t, answers: test.answers}
			user, group := c.value(test.user), c.value(test.group)
			ada := `{"userName":"O'Neill@example.com","externalId":"42","displayName":"Ada King","name":{"givenName":"Ada","familyName":"King"},"active":true,
				"emails":[{"type":"work","value":"Ada@Work.example"}]}`
			c.resource(compiled.User, &plan.Env{Cur: user}, ada, `{"userName":"O'Neill@example.com","displayName":"Ada","active":false,"emails":[{"primary":true,"value":"ada@new.example"}]}`)
			c.resource(compiled.Group, &plan.Env{Cur: group, MID: compiled.User.ID(user), Member: user, Members: doc.NewStrings(compiled.User.ID(user), "13")},
				`{"displayName":"Büro: Köln & Bonn","externalId":"g1"}`, `{"displayName":"New Name"}`)
			file := "testdata/mapping/" + test.name + ".calls"
			if updating() {
				if err := os.WriteFile(file, []byte(c.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(string(want), c.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

type callPrinter struct {
	*testing.T
	strings.Builder
	answers map[string]string
}

func (c *callPrinter) value(text string) doc.Value {
	d, err := doc.Scan([]byte(text))
	if err != nil {
		c.Fatalf("%s: %v", text, err)
	}
	return d.Value()
}

func (c *callPrinter) resource(r *plan.Resource, item *plan.Env, created, updated string) {
	fmt.Fprintf(c, "# %s\n%s\n", r.Type.Name, r.Resource(item.Cur).AppendTo(nil))
	if r.HasState() {
		fmt.Fprintf(c, "state %s\n", r.State(item.Cur))
	}
	item.ID, item.Key = r.ID(item.Cur), r.Key(item.Cur)
	c.calls("list", r.List, &plan.Env{})
	c.calls("get", r.Get, &plan.Env{ID: item.ID})
	for _, name := range slices.Sorted(maps.Keys(r.Find)) {
		c.calls("find "+name, []*plan.Call{r.Find[name]}, &plan.Env{Value: `O'Neill & "co"`})
	}
	random := func() string { return "RANDOM" }
	c.calls("create", r.Create, &plan.Env{SCIM: doc.Tree(c.value(created)), Random: random})
	env := *item
	env.SCIM, env.Random = doc.Tree(c.value(updated)), random
	env.Changed = func(string) bool { return true }
	c.calls("update", r.Update, &env)
	for _, v := range []struct {
		name  string
		calls []*plan.Call
	}{
		{"created", r.Created}, {"disable", r.Disable}, {"enable", r.Enable}, {"delete", r.Delete}, {"reinvite", r.Reinvite},
		{"members", r.Members}, {"member_add", r.MemberAdd}, {"member_remove", r.MemberRemove}, {"members_set", r.MembersSet},
	} {
		c.calls(v.name, v.calls, item)
	}
}

func (c *callPrinter) calls(name string, calls []*plan.Call, env *plan.Env) {
	for _, call := range calls {
		fmt.Fprintf(c, "\n%s\n", name)
		if !call.Applies(env) {
			c.WriteString("(left out)\n")
			continue
		}
		req, err := call.Pages(env).Request()
		if err != nil {
			c.Fatalf("%s: %v", call.Where, err)
		}
		fmt.Fprintf(c, "%s %s (auth %s)\n", req.Method, req.Path, cmp.Or(req.Auth, "none"))
		if req.Body != nil {
			fmt.Fprintf(c, "%s\n%s\n", req.ContentType, req.Body)
		}
		if answer, ok := c.answers[call.Where]; ok {
			if err := call.Save(env, c.value(answer)); err != nil {
				c.Fatal(err)
			}
		}
		if call.Result == plan.ResultRefetch {
			path, text, err := call.Sought(env)
			if err != nil {
				c.Fatal(err)
			}
			fmt.Fprintf(c, "then look up %s %s\n", path, text)
		}
	}
}

// The traps of Bitwarden's API: PUT is a reset, so that everything but what is changed has to be sent back as it is, and
// groups must not be sent, for that would set them.
func TestBitwardenPutLosesNothing(t *testing.T) {
	source, err := adaptMapping("Caddyfile", "bitwarden {\n client_id organization.1\n client_secret s\n}")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := mapping.Compile(source.Definition, schema.Standard())
	if err != nil {
		t.Fatal(err)
	}
	c := &callPrinter{T: t}
	cur := c.value(`{"id":"1","type":1,"externalId":"old","permissions":null,"collections":[{"id":"c1","readOnly":false,"hidePasswords":true,"manage":true}],"name":"x"}`)
	req, err := compiled.User.Update[0].Request(&plan.Env{ID: "1", Cur: cur, SCIM: doc.Tree(c.value(`{"externalId":"new","displayName":"y"}`))})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":1,"externalId":"new","permissions":null,"collections":[{"id":"c1","readOnly":false,"hidePasswords":true,"manage":true}]}`
	if diff := gocmp.Diff(want, string(req.Body)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for body, want := range map[string]int{
		`{"object":"error","message":"This user has already been invited.","errors":null}`:                                            409,
		`{"object":"error","message":"Seat limit has been reached.","errors":null}`:                                                   400,
		`{"object":"error","message":"The request's model state is invalid.","errors":{"Email":["The Email field is not a valid."]}}`: 400,
	} {
		v := compiled.User.Create[0].Judge(400, []byte(body))
		if v.Err == nil || v.Err.Status != want {
			t.Errorf("%s: %v", body, v.Err)
		}
	}
	if v := compiled.User.Disable[0].Judge(400, []byte(`{"message":"Already revoked."}`)); v.Outcome != plan.Done {
		t.Errorf("revoking again is an error: %v", v.Err)
	}
	if v := compiled.User.Disable[0].Judge(200, nil); v.Outcome != plan.Proceed {
		t.Errorf("an empty answer is an error: %v", v.Err)
	}
	if v := compiled.User.Delete[0].Judge(404, nil); v.Err == nil || v.Err.Status != 404 {
		t.Errorf("the answer for who is gone is %v", v.Err)
	}
}

// Addresses and names that the organization spells in its own way stay so when something else is changed.
func TestPresetsLeaveSpellingsAlone(t *testing.T) {
	const change = `{"userName":"Ada@Work.example","externalId":"42","displayName":"-Büro-","name":{"givenName":"Ada","familyName":"King"},
		"emails":[{"type":"work","primary":true,"value":"Ada@Work.example"}],"active":true}`
	for _, test := range []struct{ name, text, item, user, group string }{
		{
			"gitea", "gitea {\n token t\n organization acme\n}", `{"id":1,"login":"ada","login_name":"41","source_id":3,"name":"-Büro-","description":"41"}`,
			`{"source_id":3,"login_name":"42","full_name":"-Büro-"}`, `{"name":"-Büro-","description":"42"}`,
		},
		{"pocketbase", "pocketbase {\n identity root@example.com\n password p\n}", `{"id":"1"}`, `{"name":"-Büro-","externalId":"42"}`, `{"name":"-Büro-","externalId":"42"}`},
		{"redmine", "redmine {\n api_key k\n}", `{"id":1}`, `{}`, `{"group":{"name":"-Büro-"}}`},
	} {
		source, err := adaptMapping("Caddyfile", test.text)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := mapping.Compile(source.Definition, schema.Standard())
		if err != nil {
			t.Fatal(err)
		}
		c := &callPrinter{T: t}
		env := &plan.Env{ID: "1", Key: "ada", Cur: c.value(test.item), SCIM: doc.Tree(c.value(change)), Changed: func(path string) bool { return path == "externalId" }}
		for call, want := range map[*plan.Call]string{compiled.User.Update[0]: test.user, compiled.Group.Update[0]: test.group} {
			req, err := call.Request(env)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, string(req.Body)); diff != "" {
				t.Errorf("%s %s (-want +got)\n%s", test.name, call.Where, diff)
			}
		}
	}
}
