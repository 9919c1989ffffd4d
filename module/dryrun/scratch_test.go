package dryrun

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// sealed is a storage that fails the test when it is written to.
type sealed struct {
	*testing.T
	cluster.Storage
}

func (s sealed) Store(_ context.Context, key string, _ []byte) error {
	s.Errorf("%s was stored", key)
	return nil
}

func (s sealed) Delete(_ context.Context, key string) error {
	s.Errorf("%s was deleted", key)
	return nil
}

func TestScratch(t *testing.T) {
	ctx, real := t.Context(), storagetest.New()
	for _, key := range []string{"a/1", "a/2", "b/c/3"} {
		if err := real.Store(ctx, key, []byte("real "+key)); err != nil {
			t.Fatal(err)
		}
	}
	var s Scratch
	s.use(sealed{t, real})
	load := func(key, want string) {
		t.Helper()
		got, err := s.Load(ctx, key)
		if string(got) != want || (want == "") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
	_, _, _ = s.Store(ctx, "a/1", []byte("new")), s.Store(ctx, "a/4", []byte("four")), s.Store(ctx, "d/e/5", []byte("five"))
	_, _ = s.Delete(ctx, "a/2"), s.Delete(ctx, "b/c/3")
	load("a/1", "new")
	load("a/2", "")
	load("a/4", "four")
	load("b/c/3", "")
	for path, want := range map[string][]string{"a": {"a/1", "a/4"}, "d": {"d/e"}, "nowhere": nil} {
		got, err := s.List(ctx, path, false)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", path, err, diff)
		}
	}
	_ = s.Store(ctx, "a/2", []byte("again"))
	load("a/2", "again")

	// A configuration that failed to load takes its storage with it.
	other := storagetest.New()
	_ = other.Store(ctx, "x", []byte("other"))
	drop := s.use(other)
	load("x", "other")
	drop()
	load("x", "")
}

func TestImagined(t *testing.T) {
	if id := NewID(); !Imagined(id) || Imagined(id+"x") || Imagined("dry-run-1") || Imagined("") {
		t.Errorf("%s", id)
	}
}
