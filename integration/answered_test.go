package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// slowlyKept is a gateway in a process of its own, with a storage that takes its time, in front of the embedded organization.
func slowlyKept(t *testing.T) (p *process, c *entra.Client, org *publicAPI, ledger func(kind string) int) {
	t.Helper()
	s := start(t, organization)
	dir, addr := t.TempDir(), freeAddr(t)
	site := "http://" + addr + " {" + gateway(s.addr, bitwarden+"\norganization acme") + "\n}\n"
	p = runProcess(t, "faulty "+dir+" {\ndelay 100ms\n}", site)
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	return p, &entra.Client{TenantURL: "http://" + addr + "/scim", Secret: testKey, HTTP: h}, newPublicAPI(t, s, ""), func(kind string) int {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "scim_gateway", "ledger", "*", kind, "records", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
}

// TestKilledAfterTheAnswer: a user is created, the provider is told so, and the gateway is killed before its record is on
// disk. The next one knows by the intent whose the member is.
func TestKilledAfterTheAnswer(t *testing.T) {
	p, c, org, ledger := slowlyKept(t)
	id := must(t, 201)(c.Create(somebody("jane", false)))
	p.signal(os.Kill)
	_ = p.stdin.Close()
	_ = p.cmd.Wait()
	if ledger("users") > 0 || ledger("intents") != 1 {
		t.Logf("too late: %d records, %d intents", ledger("users"), ledger("intents"))
	}
	p.begin()
	if res, err := c.SetActive(id, false); err != nil || res.Status != 200 || res.String("userName") != "jane@corp.example" {
		t.Errorf("deactivated: %v %s", err, res.Raw)
	}
	if got := personWith(t, org, "jane@example.com").state; got != "revoked" {
		t.Errorf("Jane is %q", got)
	}
	if res, err := c.Find("/Users", "userName", "jane@corp.example"); err != nil || res.First()["id"] != id {
		t.Errorf("looked for: %v %s", err, res.Raw)
	}
}

// TestStopWritesWhatWasAnswered: a stop waits for the records of whom the provider was told.
func TestStopWritesWhatWasAnswered(t *testing.T) {
	p, c, _, ledger := slowlyKept(t)
	must(t, 201)(c.Create(somebody("jane", false)))
	p.do("stop")
	if ledger("users") != 1 || ledger("intents") > 0 {
		t.Errorf("%d records, %d intents", ledger("users"), ledger("intents"))
	}
}
