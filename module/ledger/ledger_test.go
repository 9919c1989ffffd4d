package ledger_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/certmagic"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/ledger"
)

func open(t *testing.T) (*ledger.Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	return ledger.Open(&certmagic.FileStorage{Path: dir}, "acme", []string{"userName", "externalId"}, nil), dir
}

func kept(attribute, value string) map[string]ledger.Kept {
	text, _ := json.Marshal(value)
	return map[string]ledger.Kept{attribute: {Value: text}}
}

func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestLedger(t *testing.T) {
	ctx := context.Background()
	l, dir := open(t)
	find := func(value string) string {
		t.Helper()
		id, err := l.Users.Find(ctx, "userName", value)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	put := func(r *ledger.Record) {
		t.Helper()
		if err := l.Users.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"1", "../../../etc/passwd", "", strings.Repeat("x", 5000)} {
		r := &ledger.Record{ID: id, Kept: kept("userName", "Name "+id)}
		put(r)
		got, err := l.Users.Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Error(diff)
		}
		if found := find("nAME " + id); found != id {
			t.Errorf("found %q", found)
		}
		if other, err := l.Groups.Get(ctx, id); other != nil || err != nil {
			t.Errorf("a group has the record of a user: %v %v", other, err)
		}
	}
	for _, f := range files(t, dir) {
		if strings.Contains(f, "passwd") || strings.Contains(f, "Name") {
			t.Errorf("a file name tells something: %s", f)
		}
	}
	// The name goes to somebody else, and then the first one changes.
	put(&ledger.Record{ID: "1", Kept: kept("userName", "a")})
	if find("Name 1") != "" {
		t.Error("the old name still finds the record")
	}
	put(&ledger.Record{ID: "2", Kept: kept("userName", "a")})
	put(&ledger.Record{ID: "1", Kept: kept("userName", "b")})
	if find("a") != "2" || find("b") != "1" {
		t.Errorf("a is %q, b is %q", find("a"), find("b"))
	}

	version := func() string {
		t.Helper()
		v, err := l.Users.Version(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if version() != "" {
		t.Error("there is a version although nothing is special")
	}
	put(&ledger.Record{ID: "3", Deferred: json.RawMessage(`{"x":1}`)})
	put(&ledger.Record{ID: "4", Upstream: "u"})
	put(&ledger.Record{ID: "5", Deleted: true})
	special, err := l.Users.Specials(ctx)
	if err != nil || len(special) != 3 {
		t.Errorf("specials %v %v", special, err)
	}
	before := version()
	put(&ledger.Record{ID: "1", Kept: kept("userName", "c")})
	if version() != before {
		t.Error("another version although nothing special was changed")
	}
	put(&ledger.Record{ID: "5"}) // nothing left to remember
	if version() == before {
		t.Error("the same version although a record is gone")
	}
	if special, err = l.Users.Specials(ctx); err != nil || len(special) != 2 {
		t.Errorf("specials %v %v", special, err)
	}
	for _, id := range []string{"1", "2", "3", "4", "5", "../../../etc/passwd", "", strings.Repeat("x", 5000), "never"} {
		if err := l.Users.Delete(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if left := files(t, dir); len(left) != 1 || filepath.Base(left[0]) != "version" {
		t.Errorf("left behind: %v", left)
	}
}

// A torn record is a lost record, and another organization has records of its own.
func TestLedgerLoses(t *testing.T) {
	ctx := context.Background()
	l, dir := open(t)
	if err := l.Users.Put(ctx, &ledger.Record{ID: "1", Deferred: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	other := ledger.Open(&certmagic.FileStorage{Path: dir}, "globex", nil, nil)
	if r, err := other.Users.Get(ctx, "1"); r != nil || err != nil {
		t.Errorf("got %v %v", r, err)
	}
	for _, f := range files(t, dir) {
		if err := os.WriteFile(f, []byte(`{"id":"1","def`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := l.Users.Get(ctx, "1"); r != nil || err != nil {
		t.Errorf("got %v %v", r, err)
	}
	if s, err := l.Users.Specials(ctx); len(s) > 0 || err != nil {
		t.Errorf("got %v %v", s, err)
	}
	if err := l.Users.Put(ctx, &ledger.Record{ID: "1", Kept: kept("userName", "x")}); err != nil {
		t.Fatal(err)
	}
	if r, err := l.Users.Get(ctx, "1"); r == nil || err != nil {
		t.Errorf("got %v %v", r, err)
	}
}

func TestNoLedger(t *testing.T) {
	var b *ledger.Book
	ctx := context.Background()
	if r, err := b.Get(ctx, "1"); r != nil || err != nil {
		t.Error(r, err)
	}
	if err := b.Put(ctx, &ledger.Record{ID: "1", Deleted: true}); err != nil {
		t.Error(err)
	}
	if id, err := b.Find(ctx, "userName", "x"); id != "" || err != nil {
		t.Error(id, err)
	}
	if s, err := b.Specials(ctx); s != nil || err != nil {
		t.Error(s, err)
	}
	if err := b.Delete(ctx, "1"); err != nil {
		t.Error(err)
	}
}
