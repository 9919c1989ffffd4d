package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/vaultwarden"
)

// TestVaultwardenTraps is about what only Vaultwarden does to those who provision it.
func TestVaultwardenTraps(t *testing.T) {
	var org *vaultwarden.Server
	traps := []struct {
		name string
		do   func(t *testing.T, w *world)
	}{
		// The server answers 422 to what is no GUID, a page or JSON.
		{"ids that are none", func(t *testing.T, w *world) {
			for _, id := range []string{"x", "0", "{U1}x", "%20"} {
				w.must(t, 404, "GET", "/Users/"+id, "")
				w.must(t, 404, "DELETE", "/Users/"+id, "")
				w.must(t, 404, "PATCH", "/Users/"+id, disable)
				w.must(t, 404, "GET", "/Groups/"+id, "")
				w.must(t, 404, "DELETE", "/Groups/"+id, "")
			}
			w.must(t, 400, "PATCH", "/Groups/{G1}", patchOp+`[{"op":"Add","path":"members","value":[{"value":"x"}]}]}`)
			members("G1", "U1,U4")(t, w, nil)
		}},
		{"groups that are turned off", func(t *testing.T, w *world) {
			org.Set(vaultwarden.Settings{NoGroups: true})
			if found := w.lookUp(t, "/Groups", `displayName eq "Test Group 1"`); found != nil {
				t.Errorf("found %v", found)
			}
			if res := w.must(t, 403, "POST", "/Groups", `{"displayName":"Chess"}`); !strings.Contains(res.String("detail"), "ORG_GROUPS_ENABLED") {
				t.Errorf("%s", res.Raw)
			}
		}},
		// Nothing is wrong with the address: the provider has to come again.
		{"a mail server that is down", func(t *testing.T, w *world) {
			org.Set(vaultwarden.Settings{MailBroken: true})
			w.must(t, 503, "POST", "/Users", user("user5@example.com", "user5@example.com", "UE"))
			is("user5@example.com", "")(t, w, nil)
			org.Set(vaultwarden.Settings{})
			w.must(t, 201, "POST", "/Users", user("user5@example.com", "user5@example.com", "UE"))
		}},
		{"somebody who has an account where no mail is sent", func(t *testing.T, w *world) {
			org.Set(vaultwarden.Settings{NoMail: true})
			org.AddAccount("user5@example.com")
			w.must(t, 201, "POST", "/Users", user("user5@example.com", "user5@example.com", "UE"))
			is("user5@example.com", "accepted")(t, w, nil)
		}},
		{"an invited person who is revoked", func(t *testing.T, w *world) {
			id, _ := w.must(t, 201, "POST", "/Users", user("user5@example.com", "user5@example.com", "UE")).Body["id"].(string)
			w.must(t, 200, "PATCH", "/Users/"+id, disable)
			is("user5@example.com", "revoked")(t, w, nil)
			w.must(t, 200, "PATCH", "/Users/"+id, strings.ReplaceAll(disable, "False", "True"))
			is("user5@example.com", "invited")(t, w, nil)
		}},
		{"an address that is none", func(t *testing.T, w *world) {
			w.must(t, 400, "POST", "/Users", user("nobody at all@example.com", "", "UE"))
		}},
	}
	open := onVaultwarden.open(t, len(traps), nil)
	for i, trap := range traps {
		t.Run(trap.name, func(t *testing.T) {
			w := open(t, i)
			org = w.org.(vaultwardenBackend).Server
			trap.do(t, w)
		})
	}
}

// The error of a login says which of several it was.
func TestVaultwardenWrongOrganizationSecret(t *testing.T) {
	org := vaultwarden.New()
	addr := serveTenants(t, 1, nil, func(int) http.Handler { return org })
	s := start(t, gateway(addr, strings.Replace(vaultwardenUpstream("/0"), vaultwarden.OrganizationSecret, "another-secret-0123456789", 1)))
	c := s.entra("/scim")
	// Entra's connection test asks for somebody whom nobody knows. What is wrong is found then, and not with the first invitation.
	for range 2 {
		res, err := c.Find("/Users", "userName", "0b2f9b1e-8d5a-4c29-a2ce-8d6a3f3b7d11")
		if err != nil || res.Status != 502 || !strings.Contains(res.String("detail"), "(auth organization)") {
			t.Errorf("%v %s", err, res.Raw)
		}
	}
	res, err := c.Do("POST", "/Users", user("user5@example.com", "user5@example.com", "UE"))
	if err != nil || res.Status != 502 || !strings.Contains(res.String("detail"), "(auth organization)") {
		t.Errorf("%v %s", err, res.Raw)
	}
	// Whoever is there loses access all the same.
	id := org.AddMember(vaultwarden.Member{Email: "ada@example.com", Name: "Ada", Type: 2, Status: 2})
	if res, err := c.SetActive(id, false); err != nil || res.Status != 200 || org.Member("ada@example.com").Status != -1 {
		t.Errorf("%v %s", err, res.Raw)
	}
}

// With "revoke account" the person's account is disabled too, which no other organization of the server could be told, and which
// logs it out everywhere.
func TestVaultwardenAccounts(t *testing.T) {
	org := vaultwarden.New()
	addr := serveTenants(t, 1, nil, func(int) http.Handler { return org })
	s := start(t, gateway(addr, strings.Replace(vaultwardenUpstream("/0"), "base ", "revoke account\n\t\t\tadmin_token "+vaultwarden.AdminToken+"\n\t\t\tbase ", 1)))
	c := s.entra("/scim")
	id := org.AddMember(vaultwarden.Member{Email: "ada@example.com", Name: "Ada", Type: 2, Status: 2})
	for _, active := range []bool{false, true, false} {
		res, err := c.Do("PATCH", "/Users/"+id, fmt.Sprintf(`%s[{"op":"Replace","path":"active","value":"%v"}]}`, patchOp, active))
		if err != nil || res.Status != 200 {
			t.Fatalf("%v %s", err, res.Raw)
		}
		if m := org.Member("ada@example.com"); org.Disabled(m.Email) == active || (m.Status == 2) != active {
			t.Errorf("active %v: %+v", active, m)
		}
	}
	if res, err := c.Do("DELETE", "/Users/"+id, nil); err != nil || res.Status != 204 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	if m := org.Member("ada@example.com"); m != nil {
		t.Errorf("still there: %+v", m)
	}
	// Hired again: the account is still there, and would stay disabled.
	res, err := c.Do("POST", "/Users", user("ada@example.com", "ada@example.com", "A2"))
	if err != nil || res.Status != 201 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	if m := org.Member("ada@example.com"); m == nil || m.Status != 0 || org.Disabled("ada@example.com") {
		t.Errorf("hired again: %+v, disabled %v", m, org.Disabled("ada@example.com"))
	}
	// The admin API is away when somebody comes back: the provider is told, comes again, and then it is done.
	id = res.ID()
	if res, err := c.Do("PATCH", "/Users/"+id, disable); err != nil || res.Status != 200 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	if res, err := c.Do("DELETE", "/Users/"+id, nil); err != nil || res.Status != 204 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	org.Set(vaultwarden.Settings{NoAdmin: true})
	if res, err := c.Do("POST", "/Users", user("ada@example.com", "ada@example.com", "A3")); err != nil || res.Status < 500 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	org.Set(vaultwarden.Settings{})
	if res, err := c.Do("POST", "/Users", user("ada@example.com", "ada@example.com", "A3")); err != nil || res.Status != 201 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	if m := org.Member("ada@example.com"); m == nil || org.Disabled("ada@example.com") {
		t.Errorf("hired again: %+v, disabled %v", m, org.Disabled("ada@example.com"))
	}
}
