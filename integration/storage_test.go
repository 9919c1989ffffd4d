package integration

import (
	"path/filepath"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/storage"
)

// onStorage is a gateway in front of the embedded organization, both in one process, over a storage for tests.
func onStorage(t *testing.T, options string) (*server, *entra.Client, *publicAPI, *storage.Trouble) {
	t.Helper()
	dir := t.TempDir()
	trouble := storage.Of(filepath.Join(dir, "storage"))
	t.Cleanup(func() { trouble.Set(storage.None) })
	s := startServer(&server{t: t, dir: dir, storage: "faulty {DIR}/storage " + options}, embedded)
	return s, s.entra("/scim"), newPublicAPI(t, s, ""), trouble
}

// must is the id of what a request has made, or of nothing.
func must(t *testing.T, status int) func(*entra.Response, error) string {
	t.Helper()
	return func(res *entra.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != status {
			t.Fatalf("status %d, want %d: %s", res.Status, status, res.Raw)
		}
		return res.ID()
	}
}

// somebody is a person whose userName is no address, so that the ledger has to remember it.
func somebody(name string, inactive bool) entra.User {
	return entra.User{UserName: name + "@corp.example", Mail: name + "@example.com", ExternalID: "x-" + name, DisplayName: name, Inactive: inactive}
}

// TestLocksThatKeepNobodyOut: one gateway needs no lock of the storage.
func TestLocksThatKeepNobodyOut(t *testing.T) {
	_, c, _, _ := onStorage(t, `{
		shared_locks
		clock -1h
	}`)
	group, ids := crowd(t, c, 16)
	mixed(t, ids, func(int) *entra.Client { return c }, group)
	exactly(t, c, group, ids[:8])
}
