package provision

import (
	"context"
	"time"

	"github.com/caddy-scim/gateway/module/drift"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// drifting is a look at an organization that compares it with what the provider last said.
type drifting struct {
	*session // makes no call where there is no caller
	report   *drift.Report
	before   time.Time // since when somebody waits for too long
	people   map[string]*view.Entry
	said     map[string]bool // of which groups the provider has said something
	names    map[string]bool // of what the organization shows of a kind
}

// drift compares the organization with what the provider last said.
func (e *engine) drift(ctx context.Context, older time.Duration) (*drift.Report, error) {
	d := &drifting{report: new(drift.Report), before: e.now().Add(-older)}
	d.session = e.begin(e.shared.lastCaller(), &scim.Operation{Type: e.user.Type, Verb: scim.Read}, false)
	d.background = true
	if e.user.book == nil {
		d.unknown("anything about single users and groups: with ledger off nothing is remembered")
		return d.report, nil
	}
	d.unknown("which attributes were changed where the organization has a place for them: the gateway remembers the values that it has none for, and the names of groups")
	d.unknown("whether the provider has found a user and had nothing to change: such a user counts as never provisioned")
	if d.caller == nil {
		d.unknown("who was added to a group by hand, or taken out of one: no request has come since Caddy began, and without one the organization is not asked")
	}
	for _, rs := range []*resources{d.of("User"), d.of("Group")} {
		if rs == nil {
			continue
		}
		if err := d.compare(ctx, rs); err != nil {
			return nil, err
		}
	}
	return d.report, nil
}

func (d *drifting) unknown(sentence string) { d.report.NotKnown = append(d.report.NotKnown, sentence) }

// entries returns what the organization shows of one kind: listed now, where it can be asked.
func (d *drifting) entries(ctx context.Context, rs *resources) (all []*view.Entry, known bool) {
	every := func(t *view.Table) { all = t.All() }
	if d.caller != nil {
		rs.View.Expire()
		err := rs.items.Known(ctx, every)
		if err == nil {
			return all, true
		}
		d.unknown("how the " + rs.Name + "s of the organization are now: " + err.Error())
	}
	if known = rs.View.Seen(every); !known {
		d.unknown("the " + rs.Name + "s of the organization: nobody has asked for a list of them since Caddy began")
	}
	return all, known
}

// compare compares what the organization shows of one kind with what is remembered of it.
func (d *drifting) compare(ctx context.Context, rs *resources) error {
	entries, known := d.entries(ctx, rs)
	if !known {
		return nil
	}
	if _, asOf := rs.View.State(); d.report.AsOf.IsZero() || !asOf.IsZero() && asOf.Before(d.report.AsOf) {
		d.report.AsOf = asOf
	}
	records, err := rs.book.All(ctx)
	if err != nil {
		return err
	}
	marks, err := rs.book.Marks(ctx)
	if err != nil {
		return err
	}
	byID := make(map[string]*ledger.Record, len(records))
	for _, r := range records {
		byID[r.ID] = r
	}
	shown := make(map[string]*view.Entry, len(entries))
	d.names = make(map[string]bool, len(entries))
	for _, e := range entries {
		id := marks.ID(e.ID)
		shown[id] = e
		d.names[schema.Fold(rs.NameOf(e.SCIM.Value()))] = true
		if r := byID[id]; r != nil {
			d.names[schema.Fold(rs.RememberedName(r))] = true
		}
	}
	delete(d.names, "")
	if rs.IsUser() {
		d.report.Users, d.people = len(entries), shown
	} else {
		d.report.Groups = len(entries)
		if err := d.compareGroups(ctx, shown, byID); err != nil {
			return err
		}
	}
	for _, e := range entries {
		d.look(rs.kind, marks.ID(e.ID), e, byID[marks.ID(e.ID)])
	}
	for _, r := range records {
		d.miss(rs.kind, r, shown[r.ID] != nil)
	}
	return nil
}

// look tells what is to be told of somebody or something that the organization shows.
func (d *drifting) look(k *kind, id string, e *view.Entry, r *ledger.Record) {
	one := drift.One{Resource: k.Type.Name, ID: id, Name: k.NameOf(e.SCIM.Value())}
	if k == d.user {
		if r == nil || !r.Linked {
			d.report.NeverProvisioned = append(d.report.NeverProvisioned, one)
		}
		if since := invitedSince(r); e.State() == "invited" && !since.IsZero() && since.Before(d.before) {
			late := one
			late.Since = since
			d.report.Invited = append(d.report.Invited, late)
		}
	}
	if one.Attributes = k.ChangedThere(e, r); len(one.Attributes) > 0 {
		d.report.Changed = append(d.report.Changed, one)
	}
}

// miss tells what is to be told of somebody or something that is remembered.
func (d *drifting) miss(k *kind, r *ledger.Record, shown bool) {
	one := drift.One{Resource: k.Type.Name, ID: r.ID, Name: k.RememberedName(r)}
	switch {
	case r.Deferred != nil:
		if r.Created.Before(d.before) { // it is not remembered of everybody
			one.Since = r.Created
			d.report.Waiting = append(d.report.Waiting, one)
		}
	case !shown && !r.Deleted && (r.Linked || k == d.group && !d.said[r.ID]) && r.Intent == nil:
		d.gone(one)
	}
}

// gone tells of somebody or something that is not there any more, unless another one has taken the place.
func (d *drifting) gone(one drift.One) {
	if !d.names[schema.Fold(one.Name)] {
		d.report.Gone = append(d.report.Gone, one)
	}
}

// compareGroups tells in what groups differ from what the provider last said of them.
func (d *drifting) compareGroups(ctx context.Context, shown map[string]*view.Entry, records map[string]*ledger.Record) error {
	said, err := d.shared.ledger.Synced.All(ctx)
	if err != nil {
		return err
	}
	d.said = make(map[string]bool, len(said))
	ids := make(map[uint64]string, len(d.people))
	for id := range d.people {
		ids[ledger.IDHash(id)] = id
	}
	for _, r := range said {
		id, e, s := r.ID, shown[r.ID], r.Synced
		if s == nil {
			continue
		}
		d.said[id] = true
		if e == nil {
			if r := records[id]; r == nil || !r.Deleted {
				d.gone(drift.One{Resource: d.group.Type.Name, ID: id, Name: s.Name})
			}
			continue
		}
		name := d.group.NameOf(e.SCIM.Value())
		if r := records[id]; s.Name != "" && s.Name != name && (r == nil || r.Kept[d.group.Identity].Value == nil) {
			d.report.Changed = append(d.report.Changed, drift.One{Resource: d.group.Type.Name, ID: id, Name: name, Attributes: []string{d.group.Identity}})
		}
		if d.caller == nil || d.people == nil {
			continue
		}
		if err := d.members(ctx, drift.One{Group: id, GroupName: name}, e, s, ids); err != nil {
			d.unknown("who the members of the group " + id + " are: " + err.Error())
		}
	}
	return nil
}

// members tells in what the members of one group differ from those whom the provider named. Nobody changes them meanwhile.
func (d *drifting) members(ctx context.Context, one drift.One, e *view.Entry, s *ledger.Synced, ids map[uint64]string) error {
	if s.TooMany {
		d.unknown("who was added by hand to the group " + one.Group + ", or taken out of it: it has more members than are remembered")
		return nil
	}
	sub := &subject{id: one.Group, entry: e}
	if err := d.groups.locked(ctx, sub.id, func() error { return d.groups.loadMembers(ctx, sub) }); err != nil {
		return err
	}
	of := func(id string) drift.One {
		one := one
		one.Resource, one.ID = d.user.Type.Name, id
		if e := d.people[id]; e != nil {
			one.Name = d.user.NameOf(e.SCIM.Value())
		}
		return one
	}
	for id := range sub.joined.All() {
		switch {
		case s.Members.Has(id):
		case !s.Counted || s.Before.Has(id):
			d.report.Before = append(d.report.Before, of(id))
		default:
			d.report.AddedByHand = append(d.report.AddedByHand, of(id))
		}
	}
	is := make(map[string]bool, sub.members.Len())
	for id := range union(sub.members, sub.joining).All() {
		is[id] = true
	}
	for _, hash := range s.Members {
		if id, there := ids[hash]; there && !is[id] && !d.people[id].Protected {
			d.report.TakenOut = append(d.report.TakenOut, of(id))
		}
	}
	return nil
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
