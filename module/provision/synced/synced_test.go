package synced

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

func always(context.Context) (func(), error) { return func() {}, nil }

func groups(s *storagetest.Storage, turn func(context.Context) (func(), error)) *Groups {
	l := ledger.New("org")
	l.Use(ledger.Setting{Storage: s})
	return New(l.Synced, turn)
}

// What several requests say at once is one record, and is all there.
func TestManyAtOnce(t *testing.T) {
	s := storagetest.New()
	g := groups(s, always)
	g.Made("g", "Team")
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			g.Found("g", []string{"somebody"})
			g.Add("g", []string{fmt.Sprint("stays", i), fmt.Sprint("goes", i)})
			g.Remove("g", []string{fmt.Sprint("goes", i)})
		})
	}
	all.Wait()
	g.HandOver()
	again, err := groups(s, always).All(t.Context())
	if err != nil || again["g"] == nil {
		t.Fatalf("%v, %v", again, err)
	}
	got := again["g"]
	if len(got.Members) != 50 || !got.Members.Has("stays7") || got.Members.Has("goes7") || !got.Counted || len(got.Before) != 0 || got.Name != "Team" {
		t.Errorf("%+v", got)
	}
}

// What was said before is there for what is said later, and goes with the group.
func TestSaidOverTime(t *testing.T) {
	s := storagetest.New()
	g := groups(s, always)
	g.Found("g", []string{"old", "both"})
	g.Add("g", []string{"both"})
	g.HandOver()
	g = groups(s, always)
	g.Found("g", []string{"old", "both", "late"}) // it is the first time of this process only
	g.Remove("g", []string{"both"})
	g.Named("g", "Team")
	all, err := g.All(t.Context())
	if got := all["g"]; err != nil || got == nil || len(got.Members) != 0 || !got.Before.Has("old") || got.Before.Has("late") || got.Before.Has("both") || got.Name != "Team" {
		t.Errorf("%+v, %v", got, err)
	}
	g.Set("g", []string{"a", "b"})
	g.Add("g", []string{"c"})
	if all, err = g.All(t.Context()); err != nil || len(all["g"].Members) != 3 {
		t.Errorf("%+v, %v", all["g"], err)
	}
	g.Forget("g")
	g.HandOver()
	if all, err = groups(s, always).All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// More members than are remembered are said to be too many, until all of them are named anew.
func TestTooMany(t *testing.T) {
	g := groups(storagetest.New(), always)
	ids := make([]string, ledger.MostIDs+1)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	g.Add("g", ids)
	all, err := g.All(t.Context())
	if got := all["g"]; err != nil || !got.TooMany || len(got.Members) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	g.Set("g", ids[:2])
	if all, err = g.All(t.Context()); err != nil || all["g"].TooMany || len(all["g"].Members) != 2 {
		t.Errorf("%v, %v", all["g"], err)
	}
}

// Where another gateway leads nothing is written, and after a takeover nothing of before.
func TestNotOnesTurn(t *testing.T) {
	s := storagetest.New()
	g := groups(s, func(context.Context) (func(), error) { return nil, errors.New("another one leads") })
	g.Add("g", []string{"a"})
	g.later()
	if again, err := groups(s, always).All(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("written: %v, %v", again, err)
	}
	g.Drop()
	if all, err := g.All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after a takeover: %v, %v", all, err)
	}
}
