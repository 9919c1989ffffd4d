package integration

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/vaultwarden"
	"github.com/caddy-scim/gateway/module/admin"
)

// With --upstream the organization is read, and nothing is changed: what would be done is told by name.
func TestExplainWithUpstream(t *testing.T) {
	org := vaultwarden.New()
	closed := &readOnly{t: t, next: org}
	upstream := httptest.NewServer(closed)
	defer upstream.Close()
	site := gateway(upstream.Listener.Addr().String(), "organization acme\n"+vaultwardenUpstream(""))
	s := start(t, site)
	c := s.entra("/scim")
	ids := people(t, c, 2)
	group, err := c.CreateGroup("Chess", "ext-chess")
	if err != nil {
		t.Fatal(err)
	}
	if res, err := c.AddMembers(group.ID(), ids...); err != nil || res.Status >= 300 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	s.rests() // explain reads what is in the storage
	closed.set(true)
	persons, groups := looked(t, vaultwardenBackend{org})

	config := filepath.Join(t.TempDir(), "Caddyfile")
	text := "{\n\tadmin off\n\tauto_https off\n\tstorage file_system " + s.dir + "/storage\n}\n:80 {\n" + strings.ReplaceAll(site, "{KEY}", testKey) + "\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	explain := func(input string, want ...string) {
		t.Helper()
		root := &cobra.Command{Use: "scim", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(admin.Commands()...)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetIn(strings.NewReader(input))
		root.SetArgs([]string{"explain", "--upstream", "--config", config, "--adapter", "caddyfile"})
		err := root.Execute()
		if refused := want[0] == "refused"; refused != (err != nil) {
			t.Errorf("%v", err)
		}
		for _, w := range want[1:] {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s\nlacks %q", out.String(), w)
			}
		}
	}
	explain("PATCH /scim/Users/"+ids[0]+"\nContent-Type: application/scim+json\n\n"+disable,
		"done", "boolean-string", "revoked: p0000@example.com", "/revoke  user.disable[0] (not sent)", "success, when it is done")
	explain("DELETE /scim/Users/"+ids[1]+"\n", "done", "removed: p0001@example.com", "DELETE /api/organizations/")
	explain(`{"userName":"new@example.com","displayName":"New One"}`, "done", "invited: new@example.com", "users/invite", "dry-run-")
	explain(`{"userName":"p0000@example.com"}`, "refused", "409 uniqueness")
	explain("PATCH /scim/Groups/"+group.ID()+"\nContent-Type: application/scim+json\n\n"+patchOp+`[{"op":"Remove","path":"members","value":[{"value":"`+ids[0]+`"}]}]}`,
		"done", "member_removed: p0000@example.com ("+ids[0]+"): Chess", "not sent")

	personsNow, groupsNow := looked(t, vaultwardenBackend{org})
	if len(persons) != len(personsNow) || len(groups) != len(groupsNow) {
		t.Error("the organization has changed")
	}
}

// A row of the provisioning log is explained by its number, with the configuration that keeps the log.
func TestExplainRow(t *testing.T) {
	s := start(t, loggedOrganization)
	c := s.entra("/scim/v2")
	if res, err := c.Create(entra.User{UserName: "ann@example.com", Mail: "ann@example.com", DisplayName: "Ann"}); err != nil || res.Status != 201 {
		t.Fatalf("%v %s", err, res.Raw)
	}
	s.move("respond 404") // what was logged is written by then
	config := filepath.Join(t.TempDir(), "Caddyfile")
	site := strings.NewReplacer("{KEY}", testKey, "{DIR}", s.dir).Replace(loggedOrganization)
	if err := os.WriteFile(config, []byte("{\n\tadmin off\n\tauto_https off\n\tstorage file_system "+s.dir+"/storage\n}\n:80 {\n"+site+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string]string{"1": "POST /Users", "4711": "has no record 4711"} {
		root := &cobra.Command{Use: "scim", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(admin.Commands()...)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{"explain", "--row", number, "--config", config, "--adapter", "caddyfile"})
		if err := root.Execute(); err != nil {
			out.WriteString(err.Error())
		}
		if !strings.Contains(out.String(), want) || number == "1" && !strings.Contains(out.String(), `"userName": "ann@example.com"`) {
			t.Errorf("%s lacks %q", out.String(), want)
		}
	}
}
