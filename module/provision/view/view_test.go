package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
)

// item is what an upstream shows of somebody, and entry what is made of it.
func item(id, name string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"userName":"%s@example.com","externalId":%q,"active":true}`, id, name, name)
}

func entry(item []byte) *Entry {
	d, err := doc.Scan(item)
	if err != nil {
		panic(err)
	}
	id, _ := d.Value().Lookup("id")
	return &Entry{ID: id.Text(), SCIM: d}
}

// lister lists the items that an upstream has when it is asked.
func lister(items func() map[string]string, made *atomic.Int32) Lister {
	return func(_ context.Context, shown func(string, []byte, func() (*Entry, error)) error) error {
		all := items()
		ids := make([]string, 0, len(all))
		for id := range all {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			text := item(id, all[id])
			if err := shown(id, text, func() (*Entry, error) { made.Add(1); return entry(text), nil }); err != nil {
				return err
			}
		}
		return nil
	}
}

func ids(entries []*Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.ID)
	}
	return all
}

// The indexes and the pages say the same as a walk over everything, whatever was put and dropped, in the order of first
// appearance.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := newTable([]string{"userName", "externalId"})
		model, protected := map[string]string{}, map[string]bool{}
		var order []string
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "id")
			if rapid.Bool().Draw(t, "drop") {
				tab.drop(id)
				delete(model, id)
				delete(protected, id)
				order = slices.DeleteFunc(order, func(o string) bool { return o == id })
				continue
			}
			name := rapid.SampledFrom([]string{"a", "A", "b", "c"}).Draw(t, "name")
			e := entry(item(id, name))
			e.Protected = rapid.IntRange(0, 3).Draw(t, "protected") == 0
			tab.put(e)
			if model[id] == "" {
				order = append(order, id)
			}
			model[id], protected[id] = name, e.Protected
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			var want []string
			for id, n := range model {
				if strings.EqualFold(n, name) {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			for attribute, value := range map[string]string{"userName": name + "@EXAMPLE.com", "externalId": name} {
				got := ids(tab.Find(attribute, value))
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("%s %s: got %v, want %v", attribute, value, got, want)
				}
			}
		}
		everybody := []string{"1", "2", "3", "4", "5", "6"}
		want := slices.DeleteFunc(slices.Clone(everybody), func(id string) bool { return model[id] == "" || !protected[id] })
		if got := tab.Protected(doc.NewStrings(everybody...)); !slices.Equal(got, want) {
			t.Fatalf("protected are %v, want %v", got, want)
		}
		order = slices.DeleteFunc(order, func(id string) bool { return protected[id] })
		if got := ids(tab.All()); !slices.Equal(got, order) {
			t.Fatalf("listed %v, want %v", got, order)
		}
		skip, n := rapid.IntRange(0, 6).Draw(t, "skip"), rapid.IntRange(0, 6).Draw(t, "n")
		hidden := rapid.SliceOf(rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6"})).Draw(t, "hidden")
		page, total := tab.Page(skip, n, hidden)
		shown := slices.DeleteFunc(slices.Clone(order), func(id string) bool { return slices.Contains(hidden, id) })
		want = shown[min(skip, len(shown)):min(skip+n, len(shown))]
		if total != len(shown) || !slices.Equal(ids(page), want) {
			t.Fatalf("page %v of %d, want %v of %d", ids(page), total, want, len(shown))
		}
	})
}

// Requests that need the list at once share one, what the gateway changes meanwhile shows, and a list that began before
// something was found wrong is not believed.
func TestOneListForAll(t *testing.T) {
	v := New([]string{"userName"}, time.Minute, time.Now)
	var lists, made atomic.Int32
	began, goOn := make(chan struct{}), make(chan struct{})
	list := lister(func() map[string]string {
		if lists.Add(1) == 1 {
			close(began)
		}
		<-goOn
		return map[string]string{"1": "old", "2": "gone"}
	}, &made)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			err := v.With(t.Context(), list, func(tab *Table) {
				if tab.Get("2") != nil || tab.Get("3") == nil {
					t.Errorf("what the gateway changed during the list does not show: %v", ids(tab.All()))
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-began
	at, done := v.Ask()
	v.Put(entry(item("3", "new")), at)
	done()
	v.Removed("2")
	close(goOn)
	wg.Wait()
	if n := lists.Load(); n != 1 {
		t.Errorf("%d lists", n)
	}
	if !v.Known(func(*Table) {}) {
		t.Error("the view is not known after the list")
	}
	v.Expire()
	if v.Known(func(*Table) {}) {
		t.Error("an expired view is known")
	}
}

// The request that lists for everybody goes away: another one lists.
func TestWhoeverListsGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New([]string{"userName"}, time.Minute, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		var lists atomic.Int32
		list := func(ctx context.Context, _ func(string, []byte, func() (*Entry, error)) error) error {
			if lists.Add(1) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := v.With(ctx, list, func(*Table) {}); !errors.Is(err, context.Canceled) {
				t.Errorf("who went away got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if err := v.With(t.Context(), list, func(*Table) {}); err != nil {
				t.Errorf("who stayed got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

// Who waits for somebody else's list waits no longer than they want to, and the list goes on.
func TestWhoeverWaitsGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New([]string{"userName"}, time.Minute, time.Now)
		list := func(ctx context.Context, _ func(string, []byte, func() (*Entry, error)) error) error {
			time.Sleep(time.Minute)
			return ctx.Err()
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := v.With(t.Context(), list, func(*Table) {}); err != nil {
				t.Errorf("who lists got %v", err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := v.With(ctx, list, func(*Table) {}); !upstream.Canceled(err) || time.Since(began) != time.Second {
			t.Errorf("who waits got %v after %v", err, time.Since(began))
		}
		wg.Wait()
	})
}

// An answer to what was asked before a change and that comes after it undoes nothing: neither a deactivation, nor a
// removal, nor a list's newer word.
func TestLateAnswers(t *testing.T) {
	v := New([]string{"userName"}, time.Minute, time.Now)
	get := func() (text string) {
		if !v.Known(func(tab *Table) {
			if e := tab.Get("1"); e != nil {
				text = string(e.SCIM.Raw())
			}
		}) {
			t.Fatal("nothing is known")
		}
		return text
	}
	var made atomic.Int32
	if err := v.Refresh(t.Context(), lister(func() map[string]string { return map[string]string{"1": "first"} }, &made)); err != nil {
		t.Fatal(err)
	}

	early, answered := v.Ask() // a read
	v.Wrote("1")               // a write
	at, done := v.Ask()        // which is read back
	v.Put(entry(item("1", "second")), at)
	done()
	v.Put(entry(item("1", "first")), early)
	answered()
	if got := get(); !strings.Contains(got, "second") {
		t.Errorf("a late answer undid a change: %s", got)
	}

	early, answered = v.Ask()
	v.Removed("1")
	v.Put(entry(item("1", "second")), early)
	if got := get(); got != "" {
		t.Errorf("a late answer brought back who was removed: %s", got)
	}
	answered()
	if len(v.dropped) != 0 {
		t.Errorf("%d removals are remembered for nobody", len(v.dropped))
	}

	early, answered = v.Ask()
	if err := v.Refresh(t.Context(), lister(func() map[string]string { return map[string]string{"1": "third"} }, &made)); err != nil {
		t.Fatal(err)
	}
	v.Drop("1", early)
	v.Put(entry(item("1", "second")), early)
	answered()
	if got := get(); !strings.Contains(got, "third") {
		t.Errorf("a late answer undid a list: %s", got)
	}
}

// While one lists, those who only look are shown what was known, at most two times to live old; never after it was found
// to be wrong, and never those who need to know.
func TestBrowse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New([]string{"userName"}, time.Minute, time.Now)
		var made atomic.Int32
		goOn := make(chan struct{}, 8)
		slow := lister(func() map[string]string { <-goOn; return map[string]string{"1": "a", "2": "b"} }, &made)
		goOn <- struct{}{}
		if err := v.With(t.Context(), slow, func(*Table) {}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { _ = v.Browse(t.Context(), slow, func(*Table) {}) })
		synctest.Wait() // it lists
		served := make(chan string, 8)
		ask := func(who string, f func(context.Context, Lister, func(*Table)) error) {
			wg.Go(func() {
				if err := f(t.Context(), slow, func(*Table) {}); err == nil {
					served <- who
				}
			})
			synctest.Wait()
		}
		ask("looks", v.Browse)
		if len(served) != 1 {
			t.Error("who only looks waits for the list")
		}
		ask("needs to know", v.With)
		if len(served) != 1 {
			t.Error("who needs to know was shown what may be out of date")
		}
		time.Sleep(60 * time.Second)
		ask("looks late", v.Browse)
		if len(served) != 1 {
			t.Error("what is older than two times to live was shown")
		}
		goOn <- struct{}{}
		synctest.Wait()
		if len(served) != 3 {
			t.Errorf("%d were served after the list", len(served))
		}
		time.Sleep(61 * time.Second)
		wg.Go(func() { _ = v.Browse(t.Context(), slow, func(*Table) {}) })
		synctest.Wait()
		v.Expire()
		ask("looks after a change of unknown outcome", v.Browse)
		if len(served) != 3 {
			t.Error("a view that is wrong was shown")
		}
		goOn <- struct{}{}
		goOn <- struct{}{}
		wg.Wait()
	})
}

// Of many who look at once when what is known has become too old, one waits for the list.
func TestOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New([]string{"userName"}, time.Minute, time.Now)
		var made atomic.Int32
		goOn := make(chan struct{}, 1)
		slow := lister(func() map[string]string { <-goOn; return map[string]string{"1": "a"} }, &made)
		goOn <- struct{}{}
		for range 20 {
			if err := v.With(t.Context(), slow, func(*Table) {}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(61 * time.Second)
			var wg sync.WaitGroup
			var served atomic.Int32
			for range 100 {
				wg.Go(func() {
					if err := v.Browse(t.Context(), slow, func(*Table) {}); err == nil {
						served.Add(1)
					}
				})
			}
			synctest.Wait()
			if n := served.Load(); n != 99 {
				t.Errorf("%d of 100 were shown what was known", n)
			}
			goOn <- struct{}{}
			wg.Wait()
		}
	})
}

// A list of what is known already makes nothing anew.
func TestRefreshMakesWhatChanged(t *testing.T) {
	v := New([]string{"userName"}, time.Minute, time.Now)
	people := map[string]string{"1": "a", "2": "b", "3": "c"}
	var made atomic.Int32
	refresh := func(want int32) {
		t.Helper()
		made.Store(0)
		if err := v.Refresh(t.Context(), lister(func() map[string]string { return people }, &made)); err != nil {
			t.Fatal(err)
		}
		if n := made.Load(); n != want {
			t.Errorf("%d entries were made, want %d", n, want)
		}
	}
	refresh(3)
	refresh(0)
	people["2"] = "changed"
	delete(people, "3")
	people["4"] = "new"
	refresh(2)
	v.Known(func(tab *Table) {
		if got := ids(tab.All()); !slices.Equal(got, []string{"1", "2", "4"}) {
			t.Errorf("listed %v", got)
		}
		if got := ids(tab.Find("userName", "changed@example.com")); !slices.Equal(got, []string{"2"}) {
			t.Errorf("found %v", got)
		}
	})
}
