// Package trace is the account of what the gateway did to carry out one SCIM request: which calls it made, what it
// decided, and what that changed. It travels in the request's context, so that whoever decides something can say so;
// the provisioning log, the events and the spans are made of it.
package trace

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Kind is what a [Note] says.
type Kind string

// Decisions: why something was done, or was not.
const (
	Linked    Kind = "linked"    // a resource that was there before is the provider's from now on
	Adopted   Kind = "adopted"   // what an earlier, interrupted request has made was found again
	Waiting   Kind = "waiting"   // the user is inactive and known to the gateway alone, or joins the group later because of that
	Unchanged Kind = "unchanged" // everything was as the provider wants it: no call was needed
	Protected Kind = "protected" // the resource is none of the provider's
	Guarded   Kind = "guarded"   // a limit of the guard holds the removal back
	Settled   Kind = "settled"   // what became of a call whose answer was lost is known now
	Unread    Kind = "unread"    // a group, or their list, could not be read: if the user was in it, they are not put back into it
)

// Effects: what is different now. They are noted once the effect has been shown, not when the call is made.
const (
	Invited       Kind = "invited"        // a user was made a member, or a waiting one was
	Revoked       Kind = "revoked"        // a user has no access any more
	Restored      Kind = "restored"       // a revoked user has access again
	Removed       Kind = "removed"        // a user is no member any more
	GroupCreated  Kind = "group_created"  // a group was created
	GroupRenamed  Kind = "group_renamed"  // a group has a new name
	GroupChanged  Kind = "group_changed"  // something else of a group is different
	GroupRemoved  Kind = "group_removed"  // a group was deleted
	MemberAdded   Kind = "member_added"   // a user is in a group now
	MemberRemoved Kind = "member_removed" // a user is not in a group any more
)

// Effect reports whether the kind is of something that changed, and not of a decision alone.
func (k Kind) Effect() bool {
	switch k {
	case Invited, Revoked, Restored, Removed, GroupCreated, GroupRenamed, GroupChanged, GroupRemoved, MemberAdded, MemberRemoved:
		return true
	}
	return false
}

// Note is one decision or effect.
type Note struct {
	Kind    Kind   `json:"kind"`
	ID      string `json:"id,omitempty"`      // of the user or group it is about
	Group   string `json:"group,omitempty"`   // of a membership
	Because string `json:"because,omitempty"` // a few words from a fixed set, such as the attribute that matched; no values
	Value   string `json:"value,omitempty"`   // that decided, such as the address that matched: a person's, which the log masks
}

// Call is one call of the upstream.
type Call struct {
	Name   string        `json:"name,omitempty"` // of the mapping's call, such as user.create[0]
	Method string        `json:"method"`
	Path   string        `json:"path"`             // without the query, where values of users are
	Status int           `json:"status,omitempty"` // 0 where nothing was answered
	Took   time.Duration `json:"took"`             // nanoseconds
	Error  string        `json:"error,omitempty"`  // why there was no answer

	// Planned reports that the call was not made: a dry run only says what would be.
	Planned bool `json:"planned,omitempty"`
}

// maxCalls and maxNotes bound what one request may keep: a group with 50,000 members is one request too.
const (
	maxCalls = 200
	maxNotes = 10_000
)

// Trace collects what happens while one request is carried out. A nil Trace keeps nothing. It may be used by several
// goroutines.
type Trace struct {
	// Dry reports that nothing is done: there are decisions and steps, and no effects.
	Dry bool

	mu    sync.Mutex
	calls []Call
	notes []Note
	steps []Step // of a dry run
	left  int    // what did not fit
}

type key struct{}

// With returns a context that carries the trace.
func With(ctx context.Context, t *Trace) context.Context { return context.WithValue(ctx, key{}, t) }

// From returns the trace of the context; nil where there is none.
func From(ctx context.Context) *Trace {
	t, _ := ctx.Value(key{}).(*Trace)
	return t
}

// Say notes a decision or an effect on the trace of the context.
func Say(ctx context.Context, kind Kind, id, because string) {
	From(ctx).Note(Note{Kind: kind, ID: id, Because: because})
}

// Note adds a decision or an effect. The same one twice is there once.
func (t *Trace) Note(n Note) {
	if t == nil || t.Dry && n.Kind.Effect() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.notes) >= maxNotes:
		t.left++
	case len(t.notes) < 16 && slices.Contains(t.notes, n):
	default:
		t.notes = append(t.notes, n)
	}
}

// Call adds a call that was made.
func (t *Trace) Call(c Call) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.calls) >= maxCalls {
		t.left++
		return
	}
	t.calls = append(t.calls, c)
}

// Calls returns the calls so far, in the order in which they ended.
func (t *Trace) Calls() []Call {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.calls)
}

// Notes returns the decisions and effects so far.
func (t *Trace) Notes() []Note {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.notes)
}

// Left returns how much did not fit.
func (t *Trace) Left() int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left
}
