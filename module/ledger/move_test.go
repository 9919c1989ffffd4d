package ledger

import (
	"path"
	"testing"

	"github.com/caddyserver/certmagic"
)

func TestMove(t *testing.T) {
	ctx := t.Context()
	st := &certmagic.FileStorage{Path: t.TempDir()}
	put := func(organization, key string) {
		t.Helper()
		if err := st.Store(ctx, path.Join(place(organization), key), []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	keys := []string{"users/records/1", "users/special/1", "groups/records/2"}
	for _, key := range keys {
		put("old", key)
	}
	if _, err := Move(ctx, st, "nobody", "new"); err == nil {
		t.Error("a ledger that is not there was moved")
	}
	if _, err := Move(ctx, st, "old", "old"); err == nil {
		t.Error("a ledger was moved to where it is")
	}
	put("new", keys[0]) // a move that was interrupted
	if n, err := Move(ctx, st, "old", "new"); err != nil || n != len(keys) {
		t.Fatalf("%d, %v", n, err)
	}
	for _, key := range keys {
		if v, err := st.Load(ctx, path.Join(place("new"), key)); err != nil || string(v) != key {
			t.Errorf("%s: %q, %v", key, v, err)
		}
	}
	if _, err := Move(ctx, st, "old", "elsewhere"); err == nil {
		t.Error("something was left under the old name")
	}
	put("other", "users/records/9")
	if _, err := Move(ctx, st, "other", "new"); err == nil {
		t.Error("two organizations were mixed")
	}
}
