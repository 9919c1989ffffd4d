package provision

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Drift is in what an organization differs from what the provider last said, as far as the view and the ledger know.
// Nobody is asked anew for it, and nothing is changed.
type Drift struct {
	// Users and Groups are how many there are, and AsOf is when they were listed.
	Users  int       `json:"users"`
	Groups int       `json:"groups"`
	AsOf   time.Time `json:"as_of,omitzero"`

	// NeverProvisioned are users whom the provider has neither created nor changed.
	NeverProvisioned []Drifted `json:"never_provisioned,omitempty"`

	// Gone is what the provider has created or changed, and the organization does not show any more.
	Gone []Drifted `json:"gone,omitempty"`

	// Changed is what the organization shows otherwise than when the provider last wrote it.
	Changed []Drifted `json:"changed,omitempty"`

	// Waiting are users whom the provider created inactive, and who have been waiting for longer than was asked for, or
	// nobody knows for how long.
	Waiting []Drifted `json:"waiting,omitempty"`

	// Invited are users who have not accepted an invitation that is older than was asked for.
	Invited []Drifted `json:"invited,omitempty"`

	// NotKnown is what the report cannot tell, in sentences.
	NotKnown []string `json:"not_known,omitempty"`
}

// Drifted is one user or group.
type Drifted struct {
	Resource   string    `json:"resource"`
	ID         string    `json:"id"` // as the provider knows it
	Name       string    `json:"name,omitempty"`
	Attributes []string  `json:"attributes,omitempty"` // that were changed; their values are not told
	Since      time.Time `json:"since,omitzero"`
}

// driftAsked is what is asked for with the admin API.
type driftAsked struct {
	// Older is for how long somebody waits, or is invited, before it is told, in nanoseconds.
	Older time.Duration `json:"older"`
}

// driftReport is the action of the admin API.
func (e *engine) driftReport(ctx context.Context, body json.RawMessage) (any, error) {
	var asked driftAsked
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, admin.BadRequest("what is asked for is not understood: %v", err)
	}
	done, err := e.shared.turn(ctx)
	if err != nil {
		return nil, admin.Conflict("another gateway of the cluster leads this organization and knows it: caddy scim status names it; run the command there (%v)", err)
	}
	defer done()
	return e.drift(ctx, asked.Older)
}

func (e *engine) drift(ctx context.Context, older time.Duration) (*Drift, error) {
	d := &Drift{NotKnown: []string{"who was added to a group by hand: the gateway does not remember all members that the provider named; the timeline of a group in the console shows what it did"}}
	if e.user.book == nil {
		d.NotKnown = append(d.NotKnown, "anything about single users and groups: with ledger off nothing is remembered")
		return d, nil
	}
	d.NotKnown = append(d.NotKnown, "who was renamed where the organization has the provider's own value in its place: the gateway remembers only values that it has no place for",
		"whether the provider has found a user and had nothing to change: such a user counts as never provisioned")
	before := e.now().Add(-older)
	for _, k := range []*kind{e.user, e.group} {
		if k == nil {
			continue
		}
		var entries []*view.Entry
		if !k.view.Seen(func(t *view.Table) { entries = t.All() }) {
			d.NotKnown = append(d.NotKnown, "the "+k.name+"s of the organization: nobody has asked for a list of them since Caddy began")
			continue
		}
		_, asOf := k.view.State()
		if d.AsOf.IsZero() || !asOf.IsZero() && asOf.Before(d.AsOf) {
			d.AsOf = asOf
		}
		records, err := k.book.All(ctx)
		if err != nil {
			return nil, err
		}
		marks, err := k.book.Marks(ctx)
		if err != nil {
			return nil, err
		}
		d.compare(k, entries, records, marks, before)
	}
	return d, nil
}

// compare compares what the organization shows of one kind with what is remembered of it.
func (d *Drift) compare(k *kind, entries []*view.Entry, records []*ledger.Record, marks ledger.Marks, before time.Time) {
	byID := make(map[string]*ledger.Record, len(records))
	for _, r := range records {
		byID[r.ID] = r
	}
	shown := make(map[string]bool, len(entries))
	for _, e := range entries {
		id := marks.ID(e.ID)
		r := byID[id]
		shown[id] = true
		one := Drifted{Resource: k.rt.Name, ID: id, Name: k.nameOf(e.SCIM.Value())}
		if k.name == "user" {
			d.Users++
			if r == nil || !r.Linked {
				d.NeverProvisioned = append(d.NeverProvisioned, one)
			}
			if since := invitedSince(r); e.State() == "invited" && !since.IsZero() && since.Before(before) {
				late := one
				late.Since = since
				d.Invited = append(d.Invited, late)
			}
		} else {
			d.Groups++
		}
		if one.Attributes = k.changedThere(e, r); len(one.Attributes) > 0 {
			d.Changed = append(d.Changed, one)
		}
	}
	for _, r := range records {
		one := Drifted{Resource: k.rt.Name, ID: r.ID, Name: k.rememberedName(r)}
		switch {
		case r.Deferred != nil:
			if r.Created.Before(before) { // it is not remembered of everybody
				one.Since = r.Created
				d.Waiting = append(d.Waiting, one)
			}
		case !shown[r.ID] && !r.Deleted && (r.Linked || k.name == "group") && r.Intent == nil:
			d.Gone = append(d.Gone, one)
		}
	}
}

// invitedSince is when a user was invited, as far as it is remembered.
func invitedSince(r *ledger.Record) time.Time {
	switch {
	case r == nil:
		return time.Time{}
	case !r.Invited.IsZero():
		return r.Invited
	}
	return r.Created
}

// nameOf returns by what a person knows a resource.
func (k *kind) nameOf(v doc.Value) string {
	name, _ := v.Lookup(k.identity)
	if name.Kind() != doc.String {
		return ""
	}
	return name.Text()
}

// rememberedName returns by what a person knows what is remembered; empty where that is nothing.
func (k *kind) rememberedName(r *ledger.Record) string {
	if d, err := doc.Scan(r.Deferred); err == nil {
		return k.nameOf(d.Value())
	}
	if name := parsed(r.Kept[k.identity].Value); name != nil && name.Kind() == doc.String {
		return name.Text()
	}
	return ""
}

// changedThere returns the attributes that the organization shows otherwise than when the provider's value was remembered.
func (k *kind) changedThere(e *view.Entry, r *ledger.Record) (attributes []string) {
	if r == nil || len(r.Kept) == 0 {
		return nil
	}
	res := doc.Tree(e.SCIM.Value())
	for attribute, kept := range r.Kept {
		if k.remembers(attribute) && !value.Equal(value.Get(k.rt, res, attribute), parsed(kept.Beside)) {
			attributes = append(attributes, attribute)
		}
	}
	slices.Sort(attributes)
	return attributes
}
