package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Scope is what placeholders may name at one place of a definition, and what was named there.
type Scope struct {
	Type     *schema.ResourceType
	Lookup   func(placeholder string) (string, bool) // of env.NAME and file.PATH; nil: there are none
	Checking bool                                    // what Lookup says is made up
	Names    []string                                // roots that are known here besides env
	Saved    map[string]bool                         // saved by earlier calls; true where it may be missing, because it was picked
	Email    []string                                // the order for {scim.email}

	Uses    map[string]bool // roots that were used
	Written map[string]bool // folded canonical paths of {scim.X}
	Address bool            // {scim.email} was used
	Picked  []string        // picked names that were used
}

// source is where a placeholder's value comes from.
type source interface{ eval(*Env) *doc.Node }

type (
	constSource struct{ json doc.Doc }
	textSource  func(*Env) string
	itemSource  struct {
		item func(*Env) doc.Value
		path doc.Path
	}
	attrSource    struct{ attr *Attribute }
	emailSource   struct{ order []string }
	changedSource struct{ attr *Attribute }
	membersSource struct{}
)

func (c constSource) eval(*Env) *doc.Node     { return doc.Tree(c.json.Value()) }
func (t textSource) eval(env *Env) *doc.Node  { return orMissing(t(env)) }
func (a attrSource) eval(env *Env) *doc.Node  { return a.attr.Get(env.SCIM) }
func (e emailSource) eval(env *Env) *doc.Node { return orMissing(PrimaryEmail(env.SCIM, e.order)) }

func (i itemSource) eval(env *Env) *doc.Node {
	v := i.item(env)
	if !i.path.IsZero() {
		v = v.Find(i.path)
	}
	if v.Kind() == doc.Invalid {
		return nil
	}
	return doc.Tree(v)
}

func (c changedSource) eval(env *Env) *doc.Node { return doc.NewBool(env.changed(c.attr)) }

func (membersSource) eval(env *Env) *doc.Node { return env.Members.Node() }

func orMissing(s string) *doc.Node {
	if s == "" {
		return nil
	}
	return doc.NewString(s)
}

// The texts that an operation has.
var texts = map[string]textSource{
	"id":    func(env *Env) string { return env.ID },
	"key":   func(env *Env) string { return env.Key },
	"value": func(env *Env) string { return env.Value },
	"mid":   func(env *Env) string { return env.MID },
	"token": func(env *Env) string { return env.Value },

	"page":   func(env *Env) string { return strconv.Itoa(env.Page.Number) },
	"offset": func(env *Env) string { return strconv.Itoa(env.Page.Offset) },
	"size":   func(env *Env) string { return strconv.Itoa(env.Page.Size) },

	"random": func(env *Env) string {
		if env.Random == nil {
			return ""
		}
		return env.Random()
	},
}

// source reads the first word of an alternative. Literals other than true, false and null are for later ones.
func (s *Scope) source(word string, later bool) (source, error) {
	root, rest, dotted := strings.Cut(word, ".")
	if word == "true" || word == "false" || word == "null" || later && nameLen(word) == 0 {
		d, err := doc.Scan([]byte(word))
		if err != nil {
			return nil, fmt.Errorf("%q is neither a placeholder nor JSON", word)
		}
		return constSource{d}, nil
	}
	if root == "env" || root == "file" {
		return s.outside(root, rest)
	}
	_, isSaved := s.Saved[root]
	if !isSaved && !slices.Contains(s.Names, root) {
		return nil, fmt.Errorf("unknown placeholder {%s}: here there are %s", word, s.known())
	}
	s.Use(root)
	item := itemSource{}
	switch root {
	case "scim", "changed":
		return s.attribute(root, rest)
	case "cur":
		item.item = func(env *Env) doc.Value { return env.Cur }
	case "member":
		item.item = func(env *Env) doc.Value { return env.Member }
	case "members":
		if dotted {
			return nil, fmt.Errorf("{members} are ids and have no %q", rest)
		}
		return membersSource{}, nil
	default:
		if !isSaved {
			if dotted {
				return nil, fmt.Errorf("{%s} is a text and has no %q", root, rest)
			}
			return texts[root], nil
		}
		if s.Saved[root] {
			s.Picked = append(s.Picked, root)
		}
		item.item = func(env *Env) doc.Value { return env.Vars[root] }
	}
	if dotted {
		var err error
		if item.path, err = doc.ParsePath(rest); err != nil {
			return nil, fmt.Errorf("bad path %q: %w", rest, err)
		}
	}
	return item, nil
}

// outside reads what the environment or a file says.
func (s *Scope) outside(root, name string) (source, error) {
	switch {
	case name == "" && root == "env":
		return nil, errors.New("{env} needs the name of a variable, as in {env.TOKEN}")
	case name == "":
		return nil, errors.New("{file} needs a path, as in {file./run/secrets/token}")
	case s.Lookup == nil:
		return nil, fmt.Errorf("{%s.%s}: there is no environment here", root, name)
	}
	text, ok := s.Lookup(root + "." + name)
	switch {
	case ok:
		return constSource{doc.NewString(text).Doc()}, nil
	case root == "file":
		return nil, fmt.Errorf("the file %s cannot be read, or is empty", name)
	}
	return nil, fmt.Errorf("the environment has no variable %s", name)
}

func (s *Scope) attribute(root, name string) (source, error) {
	if root == "scim" && name == "email" {
		for _, word := range []string{"emails", "emails.value", "emails.type", "emails.primary"} {
			s.Written[word] = true
		}
		s.Address = true
		return emailSource{s.Email}, nil
	}
	attr, err := ParseAttribute(name, s.Type)
	if err != nil {
		return nil, err
	}
	if root == "changed" {
		return changedSource{attr}, nil
	}
	for _, p := range attr.sent() {
		s.Written[doc.Fold(p)] = true
	}
	return attrSource{attr}, nil
}

// Use notes that a root is used.
func (s *Scope) Use(name string) {
	if s.Uses == nil {
		s.Uses = make(map[string]bool)
	}
	s.Uses[name] = true
}

func (s *Scope) known() string {
	words := []string{"{env.NAME}", "{file.PATH}"}
	for _, name := range slices.Concat(s.Names, slices.Sorted(maps.Keys(s.Saved))) {
		switch name {
		case "scim", "changed", "cur", "member":
			name += ".…"
		}
		words = append(words, "{"+name+"}")
	}
	return strings.Join(words, ", ")
}

// noAddress returns what the provider is told when a user has no e-mail address and the organization wants one. An empty one
// must not be sent: it would be somebody else's mistake to explain.
func noAddress() error {
	return scim.Errorf(400, scim.InvalidValue, "the user has no e-mail address: neither emails nor userName holds one that can be used")
}

// invalid returns what the provider is told when a value cannot be made into what the API wants. It names the placeholder and
// never the value.
func invalid(source string, err error) error {
	return scim.Errorf(400, scim.InvalidValue, "%s cannot be sent to the organization: %v", source, err)
}

// near lists the words of a set, those that resemble word first and alone.
func near[V any](word string, set map[string]V) string {
	words := slices.Sorted(maps.Keys(set))
	var alike []string
	for _, w := range words {
		if len(word) > 0 && w[0] == word[0] {
			alike = append(alike, w)
		}
	}
	if len(alike) > 0 {
		words = alike
	}
	return strings.Join(words, ", ")
}
