//go:build unix

package organization

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-scim/gateway/module/fulldisktest"
)

// TestFullDisk: what cannot be written is not acknowledged, what was acknowledged stays, and when there is room again it
// goes on.
func TestFullDisk(t *testing.T) {
	fulldisktest.Run(t, func(room func(...int64)) {
		file := filepath.Join(t.TempDir(), "org.db")
		s, err := openStore(file)
		if err != nil {
			t.Fatal(err)
		}
		var acknowledged []string
		write := func(n int, name string) (refused int) {
			for i := range n {
				somebody := fmt.Sprintf("%s-%d", name, i)
				if _, err := writeSomething(s, somebody); err != nil {
					refused++
					continue
				}
				acknowledged = append(acknowledged, somebody+"@example.com")
			}
			return refused
		}
		if n := write(20, "before"); n > 0 {
			t.Fatalf("%d changes were refused before the disk was full", n)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		room(info.Size()) // what is in use may be written again, and no more
		refused := write(1500, "full")
		room(info.Size() / 2) // not even that
		refused += write(50, "fuller")
		room()
		if refused == 0 {
			t.Fatal("the disk was never full")
		}
		t.Logf("%d changes were refused in between, %d acknowledged", refused, len(acknowledged))
		if n := write(20, "after"); n > 0 {
			t.Errorf("%d changes were refused although there is room again", n)
		}
		check := func(when string) {
			t.Helper()
			consistent(t, s)
			err := s.view(func(b *tx) error {
				for _, mail := range acknowledged {
					if _, ok := b.memberWithEmail(mail); !ok {
						t.Errorf("%s: %s was acknowledged and is not there", when, mail)
					}
				}
				n := 0
				for _, err := range b.allMembers() {
					if err != nil {
						return err
					}
					n++
				}
				if n < len(acknowledged) {
					t.Errorf("%s: %d members, %d were acknowledged", when, n, len(acknowledged))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		check("before it is closed")
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		if s, err = openStore(file); err != nil {
			t.Fatal(err)
		}
		check("when it is opened again")
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	})
}
