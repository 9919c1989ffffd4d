package mapping

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Env is what placeholders stand for during one operation. It is for one goroutine.
type Env struct {
	SCIM    *doc.Node              // {scim.X}: the resource as it shall be
	Changed func(path string) bool // whether the attribute, or a part of it, was changed; nil: whether SCIM has it
	Cur     doc.Value              // {cur.X}: the item before the change
	ID      string                 // {id}
	Key     string                 // {key}
	Value   string                 // {value}: what is looked for
	MID     string                 // {mid}: the member's id
	Member  doc.Value              // {member.X}: the member's item
	Members []string               // {members}: ids of members, those to add or remove, or all there shall be
	Vars    map[string]doc.Value   // what Save kept
	Random  func() string          // {random}: an unguessable text
}

// changed tells whether an attribute is part of the change.
func (env *Env) changed(a *attribute) bool {
	if env.Changed != nil {
		return env.Changed(a.canonical)
	}
	return a.Get(env.SCIM) != nil
}

func (env *Env) anyChanged(attrs []*attribute) bool {
	return len(attrs) == 0 || slices.ContainsFunc(attrs, env.changed)
}

// Result is how the item is found that a create has made.
type Result uint8

// The kinds of results.
const (
	NoResult       Result = iota // this call does not tell
	ResultBody                   // the answer is the item: see Item
	ResultLocation               // the Location header field ends with the id: see NewID
	ResultID                     // the answer holds the id: see NewID
	ResultRefetch                // the item is looked up after all calls: see Sought
)

// Call is one call of the API, compiled.
type Call struct {
	Method  string
	Where   string // in the definition, such as user.create[0]; for the log
	Hydrate bool   // items are references; each has to be read with Get
	Result  Result // NoResult for all calls but one of a create

	verb     verb
	auth     string
	path     []part
	rawQuery []part
	query    []param
	headers  []param
	body     bodyKind
	from     string // "", "cur" or the name of a saved document
	edits    []edit
	cond     []*attribute
	items    path
	item     path
	member   path
	where    []where
	overlay  []edit
	paging   *paging
	saves    []save
	rules    []rule
	newID    path
	sought   string // attribute to look the item up by
	soughtAs template
	uses     map[string]bool // roots of placeholders
	names    bool            // the URL names a resource, so that 404 speaks about it
	picked   []string        // saved names without which the call is left out
}

// Applies tells whether the call is to be made: its condition holds, and what it would act on was found.
func (c *Call) Applies(env *Env) bool {
	for _, name := range c.picked {
		if env.Vars[name].Kind() == doc.Invalid {
			return false
		}
	}
	return env.anyChanged(c.cond)
}

// Uses tells whether the call has a placeholder with that name: "cur", "member", "mid", "members", "scim" and so on.
// A call of MemberAdd or MemberRemove that uses "members" does all of them at once, any other is made once a member.
func (c *Call) Uses(name string) bool { return c.uses[name] }

// Rewrites tells whether the body of a membership call is made of what was read of the member before: what another request
// changes in between would be lost.
func (c *Call) Rewrites() bool {
	if c.from != "" && c.from != "cur" {
		return true
	}
	if len(c.edits) == 0 {
		return false
	}
	for name := range c.uses {
		switch name {
		case "id", "key", "mid", "members", "scim", "cur", "changed", "random":
		default: // the member's item, or what an earlier call saved
			return true
		}
	}
	return false
}

// Save keeps what later calls of the operation need from the answer.
func (c *Call) Save(env *Env, answer doc.Value) error {
	for i := range c.saves {
		s := &c.saves[i]
		v := s.path.find(answer)
		if len(s.where) > 0 {
			picked, err := s.pick(env, v)
			if err != nil {
				return err
			}
			if v = picked; v.Kind() == doc.Invalid {
				continue // later calls that need it are left out
			}
		}
		if v = s.take.find(v); v.Kind() == doc.Invalid {
			return malformed("an answer lacks what %s needs from it", c.Where)
		}
		if env.Vars == nil {
			env.Vars = make(map[string]doc.Value)
		}
		env.Vars[s.name] = v
	}
	return nil
}

// Item is the item in the answer; 404 where the place is empty.
func (c *Call) Item(answer doc.Value) (doc.Value, error) {
	v := c.item.find(answer)
	switch v.Kind() {
	case doc.Object:
		return v, nil
	case doc.Invalid, doc.Null:
		if c.verb == verbGet {
			return doc.Value{}, gone()
		}
	}
	return doc.Value{}, malformed("the answer of %s holds no item", c.Where)
}

// Items are the items of a list, those that its conditions leave and with its overlay. A single object is a list of one.
func (c *Call) Items(env *Env, answer doc.Value) ([]doc.Value, error) {
	list, err := c.list(env, answer)
	if err != nil {
		return nil, err
	}
	for i, item := range list {
		if item.Kind() != doc.Object {
			return nil, malformed("the list of %s holds a %s that is no item", c.Where, item.Kind())
		}
		if len(c.overlay) > 0 {
			if list[i], err = build(item, c.overlay, env, false); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// MemberIDs are the ids of members in the answer.
func (c *Call) MemberIDs(env *Env, answer doc.Value) ([]string, error) {
	list, err := c.list(env, answer)
	if err != nil {
		return nil, err
	}
	return memberIDs(list, c.member)
}

func (c *Call) list(env *Env, answer doc.Value) ([]doc.Value, error) {
	v := c.items.find(answer)
	var out []doc.Value
	add := func(item doc.Value) error {
		ok, err := holdAll(c.where, env, item)
		if ok {
			out = append(out, item)
		}
		return err
	}
	switch v.Kind() {
	case doc.Null: // how some languages write an empty list
	case doc.Array:
		for item := range v.Items() {
			if err := add(item); err != nil {
				return nil, err
			}
		}
	case doc.Object:
		if err := add(v); err != nil {
			return nil, err
		}
	default:
		return nil, malformed("the answer of %s holds no list", c.Where)
	}
	return out, nil
}

// NewID is the id of the item that a create has made.
func (c *Call) NewID(location string, answer doc.Value) (string, error) {
	var id string
	if c.Result == ResultLocation {
		id = lastSegment(location)
	} else {
		id = scalar(c.newID.find(answer))
	}
	if id == "" {
		return "", malformed("the answer of %s does not tell the new id", c.Where)
	}
	return id, nil
}

// Sought is the attribute that a new item is looked up by, and the value it has to have.
func (c *Call) Sought(env *Env) (path, text string, err error) {
	text, err = c.soughtAs.text(env)
	return c.sought, text, err
}

// memberIDs are the ids in a list of ids or of objects that hold one at a path.
func memberIDs(list []doc.Value, at path) ([]string, error) {
	ids := make([]string, 0, len(list))
	for _, item := range list {
		id := scalar(at.find(item))
		if id == "" {
			return nil, malformed("a list of members holds an element without an id")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// scalar is an id or a key: the text of a string, or a number as it stands.
func scalar(v doc.Value) string {
	switch v.Kind() {
	case doc.String, doc.Number:
		return v.Text()
	}
	return ""
}

// malformed is what the provider is told when the API's answer has not the shape that the mapping says.
func malformed(format string, args ...any) error {
	return scim.Errorf(502, "", "the organization answered something unexpected: "+format, args...)
}

func gone() error { return scim.Errorf(404, "", "the resource is not known to the organization") }
