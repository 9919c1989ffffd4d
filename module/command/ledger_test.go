package command

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-scim/gateway/module/ledger"
)

// TestMoveLedger moves the ledger that the storage of a configuration has.
func TestMoveLedger(t *testing.T) {
	dir := t.TempDir()
	st := &certmagic.FileStorage{Path: filepath.Join(dir, "storage")}
	sum := sha256.Sum256([]byte("1f0e"))
	if err := st.Store(t.Context(), "scim_gateway/ledger/"+hex.EncodeToString(sum[:16])+"/users/records/1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "caddy.json")
	if err := os.WriteFile(config, []byte(`{"storage":{"module":"file_system","root":"`+st.Path+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out strings.Builder
		cmd := ledgerCommand()
		cmd.SetArgs(args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := run("move", "1f0e", "example", "--config", config); err != nil || !strings.Contains(out, "example") {
		t.Fatalf("%s%v", out, err)
	}
	if n, err := ledger.Move(t.Context(), st, "example", "1f0e"); err != nil || n != 1 {
		t.Fatalf("nothing was moved: %d, %v", n, err)
	}
	if _, err := run("move", "nobody", "example", "--config", config); err == nil {
		t.Error("nobody's memory was moved")
	}
}
