package provision

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/mapping"
)

// The ledger is kept under a name that says which organization it is: a new secret, a new error rule or a new text of a
// preset must not begin a new one, another client or another API must.
func TestIdentity(t *testing.T) {
	name := func(change func(m *mapping.Definition)) string {
		t.Helper()
		m := *bitwardenMapping()
		auth := mapping.AuthDef{Kind: "oauth2", URL: "/identity/connect/token", Params: []mapping.ParamDef{
			{Name: "client_id", Value: "organization.1"}, {Name: "client_secret", Value: "first"}, {Name: "scope", Value: "api.organization"},
		}}
		m.Auths = map[string]mapping.AuthDef{"default": auth}
		change(&m)
		id, err := identity(&m)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	param := func(i int, value string) func(*mapping.Definition) {
		return func(m *mapping.Definition) {
			a := m.Auths["default"]
			a.Params = append([]mapping.ParamDef{}, a.Params...)
			a.Params[i].Value = value
			m.Auths["default"] = a
		}
	}
	usual := name(func(*mapping.Definition) {})
	t.Setenv("IDENTITY_TEST_CLIENT", "organization.1")
	for what, change := range map[string]func(*mapping.Definition){
		"a new secret":                param(1, "second"),
		"the same client by variable": param(0, "{env.IDENTITY_TEST_CLIENT}"),
		"another scope":               param(2, "api"),
		"another error rule":          func(m *mapping.Definition) { m.Errors = nil },
	} {
		if got := name(change); got != usual {
			t.Errorf("%s: another name", what)
		}
	}
	for what, change := range map[string]func(*mapping.Definition){
		"another client": param(0, "organization.2"),
		"another base":   func(m *mapping.Definition) { m.Base = "/elsewhere" },
		"another auth": func(m *mapping.Definition) {
			m.Auths["default"] = mapping.AuthDef{Kind: "header", Header: "X-Key", Value: "k"}
		},
	} {
		if name(change) == usual {
			t.Errorf("%s: the same name", what)
		}
	}
}
