package organization

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// aFile is a store with some people and groups, closed: its bytes, and how many of them are in use.
func aFile(t *testing.T) (file string, content []byte, used int) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "org.db")
	s, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := writeSomething(s, fmt.Sprint("somebody-", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.view(func(b *tx) error { used = int(b.Size()); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return file, content, used
}

// use opens a store and does a bit of everything. Whatever the file is like, this ends, with an error or without.
func use(t *testing.T, file string) error {
	t.Helper()
	s, err := openStore(file)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}()
	if _, err := s.members.snapshot(s.db); err != nil {
		return err
	}
	if _, err := s.groups.snapshot(s.db); err != nil {
		return err
	}
	if _, err := writeSomething(s, "somebody-new"); err != nil {
		return err
	}
	return s.change(func(b *tx) error {
		for m, err := range b.allMembers() {
			if err != nil {
				return err
			}
			return b.removeMember(m)
		}
		return nil
	})
}

// TestDamagedFile: whatever happened to the file, it is an error, and no panic.
func TestDamagedFile(t *testing.T) {
	file, content, used := aFile(t)
	pages := len(content) / os.Getpagesize()
	spoiled := func(change func([]byte) []byte) error {
		t.Helper()
		if err := os.WriteFile(file, change(bytes.Clone(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		return use(t, file)
	}
	if err := spoiled(func(b []byte) []byte { return b }); err != nil {
		t.Fatalf("what is whole is refused: %v", err)
	}
	refused := 0
	for page := range pages {
		at := page * os.Getpagesize()
		for what, change := range map[string]func([]byte) []byte{
			"cut":     func(b []byte) []byte { return b[:at] },
			"cut off": func(b []byte) []byte { return b[:at+100] },
			"zeros":   func(b []byte) []byte { clear(b[at : at+os.Getpagesize()]); return b },
			"ones": func(b []byte) []byte {
				return append(append(b[:at], bytes.Repeat([]byte{255}, os.Getpagesize())...), content[at+os.Getpagesize():]...)
			},
			"no head":   func(b []byte) []byte { clear(b[at : at+16]); return b },
			"a count":   func(b []byte) []byte { b[at+10], b[at+11] = 255, 255; return b },
			"an offset": func(b []byte) []byte { copy(b[at+16:], bytes.Repeat([]byte{127}, 64)); return b },
		} {
			err := spoiled(change)
			if err != nil {
				refused++
			}
			if strings.HasPrefix(what, "cut") && at > 0 && at+100 < used && err == nil {
				t.Errorf("page %d of %d %s: no error", page, pages, what)
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		err := spoiled(func(b []byte) []byte {
			for range 1 + rng.IntN(20) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			return b
		})
		if err != nil {
			refused++
		}
	}
	t.Logf("%d pages; %d damages were found", pages, refused)
}

// TestFileDamagedInUse: what happens to the file while it is open is an error of those who come across it.
func TestFileDamagedInUse(t *testing.T) {
	file, content, _ := aFile(t)
	s, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, int64(3*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.members.snapshot(s.db); err == nil {
		t.Error("the list of a file that was cut is no error")
	}
	if _, err := writeSomething(s, "somebody-new"); err == nil {
		t.Error("a change of a file that was cut is acknowledged")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := use(t, file); err != nil {
		t.Errorf("the file as it was: %v", err)
	}
}
