package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// TestCycle runs Entra's cycle, in both dialects, against every upstream that needs nothing installed.
func TestCycle(t *testing.T) {
	for _, flag := range []bool{false, true} {
		dialect := fmt.Sprintf("flag=%v/", flag)
		t.Run(dialect+"embedded organization", func(t *testing.T) {
			s := start(t, embedded)
			c := s.entra("/scim/v2")
			c.Flag = flag
			cycle(t, c, newPublicAPI(t, s))
		})
		t.Run(dialect+"Vaultwarden's contract", func(t *testing.T) {
			org := vaultwarden.New()
			upstream := httptest.NewServer(org)
			defer upstream.Close()
			s := start(t, gateway(upstream.Listener.Addr().String(), `upstream vaultwarden {
			organization `+vaultwarden.Organization+`
			client_id `+vaultwarden.UserID+`
			client_secret `+vaultwarden.UserSecret+`
			organization_secret `+vaultwarden.OrganizationSecret+`
		}`))
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, vaultwardenBackend{org})
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

func newPublicAPI(t *testing.T, s *server) *publicAPI {
	t.Helper()
	base := "http://" + s.addr
	res, err := s.http.PostForm(base+"/identity/connect/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"api.organization"}, "client_id": {orgClient}, "client_secret": {orgSecret},
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

func (a *publicAPI) members(t *testing.T) []apiMember {
	t.Helper()
	var list struct{ Data []apiMember }
	a.do(t, http.MethodGet, "/members", nil, &list)
	return list.Data
}

func (a *publicAPI) member(t *testing.T, mail string) *apiMember {
	t.Helper()
	for _, m := range a.members(t) {
		if m.Email == mail {
			return &m
		}
	}
	return nil
}

func (a *publicAPI) groups(t *testing.T) []apiGroup {
	t.Helper()
	var list struct{ Data []apiGroup }
	a.do(t, http.MethodGet, "/groups", nil, &list)
	return list.Data
}

func (a *publicAPI) state(t *testing.T, mail string) string {
	t.Helper()
	switch m := a.member(t, mail); {
	case m == nil:
		return ""
	case m.Status == -1:
		return "revoked"
	}
	return "active"
}

func (a *publicAPI) group(t *testing.T, name string) ([]string, bool) {
	t.Helper()
	mails := map[string]string{}
	for _, m := range a.members(t) {
		mails[m.ID] = m.Email
	}
	for _, g := range a.groups(t) {
		if g.Name == name {
			var ids, found []string
			a.do(t, http.MethodGet, "/groups/"+g.ID+"/member-ids", nil, &ids)
			for _, id := range ids {
				found = append(found, mails[id])
			}
			return found, true
		}
	}
	return nil, false
}

type vaultwardenBackend struct{ org *vaultwarden.Server }

func (b vaultwardenBackend) state(_ *testing.T, mail string) string {
	switch m := b.org.Member(mail); {
	case m == nil:
		return ""
	case m.Status == -1:
		return "revoked"
	}
	return "active"
}

func (b vaultwardenBackend) group(t *testing.T, name string) ([]string, bool) {
	t.Helper()
	g, ok := b.org.Groups()[name]
	var mails []string
	for _, id := range g.Users {
		mails = append(mails, b.org.Mail(id))
	}
	return mails, ok
}

type scimBackend struct{ users, groups *scimStore }

func (b scimBackend) state(_ *testing.T, mail string) string {
	r, ok := b.users.get(mail)
	switch {
	case !ok:
		return ""
	case r.Attributes["active"] == true:
		return "active"
	case r.Attributes["active"] == false:
		return "revoked"
	}
	return fmt.Sprintf("active is %#v", r.Attributes["active"])
}

func (b scimBackend) group(_ *testing.T, name string) ([]string, bool) {
	r, ok := b.groups.get(name)
	if !ok || r.Attributes["displayName"] != name {
		return nil, false
	}
	var mails []string
	list, _ := r.Attributes["members"].([]any)
	for _, e := range list {
		id := e.(map[string]any)["value"].(string)
		b.users.mu.Lock()
		mails = append(mails, strings.ToLower(b.users.all[id].Attributes["userName"].(string)))
		b.users.mu.Unlock()
	}
	return mails, true
}
