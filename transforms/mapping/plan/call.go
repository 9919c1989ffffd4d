package plan

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// Env is what placeholders stand for during one operation.
type Env = template.Env

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
	Verb    Verb
	Method  string
	Where   string // in the definition, such as user.create[0]; for the log
	Auth    string // the name of the auth; empty for none
	Hydrate bool   // items are references; each has to be read with Get

	// The request.
	Path          template.Text
	RawQuery      template.Text
	Query         []Param
	Headers       []Param
	Body          Body
	From          string // what the body begins as: "", "cur" or the name of a saved document
	Edits         []Edit
	If            []*template.Attribute // the call is made if one of these has changed
	Needs         []string              // saved names without which the call is left out
	Placeholders  map[string]bool       // roots of the placeholders in all of it
	NamesResource bool                  // the URL names a resource, so that 404 speaks about it

	// The answer.
	ItemsPath  Path
	ItemPath   Path
	MemberPath Path
	Select     []Where
	Overlay    []Edit
	Paging     *Paging
	Saves      []Save
	Rules      []ErrorRule
	Result     Result // NoResult for all calls but one of a create
	NewIDPath  Path
	SoughtBy   string // the attribute to look the item up by
	SoughtAs   template.Template
}

// Applies reports whether the call is to be made: its condition holds, and what it would act on was found.
func (c *Call) Applies(env *template.Env) bool {
	for _, name := range c.Needs {
		if env.Vars[name].Kind() == doc.Invalid {
			return false
		}
	}
	return env.AnyChanged(c.If)
}

// Uses reports whether the call has a placeholder with that name: "cur", "member", "mid", "members", "scim" and so on.
// A call of MemberAdd or MemberRemove that uses "members" does all of them at once, any other is made once a member.
func (c *Call) Uses(name string) bool { return c.Placeholders[name] }

// Rewrites reports whether the body of a membership call is made of what was read of the member before: what another request
// changes in between would be lost.
func (c *Call) Rewrites() bool {
	if c.From != "" && c.From != "cur" {
		return true
	}
	if len(c.Edits) == 0 {
		return false
	}
	for name := range c.Placeholders {
		switch name {
		case "id", "key", "mid", "members", "scim", "cur", "changed", "random":
		default: // the member's item, or what an earlier call saved
			return true
		}
	}
	return false
}

// Save keeps what later calls of the operation need from the answer.
func (c *Call) Save(env *template.Env, answer doc.Value) error {
	for i := range c.Saves {
		s := &c.Saves[i]
		v := s.Path.find(answer)
		if len(s.Where) > 0 {
			picked, err := s.pick(env, v)
			if err != nil {
				return err
			}
			if v = picked; v.Kind() == doc.Invalid {
				continue // later calls that need it are left out
			}
		}
		if v = s.Take.find(v); v.Kind() == doc.Invalid {
			return malformed("an answer lacks what %s needs from it", c.Where)
		}
		if env.Vars == nil {
			env.Vars = make(map[string]doc.Value)
		}
		env.Vars[s.Name] = v
	}
	return nil
}

// Item returns the item in the answer; 404 where the place is empty.
func (c *Call) Item(answer doc.Value) (doc.Value, error) {
	v := c.ItemPath.find(answer)
	switch v.Kind() {
	case doc.Object:
		return v, nil
	case doc.Invalid, doc.Null:
		if c.Verb == VerbGet {
			return doc.Value{}, gone()
		}
	}
	return doc.Value{}, malformed("the answer of %s holds no item", c.Where)
}

// Items returns the items of a list, those that its conditions leave and with its overlay. A single object is a list of one.
func (c *Call) Items(env *template.Env, answer doc.Value) (items []doc.Value, err error) {
	err = c.elements(env, answer, func(item doc.Value) (err error) {
		if item.Kind() != doc.Object {
			return malformed("the list of %s holds a %s that is no item", c.Where, item.Kind())
		}
		if len(c.Overlay) > 0 {
			item, err = build(item, c.Overlay, env, false)
		}
		items = append(items, item)
		return err
	})
	return items, err
}

// MemberIDs returns the ids of members in the answer: those in a list of ids, or of objects that hold one at a path.
func (c *Call) MemberIDs(env *template.Env, answer doc.Value) (doc.Strings, error) {
	if c.MemberPath.IsZero() && len(c.Select) == 0 {
		if list, ok := c.ItemsPath.find(answer).Strings(); ok { // nearly always
			return list, nil
		}
	}
	var ids []string
	err := c.elements(env, answer, func(item doc.Value) error {
		id := scalar(c.MemberPath.find(item))
		if ids = append(ids, id); id == "" {
			return malformed("a list of members holds an element without an id")
		}
		return nil
	})
	return doc.NewStrings(ids...), err
}

// elements calls f for the elements of the list in an answer that the call's conditions leave.
func (c *Call) elements(env *template.Env, answer doc.Value, f func(doc.Value) error) error {
	list := c.ItemsPath.find(answer)
	elements := list.Items()
	switch list.Kind() {
	case doc.Null: // how some languages write an empty list
	case doc.Array:
	case doc.Object:
		elements = func(yield func(doc.Value) bool) { yield(list) }
	default:
		return malformed("the answer of %s holds no list", c.Where)
	}
	for item := range elements {
		ok, err := holdAll(c.Select, env, item)
		if ok && err == nil {
			err = f(item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// NewID returns the id of the item that a create has made.
func (c *Call) NewID(location string, answer doc.Value) (string, error) {
	var id string
	if c.Result == ResultLocation {
		id = lastSegment(location)
	} else {
		id = scalar(c.NewIDPath.find(answer))
	}
	if id == "" {
		return "", malformed("the answer of %s does not tell the new id", c.Where)
	}
	return id, nil
}

// Sought returns the attribute that a new item is looked up by, and the value it has to have.
func (c *Call) Sought(env *template.Env) (path, text string, err error) {
	text, err = c.SoughtAs.Text(env)
	return c.SoughtBy, text, err
}

// scalar returns an id or a key: the text of a string, or a number as it stands.
func scalar(v doc.Value) string {
	switch v.Kind() {
	case doc.String, doc.Number:
		return v.Text()
	}
	return ""
}
