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
