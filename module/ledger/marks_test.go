package ledger_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// What was forgotten while the marks were read is read again: nobody who waits is unknown from then on.
func TestForgottenWhileMarksAreRead(t *testing.T) {
	s := storagetest.New()
	before := open(t, s, "acme")
	if err := before.Users.Put(t.Context(), "1", func(r *ledger.Record) { r.Deferred = json.RawMessage(`{"n":1}`) }); err != nil {
		t.Fatal(err)
	}
	l := open(t, s, "acme")
	var once sync.Once
	s.Fault(func(op, _ string) error {
		if op == "list" {
			once.Do(l.Forget)
		}
		return nil
	})
	for range 2 {
		if m, err := l.Users.Marks(t.Context()); err != nil || !m.Waits("1") {
			t.Errorf("who waits is not known: %v", err)
		}
	}
}
