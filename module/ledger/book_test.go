package ledger

import (
	"strconv"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// That there is nothing of a resource is remembered however many records there are: the storage is not asked for it each time.
func TestAbsentAmongMany(t *testing.T) {
	s := storagetest.New()
	l := New("acme")
	l.Use(Setting{Storage: s})
	for i := range 3 * mostAbsent {
		id := strconv.Itoa(i)
		l.Users.slots[id] = &slot{read: true, now: &Record{ID: id, Linked: true}}
	}
	for range 2 {
		for _, id := range []string{"one", "another", "a third"} {
			if r, err := l.Users.Get(t.Context(), id); r != nil || err != nil {
				t.Fatal(r, err)
			}
		}
	}
	if calls := s.Took(); len(calls) != 3 {
		t.Errorf("asked the storage for %v", calls)
	}
}
