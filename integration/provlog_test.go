package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/provlog"
)

const loggedOrganization = `
	scim_gateway /scim/* {
		key entra {KEY}
		quirks entra
		organization embedded
		provisioning_log {DIR}/provisioning.db {
			log_values full
		}
		upstream bitwarden {
			client_id organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20
			client_secret a-secret-that-is-in-no-log
		}
	}
	scim_organization {
		store {DIR}/organization.db
		client organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20 a-secret-that-is-in-no-log
		owner owner@example.com
	}
`

// TestProvisioningLog: what the log says of somebody's whole story, from the invitation to the end.
func TestProvisioningLog(t *testing.T) {
	s := start(t, loggedOrganization)
	id := s.logged(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com","externalId":"e1","active":"True","displayName":"Ada Lovelace","title":"Countess"}`, 201)
	s.logged(http.MethodGet, "/Users?filter=userName+Eq+%22ada@example.com%22", "", 200)
	s.logged(http.MethodPatch, "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, 200)
	s.logged(http.MethodPost, "/Users", `{"userName":`, 400)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	r, err := provlog.OpenReader(filepath.Join(s.dir, "provisioning.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found, err := r.Records(t.Context(), provlog.Search{Oldest: true})
	if err != nil || len(found) != 4 {
		t.Fatalf("%d records, %v", len(found), err)
	}
	created, revoked, refused := found[0], found[2], found[3]
	if created.Subject != id || created.Name != "Ada Lovelace" || created.Key != "entra" || len(created.Calls) == 0 || len(created.Rules) == 0 {
		t.Errorf("the invitation: %+v", created)
	}
	if !strings.Contains(strings.Join(created.NotKept, " "), "title") {
		t.Errorf("what was not kept: %v", created.NotKept)
	}
	for record, want := range map[*provlog.Record]string{created: "user.create[0] invited", revoked: "user.disable[0] revoked"} {
		got := ""
		for _, c := range record.Calls {
			if strings.HasPrefix(c.Name, "user.") && c.Method != http.MethodGet {
				got += c.Name
			}
		}
		for _, n := range record.Notes {
			if n.ID == id {
				got += " " + string(n.Kind)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s: %+v", record.Verb, got, want, record.Calls)
		}
	}
	if revoked.Received == nil || revoked.Canonical == nil || strings.Contains(string(revoked.Canonical.Body), "False") {
		t.Errorf("the deactivation: %+v", revoked)
	}
	if !refused.Failed || refused.Error == "" {
		t.Errorf("what was refused: %+v", refused)
	}
	for _, name := range []string{"provisioning.db", "provisioning.db-wal", "caddy.log"} {
		text, _ := os.ReadFile(filepath.Join(s.dir, name))
		for _, secret := range []string{testKey, "a-secret-that-is-in-no-log"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s has %s in it", name, secret)
			}
		}
	}
	if !strings.Contains(s.logs(), `"logger":"http.handlers.scim_gateway.provisioning"`) {
		t.Error("the records are not in Caddy's log")
	}
}

// TestProvisioningLogWithoutAFile: a log that cannot be written slows nothing and refuses nothing; it is said once in Caddy's
// log, in the status, and on every page of the console.
func TestProvisioningLogWithoutAFile(t *testing.T) {
	site := strings.Replace(consoleSite, "provisioning_log {DIR}/provisioning.db", "provisioning_log {DIR}/caddy.log/provisioning.db", 1)
	s := startOperated(t, site)
	for i := range 3 {
		s.logged(http.MethodPost, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"p%d@example.com","active":true}`, i), 201)
	}
	const problem = "the provisioning log cannot be written"
	var status string
	for range 500 { // it is written after the answer
		if status = s.told("/scim_gateway/log"); strings.Contains(status, problem) && strings.Contains(status, `"dropped":3`) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !strings.Contains(status, problem) || !strings.Contains(status, `"dropped":3`) {
		t.Errorf("status: %s", status)
	}
	if n := strings.Count(s.logs(), `"msg":"`+problem); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	if page := s.page("/console/embedded/now", 200); !strings.Contains(page, "The provisioning log cannot be written") || !strings.Contains(page, "3 records of the log are missing") {
		t.Errorf("the console: %s", page)
	}
}

// told is what Caddy's admin API tells.
func (s *server) told(path string) string {
	s.t.Helper()
	r, err := s.http.Get("http://" + s.admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// logged sends one request of Entra's and returns the id that the answer has.
func (s *server) logged(method, path, body string, status int) string {
	s.t.Helper()
	a, err := s.entra("/scim").Do(method, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if a.Status != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.Status, status, a.Raw)
	}
	var resource struct{ ID string }
	_ = json.Unmarshal(a.Raw, &resource)
	return resource.ID
}
