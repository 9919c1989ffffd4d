package ledger_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// intent is the change that writes an intent down, and erase the one that ends it.
func intent(r *ledger.Record) { r.Intent = &ledger.Intent{Resource: "User"} }

func erase(r *ledger.Record) { *r = ledger.Record{} }

func linked(r *ledger.Record) { r.Linked = true }

// place returns the first call of an operation on a key that contains a text; -1 where there is none.
func place(calls []string, op, part string) int {
	return slices.IndexFunc(calls, func(call string) bool { return strings.HasPrefix(call, op) && strings.Contains(call, part) })
}

// An intent whose call is over leaves the storage after what was owed before. Whenever the process is killed, the next one
// finds the record, or the intent.
func TestIntentGoesLast(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	var mu sync.Mutex
	var crashes []*storagetest.Storage
	s.Fault(func(string, string) error {
		mu.Lock()
		defer mu.Unlock()
		crashes = append(crashes, s.Copy())
		return nil
	})
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			id := strconv.Itoa(i)
			if err := l.Intents.Put(t.Context(), "user named "+id, intent); err != nil {
				t.Error(err)
			}
			l.Users.Owe(t.Context(), id, func(r *ledger.Record) { r.Linked, r.Kept = true, kept("userName", "u"+id) })
			l.Intents.Owe(t.Context(), "user named "+id, erase)
			if r := get(t, l.Users, id); r == nil || !r.Linked {
				t.Errorf("in memory: %v", r)
			}
			if r := get(t, l.Intents, "user named "+id); r != nil {
				t.Errorf("in memory: %v", r)
			}
		})
	}
	users.Wait()
	l.Rest()
	if n := l.Owed(); n > 0 {
		t.Errorf("%d records are owed", n)
	}
	s.Heal()
	crashes = append(crashes, s.Copy())
	known := map[string]bool{} // since an earlier crash
	for _, s := range crashes {
		l := open(t, s, "acme")
		for i := range 8 {
			id := strconv.Itoa(i)
			there := get(t, l.Users, id) != nil || get(t, l.Intents, "user named "+id) != nil
			if known[id] && !there {
				t.Fatalf("nobody knows of %s any more", id)
			}
			known[id] = there
		}
	}
	if left := s.Keys("/intents/"); len(known) != 8 || len(left) > 0 {
		t.Errorf("%d are known, and left are %v", len(known), left)
	}
}

// While the storage does not take the record, the intent stays there, and everybody goes on.
func TestIntentStaysWithoutItsRecord(t *testing.T) {
	for name, trouble := range map[string]func(*storagetest.Storage){
		"full": func(s *storagetest.Storage) {
			s.Fault(func(op, key string) error {
				if op == "store" && strings.Contains(key, "/users/") {
					return storagetest.Err
				}
				return nil
			})
		},
		"silent": func(s *storagetest.Storage) { release := s.Hang(); time.AfterFunc(time.Minute, release) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := storagetest.New()
				l := open(t, s, "acme")
				if err := l.Intents.Put(t.Context(), "user named x", intent); err != nil {
					t.Fatal(err)
				}
				trouble(s)
				began := time.Now()
				l.Users.Owe(t.Context(), "1", linked)
				l.Intents.Owe(t.Context(), "user named x", erase)
				if took := time.Since(began); took > 0 {
					t.Errorf("waited for %s", took)
				}
				l.Rest()
				if n := l.Refused(); n != 2 {
					t.Errorf("%d records are told as not taken", n)
				}
				if r := get(t, open(t, s.Copy(), "acme").Intents, "user named x"); r == nil {
					t.Error("the intent has gone, and the record is not there")
				}
				time.Sleep(30 * time.Second)
				s.Heal()
				time.Sleep(10 * time.Minute)
				if r := get(t, open(t, s.Copy(), "acme").Users, "1"); r == nil || len(s.Keys("/intents/")) > 0 || l.Owed() > 0 {
					t.Errorf("got %v, intents %v, %d owed", r, s.Keys("/intents/"), l.Owed())
				}
			})
		})
	}
}

// An intent does not take the place of an earlier one before that one's record is on disk.
func TestNextIntentWaitsForTheRecord(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	if err := l.Intents.Put(t.Context(), "user x", intent); err != nil {
		t.Fatal(err)
	}
	s.Took()
	s.Fault(func(op, key string) error {
		if op == "store" && strings.Contains(key, "/users/") {
			return storagetest.Err
		}
		return nil
	})
	l.Users.Owe(t.Context(), "x", linked)
	l.Intents.Owe(t.Context(), "user x", erase)
	next := func(r *ledger.Record) { *r = ledger.Record{Intent: &ledger.Intent{Resource: "Group"}} }
	if err := l.Intents.Put(t.Context(), "user x", next); err == nil {
		t.Error("there is no error")
	}
	if r := get(t, open(t, s.Copy(), "acme").Intents, "user x"); r == nil || r.Intent.Resource != "User" {
		t.Errorf("in the storage: %+v", r)
	}
	if r := get(t, l.Intents, "user x"); r != nil {
		t.Errorf("in memory: %+v", r)
	}
	s.Heal()
	s.Took()
	if err := l.Intents.Put(t.Context(), "user x", next); err != nil {
		t.Fatal(err)
	}
	calls := s.Took()
	record, intent := place(calls, "store", "/users/records/"), place(calls, "store", "/intents/")
	if record < 0 || intent < record {
		t.Errorf("calls %v", calls)
	}
}

// Who owes much waits until some of it is taken, for as long as a caller waits for the storage.
func TestOwingHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storagetest.New()
		l := open(t, s, "acme")
		t.Cleanup(s.Hang())
		began := time.Now()
		n := 0
		for ; time.Since(began) == 0 && n < 10000; n++ {
			l.Users.Owe(t.Context(), strconv.Itoa(n), linked)
		}
		if n < 100 || n > 1000 {
			t.Errorf("%d are owed, and nobody has waited", n)
		}
		time.Sleep(time.Hour) // the attempts end
		l.Close()
	})
}

// The turn of the operation is held until its record is on disk, or the storage has refused it.
func TestTurnIsHeld(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s := storagetest.New()
		var mu sync.Mutex
		held, most := 0, 0
		l := ledger.New("acme")
		l.Use(ledger.Setting{Storage: s, Hold: func(context.Context) func() {
			mu.Lock()
			defer mu.Unlock()
			held++
			most = max(most, held)
			return func() {
				mu.Lock()
				defer mu.Unlock()
				if held--; !fails && held == 0 && l.Owed() > 0 {
					t.Error("released before it was written")
				}
			}
		}})
		if fails {
			s.Fail("store")
		}
		l.Users.Owe(t.Context(), "1", linked)
		l.Rest()
		if mu.Lock(); held != 0 || most != 1 {
			t.Errorf("held %d times, %d still", most, held)
		}
		mu.Unlock()
		l.Close()
	}
}

// Who led when a record was owed and does not lead any more writes nothing: another gateway may have written it since.
func TestNothingIsWrittenByWhoLeadsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storagetest.New()
		l := open(t, s, "acme")
		if err := l.Intents.Put(t.Context(), "user named x", intent); err != nil {
			t.Fatal(err)
		}
		var away, later atomic.Bool
		l.Use(ledger.Setting{
			Storage: s,
			Alive: func(context.Context) error {
				if away.Load() {
					return storagetest.Err
				}
				return nil
			},
			Turn: func(context.Context) (func(), error) {
				later.Store(true)
				return func() {}, nil
			},
		})
		l.Users.Owe(t.Context(), "1", linked)
		l.Intents.Owe(t.Context(), "user named x", erase)
		away.Store(true) // frozen, and another gateway has taken its place
		l.Rest()
		if users, intents := s.Keys("/users/"), s.Keys("/intents/"); len(users) > 0 || len(intents) != 1 {
			t.Errorf("wrote %v, left %v", users, intents)
		}
		if err := l.Intents.Put(t.Context(), "user named x", intent); err == nil {
			t.Error("an intent is put by who may not write")
		}
		time.Sleep(time.Minute)
		if !later.Load() || l.Owed() > 0 {
			t.Errorf("%d records are owed", l.Owed())
		}
	})
}
