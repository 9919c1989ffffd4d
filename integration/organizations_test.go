package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/desk"
	"github.com/caddy-scim/gateway/integration/gitea"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// A PATCH of a group is answered as Microsoft documents it, where the provider is Entra, and with the group where it is not.
func TestGroupChangeAnswered(t *testing.T) {
	for profile, want := range map[string]int{"entra": 204, "generic": 200} {
		t.Run(profile, func(t *testing.T) {
			s := start(t, strings.Replace(embedded, "quirks entra", "quirks "+profile, 1))
			c := s.entra("/scim")
			user := must(t, 201)(c.Create(somebody("ada", false)))
			group := must(t, 201)(c.CreateGroup("Crew", "g"))
			res, err := c.AddMembers(group, user)
			if err != nil || res.Status != want || (len(res.Raw) == 0) != (want == 204) {
				t.Errorf("%v, answered %d %s, want %d", err, res.Status, res.Raw, want)
			}
			if got := groupNamed(t, newPublicAPI(t, s, ""), "Crew"); len(got.members) != 1 {
				t.Errorf("the group has %v", got.members)
			}
			res, err = c.Do("PATCH", "/Groups/"+group+"?attributes=displayName", map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
				"Operations": []any{map[string]any{"op": "replace", "path": "displayName", "value": "Staff"}}})
			if err != nil || res.Status != 200 || res.String("displayName") != "Staff" || res.Body["members"] != nil {
				t.Errorf("%v, answered %d %s", err, res.Status, res.Raw)
			}
		})
	}
}

// TestCycle runs Entra's cycle, in both dialects, against every upstream that needs nothing installed.
func TestCycle(t *testing.T) {
	for _, flag := range []bool{false, true} {
		dialect := fmt.Sprintf("flag=%v/", flag)
		t.Run(dialect+"embedded organization", func(t *testing.T) {
			s := start(t, embedded)
			c := s.entra("/scim/v2")
			c.Flag = flag
			cycle(t, c, newPublicAPI(t, s, ""))
		})
		t.Run(dialect+"Vaultwarden's contract", func(t *testing.T) {
			org := vaultwarden.New()
			upstream := httptest.NewServer(org)
			defer upstream.Close()
			s := start(t, gateway(upstream.Listener.Addr().String(), vaultwardenUpstream("")))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, vaultwardenBackend{org})
		})
		t.Run(dialect+"Gitea's contract", func(t *testing.T) {
			org := gitea.New()
			upstream := httptest.NewServer(org)
			defer upstream.Close()
			s := start(t, gateway(upstream.Listener.Addr().String(), giteaUpstream("")))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, giteaBackend{org})
		})
		t.Run(dialect+"an API of one's own", func(t *testing.T) {
			org := desk.New()
			upstream := httptest.NewServer(org)
			defer upstream.Close()
			s := start(t, gateway(upstream.Listener.Addr().String(), deskUpstream("")))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, deskBackend{org})
		})
		t.Run(dialect+"SCIM server", func(t *testing.T) {
			handler, users, groups := scimServer(t)
			upstream := httptest.NewServer(handler)
			defer upstream.Close()
			s := start(t, gateway(upstream.Listener.Addr().String(), "upstream scim /v2"))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, scimBackend{users, groups})
		})
	}
}

// publicAPI looks at an organization through Bitwarden's Public API.
type publicAPI struct{ jsonAPI }

// newPublicAPI signs in to the organization below a path of the server.
func newPublicAPI(t *testing.T, s *server, root string) *publicAPI {
	t.Helper()
	return publicAPIWith(t, s, root, orgClient, orgSecret)
}

func publicAPIWith(t *testing.T, s *server, root, client, secret string) *publicAPI {
	t.Helper()
	base := "http://" + s.addr + root
	res, err := s.http.PostForm(base+"/identity/connect/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"api.organization"}, "client_id": {client}, "client_secret": {secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil || token.AccessToken == "" {
		t.Fatalf("token: %d %v", res.StatusCode, err)
	}
	return &publicAPI{jsonAPI{base + "/api/public", http.Header{"Authorization": {"Bearer " + token.AccessToken}}, s.http}}
}

type apiMember struct {
	ID          string           `json:"id"`
	Email       string           `json:"email"`
	Name        *string          `json:"name"`
	ExternalID  *string          `json:"externalId"`
	Status      int              `json:"status"`
	Type        int              `json:"type"`
	Collections []map[string]any `json:"collections"`
}

type apiGroup struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	ExternalID  *string          `json:"externalId"`
	Collections []map[string]any `json:"collections"`
}
