package keys

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/auth"
)

// TestRotate: the new key has the rights of the old one and a name of its own; the old one ends when it is said to.
func TestRotate(t *testing.T) {
	b := newBench(t, newShelf(), auth.Key{Name: "file", Key: "a-key-of-the-caddyfile", Scope: []string{"users"}})
	old := b.make(t, "entra-9", func(r *Record) { r.Scope, r.From = []string{"read"}, []string{"192.0.2.0/24"} })
	i, err := b.Rotate(t.Context(), "entra-9", auth.Generate(), "", 0)
	if err != nil || i.Name != "entra-10" || i.Scope[0] != "read" || i.From[0] != "192.0.2.0/24" {
		t.Errorf("got %+v, %v", i, err)
	}
	i, err = b.Rotate(t.Context(), "file", auth.Generate(), "2099-01-01T00:00:00Z", time.Hour)
	if err != nil || i.Name != "file-2" || i.Scope[0] != "users" || i.Expires == "" {
		t.Errorf("got %+v, %v", i, err)
	}
	before, err := b.find("file")
	if err != nil || before.Status != "valid" || before.ReplacedBy != "file-2" || time.Until(before.Revoked) < 50*time.Minute {
		t.Errorf("got %+v, %v", before, err)
	}
	// A leak in the meantime: at once after all.
	if err := b.Revoke(t.Context(), "file", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if before, _ = b.find("file"); before.Status != "revoked" {
		t.Errorf("got %+v", before)
	}
	if _, err := b.New(t.Context(), Record{Key: auth.Key{Name: "again", Key: old}}); err == nil {
		t.Error("the same key twice")
	}
}

// TestKilledWhileRotating: whatever was written when the gateway was killed, the provider's key stays good, the next gateway
// says what it finds, and the rotation can be done again.
func TestKilledWhileRotating(t *testing.T) {
	for written := range 3 {
		storage := newShelf()
		b := newBench(t, storage)
		old := b.make(t, "entra")
		b.app.refresh(t.Context())
		storage.mu.Lock()
		if storage.room = written; written == 0 {
			storage.fail = errors.New("killed")
		}
		storage.mu.Unlock()
		fresh := auth.Generate()
		_, err := b.Rotate(t.Context(), "entra", fresh, "", time.Hour)
		if written < 2 && err == nil {
			t.Fatalf("%d records written, and no error", written)
		}
		storage.mu.Lock()
		storage.fail, storage.room = nil, 0
		storage.mu.Unlock()

		next := newBench(t, storage)
		next.app.refresh(t.Context())
		if got := next.let(t, old); got != 200 {
			t.Errorf("%d written: the provider's key is answered %d", written, got)
		}
		before, err := next.find("entra")
		if err != nil || before.Status != "valid" || (before.ReplacedBy == "") != (written == 0) || before.Revoked.IsZero() != (written < 2) {
			t.Errorf("%d written: %+v, %v", written, before, err)
		}
		again := auth.Generate()
		if _, err := next.Rotate(t.Context(), "entra", again, "", time.Hour); err != nil {
			t.Errorf("%d written: rotating again: %v", written, err)
		}
		for _, key := range []string{old, again} {
			if got := next.let(t, key); got != 200 {
				t.Errorf("%d written: a key is answered %d after rotating again", written, got)
			}
		}
	}
}
