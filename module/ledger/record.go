package ledger

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Record is what is remembered about one resource.
type Record struct {
	// ID is the id that the provider knows.
	ID string `json:"id"`

	// Upstream is the upstream's id where it differs from ID: a user who had an id before the upstream knew them.
	Upstream string `json:"upstream,omitempty"`

	// Kept are attribute values that the upstream has no place for, by canonical path.
	Kept map[string]Kept `json:"kept,omitempty"`

	// Deferred is the whole resource as the provider wrote it, of a user who is created upstream when first active.
	Deferred json.RawMessage `json:"deferred,omitempty"`

	// Waiting are the ids of users who join the group when they are created upstream.
	Waiting []string `json:"waiting,omitempty"`

	// Created and Modified are when the gateway created and last changed the resource; zero where nobody needs to know.
	Created  time.Time `json:"created,omitzero"`
	Modified time.Time `json:"modified,omitzero"`

	// Invited is when the member was last invited; zero where nobody needs to know.
	Invited time.Time `json:"invited,omitzero"`

	// Linked reports whether the provider has taken the resource into its hands: it created it, was refused because it
	// exists, or has changed it. Nobody else of the provider's is to be taken for it then.
	Linked bool `json:"linked,omitempty"`

	// Deleted reports whether the provider deleted the resource although the upstream still holds it.
	Deleted bool `json:"deleted,omitempty"`

	// Intent is a call of the upstream whose outcome is not known yet. Only the records of [Ledger.Intents] have one.
	Intent *Intent `json:"intent,omitempty"`

	// Synced is what the provider last said of a group. Only the records of [Ledger.Synced] have one.
	Synced *Synced `json:"synced,omitempty"`
}

// Kept is one remembered value.
type Kept struct {
	// Value is what the provider wrote.
	Value json.RawMessage `json:"value"`

	// Beside is what the upstream showed in the same place at that time; nothing where it showed nothing. As soon as the
	// upstream shows something else, the remembered value is out of date: somebody changed it there.
	Beside json.RawMessage `json:"beside,omitempty"`
}

// Intent is a call of the upstream that cannot be repeated blindly. It is written down before the call and goes with the
// outcome; as long as it is there, the upstream may have done it or not, and has to be asked.
type Intent struct {
	// Resource is the name of the resource type: User or Group.
	Resource string `json:"resource"`

	// ID is the id that the provider knows the resource by; empty where it has none yet.
	ID string `json:"id,omitempty"`

	// Lookups are what the upstream can find the resource by.
	Lookups []Lookup `json:"lookups,omitempty"`

	// Had are the upstream's ids of those who were found by them before the call.
	Had []string `json:"had,omitempty"`

	// Wanted is the resource as the provider wrote it.
	Wanted json.RawMessage `json:"wanted,omitempty"`

	// Members reports whether the call writes the members of the group that ID names, and creates nothing.
	Members bool `json:"members,omitempty"`

	// Renames reports whether the call gives the resource that ID names another name, and with it another id in the upstream.
	Renames bool `json:"renames,omitempty"`

	// Access reports whether the call changes the user whom ID names, and creates nothing: carried out late, it may give
	// access back.
	Access bool `json:"access,omitempty"`

	// Leaves is what the provider has said of the user since the call, if that takes access away. A call that is carried out
	// after it is not to stand.
	Leaves Leaving `json:"leaves,omitempty"`

	// Began is when the call was begun.
	Began time.Time `json:"began"`

	// Found is the upstream's id of the resource where the call was carried out and the provider has not asked for it since.
	Found string `json:"found,omitempty"`
}

// Leaving is how a provider takes access away.
type Leaving string

// The ways to take access away; the empty one is none.
const (
	Deactivated Leaving = "deactivated"
	Deleted     Leaving = "deleted"
)

// Lookup is a value that a resource has in an attribute, given by its canonical path.
type Lookup struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
}

// Special reports whether lists must know of the record although the upstream does not show it, or shows it differently.
func (r *Record) Special() bool {
	return r != nil && (r.Deferred != nil || r.Upstream != "" || r.Deleted || len(r.Waiting) > 0)
}

// Clone returns a copy of the record that can be changed without changing this one.
func (r *Record) Clone() *Record {
	if r == nil {
		return nil
	}
	c := *r
	c.Kept, c.Waiting = maps.Clone(r.Kept), slices.Clone(r.Waiting)
	if r.Intent != nil {
		intent := *r.Intent
		c.Intent = &intent
	}
	if r.Synced != nil {
		synced := *r.Synced
		c.Synced = &synced
	}
	return &c
}

func (r *Record) empty() bool {
	return !r.Special() && len(r.Kept) == 0 && r.Created.IsZero() && r.Modified.IsZero() && r.Invited.IsZero() && !r.Linked && r.Intent == nil && r.Synced == nil
}
