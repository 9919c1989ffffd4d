package plan

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Plan is a definition that has been checked and compiled. It does not change and may be used by many goroutines.
type Plan struct {
	User  *Resource
	Group *Resource // nil where the mapping has no groups
	Auths map[string]*Auth
}

// What happens where users cannot be deactivated ([Resource.DisableAs]).
const (
	DisableDelete = "delete" // the user is removed
	DisableRefuse = "refuse" // the request is refused
)

// Resource is how one resource type is kept. Calls of one verb are made in order; those of List and Members are added up.
type Resource struct {
	Type *schema.ResourceType

	List, Get, Create, Created, Update, Disable, Enable, Delete, Reinvite []*Call

	Find map[string]*Call // by canonical SCIM path

	Members, MemberAdd, MemberRemove, MembersSet []*Call

	Embedded  bool     // a group's members are inside its item: see EmbeddedMembers
	DisableAs string   // DisableDelete or DisableRefuse where Disable is empty; else ""
	Unique    []string // canonical SCIM paths
	IDChanges bool     // whether an item that gets another name gets another id

	IDPath, KeyPath Path
	EmbeddedPath    Path
	Maps            []Mapped
	ActiveIf        []Condition
	StateOf         []State
	ProtectIf       []Condition
	EmailOrder      []string

	// By folded canonical path: what an item shows, what a create or update sends, and what an update sends.
	ReadablePaths, WritablePaths, UpdatedPaths map[string]bool
}

// Mapped is an attribute and what it is made of.
type Mapped struct {
	Attribute *template.Attribute
	Template  template.Template
	Text      string // the template as it is written
}

// State is a value of an item and the states that it stands for.
type State struct {
	Path   Path
	Values map[string]string
}

// ID returns the SCIM id of an item: numbers are written as they stand. It is empty where the item has none.
func (r *Resource) ID(item doc.Value) string { return scalar(r.IDPath.find(item)) }

// Key returns what names the item in URLs.
func (r *Resource) Key(item doc.Value) string { return scalar(r.KeyPath.find(item)) }

// Active reports whether the item is an active user.
func (r *Resource) Active(item doc.Value) bool {
	for i := range r.ActiveIf {
		if !r.ActiveIf[i].holds(item) {
			return false
		}
	}
	return true
}

// State returns how far a membership has come: one of [States], or empty where the mapping does not say.
func (r *Resource) State(item doc.Value) string {
	for _, s := range r.StateOf {
		if word := s.of(s.Path.find(item)); word != "" {
			return word
		}
	}
	return ""
}

// of returns the state that a value stands for, of a list that of its first element with one; empty where there is none.
func (s *State) of(v doc.Value) string {
	if word, ok := s.Values[literal(v)]; ok {
		return word
	}
	for item := range v.Items() {
		if word := s.of(item); word != "" {
			return word
		}
	}
	return ""
}

// HasState reports whether the mapping says how far memberships have come.
func (r *Resource) HasState() bool { return len(r.StateOf) > 0 }

// States returns the words that [Resource.State] may say.
func States() []string { return []string{"staged", "invited", "accepted", "confirmed", "revoked"} }

// Protects reports whether there are items that are protected at all.
func (r *Resource) Protects() bool { return len(r.ProtectIf) > 0 }

// Protected reports whether the item is hidden from SCIM: it is not listed, and must not be changed.
func (r *Resource) Protected(item doc.Value) bool {
	return slices.ContainsFunc(r.ProtectIf, func(c Condition) bool { return c.holds(item) })
}

// NamedByAddress reports whether userName and an e-mail address are the same of an item, so that who changes one of them
// changes the other.
func (r *Resource) NamedByAddress() bool {
	return slices.ContainsFunc(r.Maps, func(name Mapped) bool {
		return name.Attribute.Path == "userName" && slices.ContainsFunc(r.Maps, func(m Mapped) bool {
			return m.Text == name.Text && m.Attribute.PartOf("emails.value")
		})
	})
}

// Email returns the e-mail address of a SCIM user, chosen as the mapping says; empty where there is none.
func (r *Resource) Email(res *doc.Node) string { return template.PrimaryEmail(res, r.EmailOrder) }

// EmbeddedMembers returns the ids of a group's members that are inside its item. It is an error if the item does not show
// them, as the items of a list sometimes do not.
func (r *Resource) EmbeddedMembers(item doc.Value) (doc.Strings, error) {
	v := r.EmbeddedPath.find(item)
	if v.Kind() != doc.Array && v.Kind() != doc.Null {
		return doc.Strings{}, malformed("a group does not show its members")
	}
	return (&Call{ItemsPath: r.EmbeddedPath}).MemberIDs(nil, item)
}

// Resource returns the item as SCIM sees it: schemas, id, the mapped attributes that it has, and active. Membership and meta
// are not the item's to say.
func (r *Resource) Resource(item doc.Value) *doc.Node {
	res := doc.NewObject()
	schemas := doc.NewArray(doc.NewString(r.Type.Core.ID))
	res.Set("schemas", schemas)
	res.Set("id", doc.NewString(r.ID(item)))
	env := &Env{Cur: item}
	for i := range r.Maps {
		m := &r.Maps[i]
		n, err := m.Template.Eval(env, false)
		if err != nil { // a value that a filter cannot read is no value
			continue
		}
		if n = coerce(n, m.Attribute.Innermost()); n == nil {
			continue
		}
		if m.Attribute.Attr.URI != "" && res.Get(m.Attribute.Attr.URI) == nil {
			schemas.Add(doc.NewString(m.Attribute.Attr.URI))
		}
		m.Attribute.Put(res, n)
	}
	r.dropBare(res)
	if r.Type.Core.Attribute("active") != nil {
		res.Set("active", doc.NewBool(r.Active(item)))
	}
	return res
}

// dropBare removes elements that have been given a type or a mark, but no value.
func (r *Resource) dropBare(res *doc.Node) {
	for i := range r.Maps {
		a := r.Maps[i].Attribute
		if a.Sub == "" || !a.Def.MultiValued || a.Def.SubAttribute("value") == nil {
			continue
		}
		holder := res
		if a.Attr.URI != "" {
			holder = res.Get(a.Attr.URI)
		}
		list := holder.Get(a.Attr.Name)
		if list == nil {
			continue
		}
		var whole []*doc.Node
		for _, item := range list.Items() {
			if item.Get("value") != nil {
				whole = append(whole, item)
			}
		}
		if len(whole) == 0 {
			holder.Delete(a.Attr.Name)
		} else if len(whole) < len(list.Items()) {
			list.SetItems(whole)
		}
	}
}

// Value returns the text of one mapped attribute, so that an item can be compared without making a resource of it; false where
// the item has no such value. emails.value is also the value of emails[type eq "work"].value, the first of several.
func (r *Resource) Value(item doc.Value, path string) (string, bool) {
	if doc.FoldEqual(path, "id") {
		return r.ID(item), true
	}
	for _, exact := range []bool{true, false} {
		for i := range r.Maps {
			m := &r.Maps[i]
			if exact && !doc.FoldEqual(m.Attribute.Path, path) || !exact && !m.Attribute.PartOf(path) {
				continue
			}
			n, err := m.Template.Eval(&Env{Cur: item}, false)
			if err != nil {
				continue
			}
			switch n = coerce(n, m.Attribute.Innermost()); n.Kind() {
			case doc.String, doc.Number, doc.Bool:
				return n.Text(), true
			case doc.Array:
				return n.Items()[0].Text(), true
			}
		}
	}
	return "", false
}

// Readable reports whether an item shows the attribute with the canonical path.
func (r *Resource) Readable(path string) bool { return r.has(r.ReadablePaths, path) }

// Values returns the only values that a sub-attribute can have in what an item shows, where the mapping knows the elements by
// a filter: "work" for the type of emails where emails[type eq "work"].value is all that is mapped. Nil where it can be any.
func (r *Resource) Values(uri, name, sub string) (values []string) {
	for _, m := range r.Maps {
		if m.Attribute.Attr.URI != uri || m.Attribute.Attr.Name != name {
			continue
		}
		known := false
		filter.Walk(m.Attribute.Filter, func(c *filter.Compare) {
			if c.Op == filter.Eq && c.Attr.Name == sub {
				known = true
				if !slices.Contains(values, c.Value.Text) {
					values = append(values, c.Value.Text)
				}
			}
		})
		if !known {
			return nil
		}
	}
	return values
}

// Writable reports whether a create or update sends the attribute, or a part of it.
func (r *Resource) Writable(path string) bool { return r.has(r.WritablePaths, path) }

// Updates reports whether an update sends the attribute, or a part of it: one that only a create sends cannot be changed.
// Where an update sends {scim.email}, that may come from userName.
func (r *Resource) Updates(path string) bool { return r.has(r.UpdatedPaths, path) }

// has looks a path up; one with a filter is also looked up without it.
func (r *Resource) has(set map[string]bool, path string) bool {
	path = doc.Fold(path)
	if set[path] {
		return true
	}
	open, end := strings.IndexByte(path, '['), strings.LastIndexByte(path, ']')
	return open > 0 && end > open && set[path[:open]+path[end+1:]]
}
