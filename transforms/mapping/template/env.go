package template

import (
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
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
	Members doc.Strings            // {members}: ids of members, those to add or remove, or all there shall be
	Vars    map[string]doc.Value   // what earlier calls saved
	Random  func() string          // {random}: an unguessable text
	Page    Page                   // {page}, {offset}, {size}: of a list
}

// Page says which page of a list is asked for.
type Page struct{ Number, Offset, Size int }

// AnyChanged reports whether one of some attributes is part of the change; true where there are none.
func (env *Env) AnyChanged(attributes []*Attribute) bool {
	return len(attributes) == 0 || slices.ContainsFunc(attributes, env.changed)
}

func (env *Env) changed(a *Attribute) bool {
	if env.Changed != nil {
		return env.Changed(a.Path)
	}
	return a.Get(env.SCIM) != nil
}
