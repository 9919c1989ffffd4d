package provision

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// rehearsal is what the organization of a dry run would be like: what was planned, over what the organization shows. The
// calls that would change something are kept back by the gate, and count as made ([session.send]); what they would have
// made is kept here, and every reading of the organization goes by it. The ledger is the real one, written to a scratch.
//
// The nil rehearsal is none.
type rehearsal struct {
	run *dryrun.Run

	mu      sync.Mutex
	made    []*imagined
	changed map[string]map[string]*doc.Node // by kind and the upstream's id of an item: values of attributes, by path
	members map[string][]string             // by the upstream's id of a group: who was added
}

// imagined is an item that the organization does not have.
type imagined struct {
	kind  string
	entry view.Entry
}

// nothing is what the upstream shows of an imagined item.
var nothing = func() doc.Value { d, _ := doc.Scan([]byte("{}")); return d.Value() }()

// imagine makes the item that a create would have made.
func (r *rehearsal) imagine(k *kind, wanted *doc.Node) *item {
	res := doc.NewObject()
	for _, attribute := range value.Attributes(wanted) {
		if k.Readable(attribute) && k.Writable(attribute) && attribute != "members" {
			value.Set(k.rt, res, attribute, value.Get(k.rt, wanted, attribute).Clone())
		}
	}
	switch {
	case k.name == "user" && k.NamedByAddress():
		res.Set(k.identity, doc.NewString(k.Email(wanted)))
	case res.Get(k.identity) == nil:
		res.Set(k.identity, wanted.Get(k.identity).Clone())
	}
	e := view.Entry{ID: dryrun.NewID()}
	if k.name == "user" {
		res.Set("active", doc.NewBool(true))
		if k.HasState() {
			e.Word = word(invited)
		}
	}
	e.SCIM = res.Doc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, &imagined{k.name, e})
	return r.shown(k, &item{&e, nothing})
}

// word returns a state of a membership as entries have it.
func word(state string) uint8 { return uint8(max(0, slices.Index(view.States, state))) }

// all returns the imagined items of a kind.
func (r *rehearsal) all(k *kind) (all []*item) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.made {
		if m.kind == k.name {
			all = append(all, r.shown(k, &item{&m.entry, nothing}))
		}
	}
	return all
}

// item returns an imagined item; nil where there is none of that id.
func (r *rehearsal) item(k *kind, id string) *item {
	if !dryrun.Imagined(id) {
		return nil
	}
	for _, it := range r.all(k) {
		if it.ID == id {
			return it
		}
	}
	return nil
}

// change makes an item have the values that a resource has in some attributes.
func (r *rehearsal) change(k *kind, id string, after *doc.Node, attributes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = map[string]map[string]*doc.Node{}
	}
	key := k.name + " " + id
	if r.changed[key] == nil {
		r.changed[key] = map[string]*doc.Node{}
	}
	for _, attribute := range attributes {
		r.changed[key][attribute] = value.Get(k.rt, after, attribute).Clone()
	}
}

// seen returns an item as it would be.
func (r *rehearsal) seen(k *kind, it *item) *item {
	if r == nil {
		return it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.changed[k.name+" "+it.ID]) == 0 {
		return it
	}
	return r.shown(k, it)
}

// shown returns a copy of an item as it would be. The mutex is held.
func (r *rehearsal) shown(k *kind, it *item) *item {
	old := it.Entry
	e := &view.Entry{ID: old.ID, Key: old.Key, SCIM: old.SCIM, Word: old.Word, Protected: old.Protected, Inactive: old.Inactive}
	changed := r.changed[k.name+" "+e.ID]
	if len(changed) == 0 {
		return &item{e, it.value}
	}
	res := old.Resource()
	for attribute, v := range changed {
		value.Set(k.rt, res, attribute, v.Clone())
	}
	e.SCIM = res.Doc()
	if active := changed["active"]; active != nil && active.True() == old.Inactive {
		e.Inactive, e.Word = !active.True(), 0 // how far one who is restored has come, nobody knows
		if e.Inactive && k.HasState() {
			e.Word = word("revoked")
		}
	}
	return &item{e, it.value}
}

// having returns the items that the organization's own search does not find, and that would have a value.
func (r *rehearsal) having(k *kind, l lookup) (found []*item) {
	for _, it := range r.all(k) {
		if l.In(k.rt, it.Resource()) {
			found = append(found, it)
		}
	}
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, changed := range r.changed {
		id, ok := strings.CutPrefix(key, k.name+" ")
		res := doc.NewObject()
		for attribute, v := range changed {
			value.Set(k.rt, res, attribute, v.Clone())
		}
		if ok && !dryrun.Imagined(id) && l.In(k.rt, res) {
			found = append(found, &item{&view.Entry{ID: id, SCIM: res.Doc()}, doc.Value{}}) // whoever asks reads it
		}
	}
	return found
}

// join puts members into a group, and joined returns whom the group has beside those that the organization shows.
func (r *rehearsal) join(group string, ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = map[string][]string{}
	}
	r.members[group] = distinct(append(r.members[group], ids...))
}

func (r *rehearsal) joined(group string) []string {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members[group])
}

// dry reports whether the session rehearses.
func (s *session) dry() bool { return s.rehearsal != nil }

// plans puts a change of a subject into the plan of a dry run.
func (s *session) plans(ctx context.Context, kind trace.Kind, sub *subject, more func(*trace.Step)) {
	if !s.dry() {
		return
	}
	k := s.kindOf(sub)
	step := trace.Step{Kind: kind, Resource: k.rt.Name, ID: sub.id, Name: sub.res.Get(k.identity).Text()}
	if more != nil {
		more(&step)
	}
	trace.Plan(ctx, step)
}

// held puts a change into the plan of a dry run that would not be made.
func (s *session) held(ctx context.Context, kind trace.Kind, sub *subject, by string) {
	s.plans(ctx, kind, sub, func(step *trace.Step) { step.Held = by })
}

// removal returns what taking access away is to the plan.
func removal(kind guard.Kind) trace.Kind {
	switch kind {
	case guard.Deletes:
		return trace.Removed
	case guard.GroupDeletes:
		return trace.GroupRemoved
	case guard.MemberRemovals:
		return trace.MemberRemoved
	}
	return trace.Revoked
}

// renaming returns what a new name is to the plan.
func renaming(k *kind) trace.Kind {
	if k.name == "group" {
		return trace.GroupRenamed
	}
	return trace.Renamed
}

// updates puts the change of a resource into the plan of a dry run, and makes the item of it be so. Who would lose access
// by it does not.
func (s *session) updates(ctx context.Context, k *kind, sub *subject, after *doc.Node, changed []string) error {
	if !s.dry() {
		return nil
	}
	if touches(changed, "active") && after.Get("active").True() {
		s.plans(ctx, trace.Restored, sub, nil)
	}
	name, to := sub.res.Get(k.identity).Text(), after.Get(k.identity).Text()
	if touches(changed, k.identity) && name != to {
		s.plans(ctx, renaming(k), sub, func(step *trace.Step) { step.To = to })
	}
	var attributes, others []string
	for _, path := range changed {
		attribute := value.Whole(k.rt, path)
		if attribute == "active" || k.Updates(path) && (k.Readable(path) || k.Readable(attribute)) {
			attributes = append(attributes, attribute)
		}
		if attribute != "active" && attribute != k.identity {
			others = append(others, attribute)
		}
	}
	if others = distinct(others); len(others) > 0 {
		s.plans(ctx, trace.Changed, sub, func(step *trace.Step) { step.Attributes = others })
	}
	if disables(k, sub, after, changed) && (s.op.Verb != scim.Create || !dryrun.Imagined(sub.entry.ID)) {
		return dryrun.NotDone()
	}
	if touches(attributes, "emails") && k == s.user && k.NamedByAddress() {
		after = after.Clone()
		after.Set(k.identity, doc.NewString(k.Email(after)))
		attributes = append(attributes, k.identity)
	}
	s.rehearsal.change(k, sub.entry.ID, after, distinct(attributes))
	return nil
}

// joins puts a change of memberships into the plan of a dry run, and makes the new members be in the group. Whoever would
// leave does not, and nobody joins then: what is answered is about both.
func (s *session) joins(ctx context.Context, group *subject, add, now, remove []string) error {
	if !s.dry() {
		return nil
	}
	for kind, ids := range map[trace.Kind][]string{trace.MemberAdded: add, trace.MemberRemoved: remove} {
		s.planMembers(ctx, kind, group, ids, "")
	}
	if len(remove) > 0 {
		return dryrun.NotDone()
	}
	s.rehearsal.join(group.entry.ID, now)
	return nil
}

func (s *session) planMembers(ctx context.Context, kind trace.Kind, group *subject, ids []string, held string) {
	if !s.dry() {
		return
	}
	m, _ := s.marks(ctx, s.user)
	for _, id := range ids {
		step := trace.Step{
			Kind: kind, Resource: s.user.rt.Name, ID: id, Group: group.id, GroupName: group.res.Get(s.group.identity).Text(), Held: held,
		}
		s.user.view.Seen(func(t *view.Table) {
			if e := t.Get(m.Upstream(id)); e != nil {
				step.Name = e.Resource().Get(s.user.identity).Text()
			}
		})
		if it := s.rehearsal.item(s.user, m.Upstream(id)); it != nil {
			step.Name = it.Resource().Get(s.user.identity).Text()
		}
		if r := m.WaitingID(id); r != nil {
			if sub, err := waitingSubject(r); err == nil {
				step.Name = sub.res.Get(s.user.identity).Text()
			}
		}
		trace.Plan(ctx, step)
	}
}
