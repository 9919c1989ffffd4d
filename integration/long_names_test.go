package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// A name that the organization does not take for its length is refused in words by which somebody can mend it.
func TestLongNames(t *testing.T) {
	orgs := []http.Handler{vaultwarden.New(), gitea.New()}
	orgs[0].(*vaultwarden.Server).Set(vaultwarden.Settings{ShortNames: true})
	addr := serveTenants(t, 2, nil, func(i int) http.Handler { return orgs[i] })
	for name, open := range map[string]func(t *testing.T) *server{
		"bitwarden":   func(t *testing.T) *server { return start(t, policySite("")) },
		"vaultwarden": func(t *testing.T) *server { return start(t, gateway(addr, vaultwardenUpstream("/0"))) },
		"gitea":       func(t *testing.T) *server { return start(t, gateway(addr, giteaUpstream("/1"))) },
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t).entra("/scim")
			ask := func(status int, method, path string, body any) string {
				t.Helper()
				res, err := c.Do(method, path, body)
				if err != nil || res.Status != status {
					t.Fatalf("%s %s: %v %s", method, path, err, res.Raw)
				}
				if detail := res.String("detail"); status == 400 && (!strings.Contains(detail, "too long") || res.String("scimType") != "invalidValue") {
					t.Errorf("%s %s: %s", method, path, res.Raw)
				}
				return res.ID()
			}
			long := strings.Repeat("long", 75)
			id := ask(201, "POST", "/Groups", map[string]any{"displayName": "Chess"})
			ask(400, "POST", "/Groups", map[string]any{"displayName": long})
			ask(400, "PATCH", "/Groups/"+id, map[string]any{"Operations": []any{map[string]any{"op": "Replace", "path": "displayName", "value": long}}})
			if res, err := c.Find("/Groups", "displayName", "Chess"); err != nil || res.Total() != 1 {
				t.Errorf("%v %s", err, res.Raw)
			}
		})
	}
}
