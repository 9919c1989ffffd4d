package items

import (
	"slices"
	"strings"
	"sync"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Imagined is what the organization of a dry run would be like: what was planned, over what the organization shows. The
// calls that would change something are kept back by the gate, and count as made ([api.Talk.Send]); what they would have
// made is kept here, and every reading of the organization goes by it. The ledger is the real one, written to a scratch.
//
// Where nothing is rehearsed it is nil.
type Imagined struct {
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
func (r *Imagined) imagine(k *Kind, wanted *doc.Node) *Item {
	res := doc.NewObject()
	for _, attribute := range value.Attributes(wanted) {
		if k.Readable(attribute) && k.Writable(attribute) && attribute != "members" {
			value.Set(k.Type, res, attribute, value.Get(k.Type, wanted, attribute).Clone())
		}
	}
	switch {
	case k.Name == "user" && k.NamedByAddress():
		res.Set(k.Identity, doc.NewString(k.Email(wanted)))
	case res.Get(k.Identity) == nil:
		res.Set(k.Identity, wanted.Get(k.Identity).Clone())
	}
	e := view.Entry{ID: dryrun.NewID()}
	if k.Name == "user" {
		res.Set("active", doc.NewBool(true))
		if k.HasState() {
			e.Word = word("invited")
		}
	}
	e.SCIM = res.Doc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, &imagined{k.Name, e})
	return r.shown(k, &Item{&e, nothing})
}

// word returns a state of a membership as entries have it.
func word(state string) uint8 { return uint8(max(0, slices.Index(view.States, state))) }

// all returns the imagined items of a kind.
func (r *Imagined) all(k *Kind) (all []*Item) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.made {
		if m.kind == k.Name {
			all = append(all, r.shown(k, &Item{&m.entry, nothing}))
		}
	}
	return all
}

// Item returns an imagined item; nil where there is none of that id.
func (r *Imagined) Item(k *Kind, id string) *Item {
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

// Change makes an item have the values that a resource has in some attributes.
func (r *Imagined) Change(k *Kind, id string, after *doc.Node, attributes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = map[string]map[string]*doc.Node{}
	}
	key := k.Name + " " + id
	if r.changed[key] == nil {
		r.changed[key] = map[string]*doc.Node{}
	}
	for _, attribute := range attributes {
		r.changed[key][attribute] = value.Get(k.Type, after, attribute).Clone()
	}
}

// seen returns an item as it would be.
func (r *Imagined) seen(k *Kind, it *Item) *Item {
	if r == nil {
		return it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.changed[k.Name+" "+it.ID]) == 0 {
		return it
	}
	return r.shown(k, it)
}

// shown returns a copy of an item as it would be. The mutex is held.
func (r *Imagined) shown(k *Kind, it *Item) *Item {
	old := it.Entry
	e := &view.Entry{ID: old.ID, Key: old.Key, SCIM: old.SCIM, Word: old.Word, Protected: old.Protected, Inactive: old.Inactive}
	changed := r.changed[k.Name+" "+e.ID]
	if len(changed) == 0 {
		return &Item{e, it.Value}
	}
	res := old.Resource()
	for attribute, v := range changed {
		value.Set(k.Type, res, attribute, v.Clone())
	}
	e.SCIM = res.Doc()
	if active := changed["active"]; active != nil && active.True() == old.Inactive {
		e.Inactive, e.Word = !active.True(), 0 // how far one who is restored has come, nobody knows
		if e.Inactive && k.HasState() {
			e.Word = word("revoked")
		}
	}
	return &Item{e, it.Value}
}

// having returns the items that the organization's own search does not find, and that would have a value.
func (r *Imagined) having(k *Kind, l value.Lookup) (found []*Item) {
	for _, it := range r.all(k) {
		if l.In(k.Type, it.Resource()) {
			found = append(found, it)
		}
	}
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, changed := range r.changed {
		id, ok := strings.CutPrefix(key, k.Name+" ")
		res := doc.NewObject()
		for attribute, v := range changed {
			value.Set(k.Type, res, attribute, v.Clone())
		}
		if ok && !dryrun.Imagined(id) && l.In(k.Type, res) {
			found = append(found, &Item{&view.Entry{ID: id, SCIM: res.Doc()}, doc.Value{}}) // whoever asks reads it
		}
	}
	return found
}

// Join puts members into a group, and Joined returns whom the group has beside those that the organization shows.
func (r *Imagined) Join(group string, ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = map[string][]string{}
	}
	for _, id := range ids {
		if !slices.Contains(r.members[group], id) {
			r.members[group] = append(r.members[group], id)
		}
	}
}

func (r *Imagined) Joined(group string) []string {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members[group])
}
