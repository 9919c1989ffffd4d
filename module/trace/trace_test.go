package trace

import (
	"context"
	"slices"
	"sync"
	"testing"
)

func TestTraceTravelsInContext(t *testing.T) {
	tr := new(Trace)
	ctx := context.WithoutCancel(With(t.Context(), tr))
	Say(ctx, Linked, "7", "userName")
	Say(ctx, Linked, "7", "userName")
	Say(context.Background(), Linked, "8", "userName") // nobody listens
	From(ctx).Call(Call{Name: "user.create[0]", Method: "POST", Path: "/members", Status: 200})
	if want := []Note{{Kind: Linked, ID: "7", Because: "userName"}}; !slices.Equal(tr.Notes(), want) {
		t.Errorf("notes: %v", tr.Notes())
	}
	if len(tr.Calls()) != 1 || tr.Left() != 0 {
		t.Errorf("calls: %v, left %d", tr.Calls(), tr.Left())
	}
}

func TestTraceIsBounded(t *testing.T) {
	tr := new(Trace)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				tr.Note(Note{Kind: MemberAdded, ID: "x"})
				tr.Note(Note{Kind: MemberRemoved, ID: "y"})
				tr.Call(Call{})
			}
		})
	}
	wg.Wait()
	if len(tr.Calls()) != maxCalls || len(tr.Notes()) != 2 || tr.Left() != 4*1000-maxCalls {
		t.Errorf("%d calls, %d notes, %d left", len(tr.Calls()), len(tr.Notes()), tr.Left())
	}
}
