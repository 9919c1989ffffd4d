package ledger

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// A set of ids does what a map does, and is the same when it was written and read.
func TestIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func() (ids []string) {
		for range r.IntN(30) {
			ids = append(ids, strconv.Itoa(r.IntN(40)))
		}
		return ids
	}
	for range 500 {
		a, b := some(), some()
		with, without := MakeIDs(a...).With(MakeIDs(b...)), MakeIDs(a...).Without(MakeIDs(b...))
		text, err := json.Marshal(with)
		var again IDs
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil || !slices.Equal(again, with) {
			t.Fatalf("%v: %v is %v, read again", err, with, again)
		}
		for i := range 40 {
			id := strconv.Itoa(i)
			in, of := slices.Contains(a, id), slices.Contains(b, id)
			if with.Has(id) != (in || of) || without.Has(id) != (in && !of) {
				t.Fatalf("%s of %v and %v: with %v, without %v", id, a, b, with.Has(id), without.Has(id))
			}
		}
	}
	for _, bad := range []string{`"AAAA"`, `"?"`, `"AAAAAAAAAAIAAAAAAAAAAQ"`} {
		if err := json.Unmarshal([]byte(bad), new(IDs)); err == nil {
			t.Errorf("%s is taken for a set", bad)
		}
	}
}

// What is said of a group counts for what is said later: who was there before, until the provider names them.
func TestSyncedOverTime(t *testing.T) {
	var s Synced
	say := func(what string, do func(IDs), ids ...string) func(members, before []string) {
		do(MakeIDs(ids...))
		return func(members, before []string) {
			t.Helper()
			if !slices.Equal(s.Members, MakeIDs(members...)) || !slices.Equal(s.Before, MakeIDs(before...)) {
				t.Errorf("%s: %+v", what, s)
			}
		}
	}
	say("added before anybody looked", s.Add, "first")([]string{"first"}, nil)
	say("found", s.Found, "old", "both", "first")([]string{"first"}, []string{"old", "both"})
	say("added", s.Add, "both")([]string{"first", "both"}, []string{"old"})
	say("found again", s.Found, "late")([]string{"first", "both"}, []string{"old"})
	say("removed", s.Remove, "both", "old")([]string{"first"}, []string{"old"})
	say("all named", s.Set, "a", "b")([]string{"a", "b"}, []string{"old"})
}

// More members than are remembered are said to be too many, until all of them are named anew.
func TestTooManySynced(t *testing.T) {
	many := make(IDs, MostIDs+1)
	for i := range many {
		many[i] = uint64(i)
	}
	var s Synced
	for _, say := range []func(IDs){s.Add, s.Found} {
		s = Synced{}
		if say(many); !s.TooMany || len(s.Members)+len(s.Before) > 0 {
			t.Errorf("%d members, %d before", len(s.Members), len(s.Before))
		}
		if s.Add(many[:1]); !s.TooMany || len(s.Members) > 0 {
			t.Errorf("%d members", len(s.Members))
		}
		if s.Set(many[:2]); s.TooMany || len(s.Members) != 2 {
			t.Errorf("%d members", len(s.Members))
		}
	}
}
