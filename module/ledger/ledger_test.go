package ledger_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/transforms/doc"
)

// tester is a test or a property.
type tester interface {
	Helper()
	Fatal(args ...any)
}

// open returns the ledger of an organization over a storage, as a process that has just started has it.
func open(t tester, s *storagetest.Storage, organization string) *ledger.Ledger {
	t.Helper()
	l := ledger.New(organization)
	l.Use(ledger.Setting{
		Storage: s, UserKeys: []string{"userName", "externalId"},
		WaitingKeys: func(r *ledger.Record) []string { return []string{string(r.Deferred)} },
	})
	return l
}

func kept(attribute, value string) map[string]ledger.Kept {
	text, _ := json.Marshal(value)
	return map[string]ledger.Kept{attribute: {Value: text}}
}

// is is the change that makes a record what another one is.
func is(r *ledger.Record) func(*ledger.Record) {
	return func(old *ledger.Record) { *old = *r.Clone() }
}

func get(t tester, b *ledger.Book, id string) *ledger.Record {
	t.Helper()
	r, err := b.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func find(t tester, l *ledger.Ledger, value string) string {
	t.Helper()
	id, err := l.Users.Find(context.Background(), "userName", value)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What was written is there for this process and for the next one, and nothing is left of what is gone.
func TestLedger(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	put := func(r *ledger.Record) {
		t.Helper()
		if err := l.Users.Put(t.Context(), r.ID, is(r)); err != nil {
			t.Fatal(err)
		}
	}
	ids := []string{"1", "../../../etc/passwd", "", strings.Repeat("x", 5000)}
	for _, id := range ids {
		put(&ledger.Record{ID: id, Kept: kept("userName", "Name "+id)})
	}
	for _, l := range []*ledger.Ledger{l, open(t, s, "acme")} {
		for _, id := range ids {
			if diff := cmp.Diff(&ledger.Record{ID: id, Kept: kept("userName", "Name "+id)}, get(t, l.Users, id)); diff != "" {
				t.Error(diff)
			}
			if found := find(t, l, "nAME "+id); found != id {
				t.Errorf("found %q", found)
			}
			if other := get(t, l.Groups, id); other != nil {
				t.Errorf("a group has the record of a user: %v", other)
			}
		}
	}
	if other := get(t, open(t, s, "globex").Users, "1"); other != nil {
		t.Errorf("another organization has the record: %v", other)
	}
	for _, key := range s.Keys("") {
		if strings.Contains(key, "passwd") || strings.Contains(key, "Name") {
			t.Errorf("a key tells something: %s", key)
		}
	}
	// The name goes to somebody else, and then the first one changes.
	put(&ledger.Record{ID: "1", Kept: kept("userName", "a")})
	put(&ledger.Record{ID: "2", Kept: kept("userName", "a")})
	put(&ledger.Record{ID: "1", Kept: kept("userName", "b")})
	for _, l := range []*ledger.Ledger{l, open(t, s, "acme")} {
		if find(t, l, "Name 1") != "" || find(t, l, "a") != "2" || find(t, l, "b") != "1" {
			t.Errorf("a is %q, b is %q", find(t, l, "a"), find(t, l, "b"))
		}
	}
	for _, id := range append(ids, "2", "never") {
		put(&ledger.Record{ID: id}) // nothing left to remember
	}
	if left := s.Keys(""); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What was read once is not read again, and what is so already is not written.
func TestLedgerReadsOnce(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	look := func() {
		_ = get(t, l.Users, "1")
		_ = find(t, l, "nobody")
		if _, err := l.Users.Marks(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	l.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Linked = true })
	s.Took()
	look()
	l.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Linked = true })
	if calls := s.Took(); len(calls) > 0 {
		t.Errorf("asked the storage for %v", calls)
	}
	// Until somebody else may have written.
	other := open(t, s, "acme")
	other.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Kept = kept("userName", "x") })
	if get(t, l.Users, "1").Kept != nil {
		t.Error("read again")
	}
	l.Forget()
	if find(t, l, "x") != "1" {
		t.Error("not read again")
	}
}

// A damaged record is a lost one, for everybody who asks, and the next write takes its place.
func TestDamagedRecord(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	for _, id := range []string{"1", "2"} {
		if err := l.Users.Put(t.Context(), id, is(&ledger.Record{Deferred: json.RawMessage(`{"x":"` + id + `"}`)})); err != nil {
			t.Fatal(err)
		}
	}
	s.Damage("/records/")
	l = open(t, s, "acme")
	m, err := l.Users.Marks(t.Context())
	if err != nil || m.Waits("1") || len(m.AllWaiting()) > 0 || get(t, l.Users, "1") != nil {
		t.Errorf("a damaged record is there: %v %v", err, m.AllWaiting())
	}
	if err := l.Users.Put(t.Context(), "1", is(&ledger.Record{Kept: kept("userName", "x")})); err != nil {
		t.Fatal(err)
	}
	if r := get(t, open(t, s, "acme").Users, "1"); r == nil || len(r.Kept) != 1 {
		t.Errorf("got %v", r)
	}
}

// What has to be on disk is on disk, or not there at all.
func TestPutFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storagetest.New()
		l := open(t, s, "acme")
		wait := func(text string) error {
			return l.Users.Put(t.Context(), "1", func(r *ledger.Record) { r.Deferred = json.RawMessage(text) })
		}
		if err := wait(`{"n":1}`); err != nil {
			t.Fatal(err)
		}
		for _, trouble := range []func(){
			func() { s.Fail("store") },
			func() { release := s.Hang(); time.AfterFunc(time.Minute, release) }, // written after all, too late
		} {
			trouble()
			if err := wait(`{"n":2}`); err == nil {
				t.Error("no error")
			}
			if r := get(t, l.Users, "1"); string(r.Deferred) != `{"n":1}` {
				t.Errorf("in memory: %s", r.Deferred)
			}
			s.Heal()
			time.Sleep(10 * time.Minute)
			if r := get(t, open(t, s.Copy(), "acme").Users, "1"); string(r.Deferred) != `{"n":1}` || l.Owed() > 0 {
				t.Errorf("in the storage: %s", r.Deferred)
			}
		}
	})
}

// What has happened is so whether the storage takes it or not. It is written as soon as it can be, on top of what somebody
// else has written by then.
func TestKeepOwes(t *testing.T) {
	for name, trouble := range map[string]func(*storagetest.Storage){
		"full":        func(s *storagetest.Storage) { s.Fail("store", "delete") },
		"unreachable": func(s *storagetest.Storage) { s.Fail() },
		"silent":      func(s *storagetest.Storage) { release := s.Hang(); time.AfterFunc(time.Minute, release) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := storagetest.New()
				before := open(t, s, "acme")
				before.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Kept = kept("userName", "x") })
				l := open(t, s, "acme")
				trouble(s)
				start := time.Now()
				for range 3 {
					l.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Deleted = true })
				}
				l.Users.Keep(t.Context(), "2", func(r *ledger.Record) { r.Upstream = "u2" })
				if took := time.Since(start); took > 6*time.Second {
					t.Errorf("waited for %s", took)
				}
				if name != "silent" {
					if r, certain := l.Users.Recall("1"); r == nil || !r.Deleted || certain != (name == "full") {
						t.Errorf("in memory: %+v, certain %v", r, certain)
					}
					s.Heal()
					before.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Kept = kept("userName", "y") })
					l.Forget()
				}
				time.Sleep(10 * time.Minute)
				want := &ledger.Record{ID: "1", Kept: kept("userName", "y"), Deleted: true}
				if name == "silent" {
					want.Kept = kept("userName", "x")
				}
				for _, l := range []*ledger.Ledger{l, open(t, s.Copy(), "acme")} {
					if diff := cmp.Diff(want, get(t, l.Users, "1")); diff != "" {
						t.Error(diff)
					}
					if r := get(t, l.Users, "2"); r == nil || r.Upstream != "u2" {
						t.Errorf("got %v", r)
					}
				}
				if n := l.Owed(); n > 0 {
					t.Errorf("%d records are owed still", n)
				}
			})
		})
	}
}

// Changes of one record by many at once are all made, in memory and in the storage.
func TestChangesAtOnce(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	var want []string
	var wg sync.WaitGroup
	for i := range 40 {
		id := string(rune('A' + i))
		want = append(want, id)
		wg.Go(func() {
			change := func(r *ledger.Record) { r.Waiting = append(r.Waiting, id) }
			if i%2 == 0 {
				l.Groups.Keep(t.Context(), "g", change)
			} else if err := l.Groups.Put(t.Context(), "g", change); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, l := range []*ledger.Ledger{l, open(t, s, "acme")} {
		if got := slices.Sorted(slices.Values(get(t, l.Groups, "g").Waiting)); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	}
}

// Whatever happens to records, memory says the same as a process that reads them anew.
func TestMarksAreTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		s := storagetest.New()
		l := open(t, s, "acme")
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			r := &ledger.Record{ID: ids.Draw(t, "id")}
			if rapid.Bool().Draw(t, "another id") {
				r.Upstream = "up-" + r.ID
			}
			r.Deleted = rapid.Bool().Draw(t, "deleted")
			if rapid.Bool().Draw(t, "waits") {
				r.Deferred = json.RawMessage(`"` + ids.Draw(t, "key") + `"`)
			}
			if rapid.Bool().Draw(t, "keeps") {
				r.Kept = kept("userName", ids.Draw(t, "userName"))
			}
			r.Waiting = rapid.SliceOfNDistinct(ids, 0, 2, rapid.ID).Draw(t, "waiting")
			if r.Waiting = slices.Clip(r.Waiting); len(r.Waiting) == 0 {
				r.Waiting = nil
			}
			if rapid.Bool().Draw(t, "fails") {
				s.Fail("store")
				if err := l.Users.Put(context.Background(), r.ID, is(&ledger.Record{Linked: true})); err == nil && get(t, l.Users, r.ID) == nil {
					t.Fatal("no error")
				}
				s.Heal()
			}
			if err := l.Users.Put(context.Background(), r.ID, is(r)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(summary(t, open(t, s, "acme")), summary(t, l)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// summary is all that a ledger says about a few ids.
func summary(t *rapid.T, l *ledger.Ledger) map[string]any {
	all := make(map[string]any)
	m, err := l.Users.Marks(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ids := func(records []*ledger.Record) (list []string) {
		for _, r := range records {
			list = append(list, r.ID)
		}
		return list
	}
	all["who"] = ids(m.AllWaiting())
	skip, n := rapid.IntRange(-1, 5).Draw(t, "skip"), rapid.IntRange(-1, 5).Draw(t, "n")
	page, total := m.WaitingPage(skip, n)
	from := min(max(skip, 0), total)
	if diff := cmp.Diff(ids(m.AllWaiting())[from:min(from+max(n, 0), total)], ids(page), cmpopts.EquateEmpty()); diff != "" || total != len(m.AllWaiting()) {
		t.Fatalf("a page of %d from %d of %d: %s", n, skip, total, diff)
	}
	several := []string{"a", "b", "c", "d", "up-a", "up-b", "up-c", "up-d"}
	var shown, upstream []string
	for _, id := range several {
		upstream = append(upstream, m.Upstream(id))
		if own := m.ID(id); !m.Hidden(own) && !slices.Contains(shown, own) {
			shown = append(shown, own)
		}
	}
	if diff := cmp.Diff([][]string{shown, upstream}, [][]string{slices.Collect(m.IDs(doc.NewStrings(several...)).All()), slices.Collect(m.Upstreams(doc.NewStrings(several...)).All())}, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("several at once: %s", diff)
	}
	for _, id := range several {
		if slices.Contains(m.Deleted(), id) != m.Hidden(m.ID(id)) {
			t.Fatalf("deleted are %v, and %s is hidden: %v", m.Deleted(), id, m.Hidden(m.ID(id)))
		}
	}
	for _, id := range []string{"a", "b", "c", "d"} {
		r, err := l.Users.Get(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		all[id] = []any{r, m.Waits(id), m.Hidden(id), m.Upstream(id), m.ID("up-" + id), slices.Sorted(slices.Values(m.Groups(id)))}
		all["waiting "+id] = ids(m.Waiting(`"` + id + `"`))
	}
	return all
}

func TestNoLedger(t *testing.T) {
	var b *ledger.Book
	ctx := t.Context()
	if r, err := b.Get(ctx, "1"); r != nil || err != nil {
		t.Error(r, err)
	}
	if err := b.Put(ctx, "1", func(r *ledger.Record) { r.Deleted = true }); err != nil {
		t.Error(err)
	}
	b.Keep(ctx, "1", func(r *ledger.Record) { r.Deleted = true })
	if id, err := b.Find(ctx, "userName", "x"); id != "" || err != nil {
		t.Error(id, err)
	}
	if m, err := b.Marks(ctx); m.Hidden("1") || err != nil {
		t.Error(err)
	}
}
