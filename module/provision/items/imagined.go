package items

import (
	"slices"
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
	room func(n int) error // takes room for n more items, changed items or members

	mu      sync.Mutex
	kinds   map[string]*plans   // by the name of the kind
	members map[string][]string // by the upstream's id of a group: who was added
}

// plans are what was planned for items of one kind.
type plans struct {
	made    map[string]*view.Entry          // that the organization does not have, by id
	order   []string                        // their ids
	changed map[string]map[string]*doc.Node // by the upstream's id: values of attributes, by path
	having  map[string][]string             // the ids of those that have, or had, a value that the organization's search finds, by [value.Lookup.Key]
}

// NewImagined returns an organization of which nothing is planned. room takes room for n more of what is.
func NewImagined(room func(n int) error) *Imagined {
	return &Imagined{room: room, kinds: map[string]*plans{}, members: map[string][]string{}}
}

// of returns the plans for a kind. The mutex is held.
func (r *Imagined) of(k *Kind) *plans {
	p := r.kinds[k.Name]
	if p == nil {
		p = &plans{made: map[string]*view.Entry{}, changed: map[string]map[string]*doc.Node{}, having: map[string][]string{}}
		r.kinds[k.Name] = p
	}
	return p
}

// index lets an item be found by what a resource has.
func (p *plans) index(k *Kind, id string, res *doc.Node) {
	for attribute := range k.Find {
		for _, text := range value.Texts(k.Type, res, attribute) {
			key := value.Lookup{Attribute: attribute, Value: text}.Key()
			if !slices.Contains(p.having[key], id) {
				p.having[key] = append(p.having[key], id)
			}
		}
	}
}

// nothing is what the upstream shows of an imagined item.
var nothing = func() doc.Value { d, _ := doc.Scan([]byte("{}")); return d.Value() }()

// imagine makes the item that a create would have made.
func (r *Imagined) imagine(k *Kind, wanted *doc.Node) (*Item, error) {
	if err := r.room(1); err != nil {
		return nil, err
	}
	res := doc.NewObject()
	for _, attribute := range value.Attributes(wanted) {
		if k.Readable(attribute) && k.Writable(attribute) && attribute != "members" {
			value.Set(k.Type, res, attribute, value.Get(k.Type, wanted, attribute).Clone())
		}
	}
	switch {
	case k.IsUser() && k.NamedByAddress():
		res.Set(k.Identity, doc.NewString(k.Email(wanted)))
	case res.Get(k.Identity) == nil:
		res.Set(k.Identity, wanted.Get(k.Identity).Clone())
	}
	e := &view.Entry{ID: dryrun.NewID()}
	if k.IsUser() {
		res.Set("active", doc.NewBool(true))
		if k.HasState() {
			e.Word = view.Word("invited")
		}
	}
	e.SCIM = res.Doc()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.of(k)
	p.made[e.ID], p.order = e, append(p.order, e.ID)
	p.index(k, e.ID, res)
	return r.shown(k, &Item{e, nothing}), nil
}

// all returns the imagined items of a kind.
func (r *Imagined) all(k *Kind) (all []*Item) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.of(k)
	for _, id := range p.order {
		all = append(all, r.shown(k, &Item{p.made[id], nothing}))
	}
	return all
}

// Item returns an imagined item; nil where there is none of that id.
func (r *Imagined) Item(k *Kind, id string) *Item {
	if r == nil || !dryrun.Imagined(id) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.of(k).made[id]
	if e == nil {
		return nil
	}
	return r.shown(k, &Item{e, nothing})
}

// Change makes an item have the values that a resource has in some attributes.
func (r *Imagined) Change(k *Kind, id string, after *doc.Node, attributes []string) error {
	if r == nil || len(attributes) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.of(k)
	if p.changed[id] == nil {
		if err := r.room(1); err != nil {
			return err
		}
		p.changed[id] = map[string]*doc.Node{}
	}
	for _, attribute := range attributes {
		p.changed[id][attribute] = value.Get(k.Type, after, attribute).Clone()
	}
	p.index(k, id, only(k, p.changed[id]))
	return nil
}

// only returns a resource that has some values and nothing else.
func only(k *Kind, values map[string]*doc.Node) *doc.Node {
	res := doc.NewObject()
	for attribute, v := range values {
		value.Set(k.Type, res, attribute, v.Clone())
	}
	return res
}

// seen returns an item as it would be.
func (r *Imagined) seen(k *Kind, it *Item) *Item {
	if r == nil {
		return it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.of(k).changed[it.ID]) == 0 {
		return it
	}
	return r.shown(k, it)
}

// shown returns a copy of an item as it would be. The mutex is held.
func (r *Imagined) shown(k *Kind, it *Item) *Item {
	old := it.Entry
	e := &view.Entry{ID: old.ID, Key: old.Key, SCIM: old.SCIM, Word: old.Word, Protected: old.Protected, Inactive: old.Inactive}
	changed := r.of(k).changed[e.ID]
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
			e.Word = view.Word("revoked")
		}
	}
	return &Item{e, it.Value}
}

// having returns the items that the organization's own search does not find, and that would have a value.
func (r *Imagined) having(k *Kind, l value.Lookup) (found []*Item) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.of(k)
	for _, id := range p.having[l.Key()] {
		if e := p.made[id]; e != nil {
			if it := r.shown(k, &Item{e, nothing}); l.In(k.Type, it.Resource()) {
				found = append(found, it)
			}
		} else if res := only(k, p.changed[id]); l.In(k.Type, res) {
			found = append(found, &Item{&view.Entry{ID: id, SCIM: res.Doc()}, doc.Value{}}) // whoever asks reads it
		}
	}
	return found
}

// Join puts members into a group.
func (r *Imagined) Join(group string, ids []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	there := make(map[string]bool, len(r.members[group]))
	for _, id := range r.members[group] {
		there[id] = true
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return there[id] })
	if err := r.room(len(ids)); err != nil {
		return err
	}
	r.members[group] = append(r.members[group], ids...)
	return nil
}

// Joined returns whom a group has beside those that the organization shows.
func (r *Imagined) Joined(group string) []string {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members[group])
}
