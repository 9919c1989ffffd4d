package mapping

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Compile checks a definition and makes it ready for use. What {env.NAME} and {file.PATH} stand for is looked up now, by the
// placeholder without braces; without lookup, or where it finds nothing, such a placeholder is a mistake. Any error is an [*Error].
func Compile(def Definition, set *schema.Set, lookup ...func(placeholder string) (string, bool)) (*plan.Plan, error) {
	c := &compiler{set: set, base: def.Base, errs: new([]*Error)}
	if len(lookup) > 0 {
		c.lookup = lookup[0]
	}
	return c.compile(def)
}

// Check finds the mistakes of a definition as [Compile] does, but leaves the environment and files alone: where a configuration is
// adapted, the variables of the machine that will run it need not exist. The plan is not for use.
func Check(def Definition, set *schema.Set) (*plan.Plan, error) {
	c := &compiler{set: set, base: def.Base, errs: new([]*Error), checking: true}
	// What stands for a variable can be a path, so that a base or URL that is one passes.
	c.lookup = func(placeholder string) (string, bool) { return "/" + placeholder, true }
	return c.compile(def)
}

func (c *compiler) compile(def Definition) (*plan.Plan, error) {
	p := c.plan(def)
	if len(*c.errs) > 0 {
		return nil, (*c.errs)[0]
	}
	return p, nil
}

// compiler is a place in a definition. All places of one run share the list of mistakes.
type compiler struct {
	where    string
	set      *schema.Set
	lookup   func(string) (string, bool)
	checking bool
	base     string
	headers  []plan.Param
	rules    []plan.ErrorRule
	auths    map[string]*plan.Auth
	errs     *[]*Error
}

func (c *compiler) at(where string) *compiler {
	sub := *c
	if sub.where != "" {
		where = sub.where + "." + where
	}
	sub.where = where
	return &sub
}

func (c *compiler) fail(format string, args ...any) {
	*c.errs = append(*c.errs, &Error{c.where, fmt.Sprintf(format, args...)})
}

// check reports a mistake whose place was not known where it was found.
func (c *compiler) check(err error) {
	if err == nil {
		return
	}
	if known, ok := errors.AsType[*Error](err); ok {
		*c.errs = append(*c.errs, known)
		return
	}
	c.fail("%v", err)
}

func (c *compiler) scope() *template.Scope {
	return &template.Scope{Lookup: c.lookup, Checking: c.checking, Uses: map[string]bool{}, Written: map[string]bool{}}
}

// path compiles a path; an empty text is the whole document.
func (c *compiler) path(text string) plan.Path {
	if text == "" {
		return plan.Path{}
	}
	p, err := doc.ParsePath(text)
	if err != nil {
		c.fail("bad path %q: %v", text, err)
	}
	return plan.Path{Path: p}
}

// place compiles a path to one place.
func (c *compiler) place(text string) doc.Place {
	p, err := doc.ParsePlace(text)
	if err != nil {
		c.fail("bad path %q: %v", text, err)
	}
	return p
}

// static reads a text in which there is nothing but {env.NAME}.
func (c *compiler) static(text string) template.Text {
	parsed, err := c.scope().ParseText(text)
	c.check(err)
	return parsed
}

func (c *compiler) text(text string) string {
	s, err := c.static(text).Render(&template.Env{}, nil)
	c.check(err)
	return s
}

func (c *compiler) plan(def Definition) *plan.Plan {
	p := &plan.Plan{Auths: make(map[string]*plan.Auth)}
	c.at("base").checkBase(&c.base)
	for _, name := range slices.Sorted(maps.Keys(def.Auths)) {
		p.Auths[name] = c.auth(name, def.Auths[name])
	}
	c.auths = p.Auths
	c.headers = c.at("headers").headerFields(def.Headers, c.scope())
	c.rules = c.errorRules(def.Errors)
	if def.User == nil {
		c.fail("there is no user: a mapping says how users are kept")
	} else {
		p.User = c.at("user").resource(c.set.User, def.User)
	}
	if def.Group != nil {
		p.Group = c.at("group").resource(c.set.Group, def.Group)
	}
	return p
}

func (c *compiler) checkBase(base *string) {
	*base = strings.TrimSuffix(c.text(*base), "/")
	switch {
	case *base == "":
	case strings.Contains(*base, "://"):
		c.fail("%q names a host: calls go to the next handler, where reverse_proxy says which host that is; write the path alone", *base)
	default:
		c.checkPath(*base)
	}
}

// checkPath checks what an operator wrote as part of a URL's path.
func (c *compiler) checkPath(text string) {
	if !strings.HasPrefix(text, "/") {
		c.fail("%q does not begin with a slash", text)
	}
	for i := range len(text) {
		if !template.Unreserved(text[i]) && !strings.ContainsRune("/%!$&'()*+,;=:@", rune(text[i])) {
			c.fail("%q has a character that a path cannot have: %q", text, text[i])
			return
		}
	}
	if _, err := url.PathUnescape(text); err != nil {
		c.fail("%q has a %% that begins no escape such as %%20", text)
	}
	for segment := range strings.SplitSeq(text, "/") {
		if segment == "." || segment == ".." {
			c.fail("%q has a segment %q", text, segment)
		}
	}
}

func (c *compiler) headerFields(def map[string]string, s *template.Scope) []plan.Param {
	var out []plan.Param
	for _, name := range slices.Sorted(maps.Keys(def)) {
		at := c.at(name)
		if !isToken(name) {
			at.fail("%q is no name of a header field", name)
		}
		v, err := s.ParseString(def[name])
		at.check(err)
		at.checkFieldValue(def[name])
		out = append(out, plan.Param{Name: name, Template: v})
	}
	return out
}

// checkFieldValue checks what an operator wrote as the value of a header field (RFC 9110 §5.5).
func (c *compiler) checkFieldValue(text string) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		c.fail("a header field's value has a character that it cannot have, such as a line break")
	}
}

// isToken reports whether s is a token of RFC 9110 §5.6.2, as names of header fields and cookies are.
func isToken(s string) bool {
	for i := range len(s) {
		if !template.Unreserved(s[i]) && !strings.ContainsRune("!#$%&'*+^`|", rune(s[i])) {
			return false
		}
	}
	return s != ""
}

func (c *compiler) conditions(field string, defs []ConditionDef) []plan.Condition {
	var out []plan.Condition
	for i, def := range defs {
		at := c.at(index(field, i))
		if def.Path == "" {
			at.fail("a condition needs a path")
		}
		if (len(def.Is) == 0) == (len(def.Not) == 0) {
			at.fail("a condition needs either values that it is or values that it is not")
		}
		out = append(out, plan.Condition{Path: at.path(def.Path), Is: def.Is, Not: def.Not})
	}
	return out
}

func (c *compiler) states(defs []StateDef) []plan.State {
	var out []plan.State
	for i, def := range defs {
		at := c.at(index("state", i))
		if def.Path == "" || len(def.Values) == 0 {
			at.fail("a state needs a path and values")
		}
		for _, literal := range slices.Sorted(maps.Keys(def.Values)) {
			if word := def.Values[literal]; !slices.Contains(plan.States(), word) {
				at.fail("unknown state %q: one of %s", word, strings.Join(plan.States(), ", "))
			}
		}
		out = append(out, plan.State{Path: at.path(def.Path), Values: def.Values})
	}
	return out
}

func (c *compiler) attributes(field string, names []string, rt *schema.ResourceType) []*template.Attribute {
	var out []*template.Attribute
	for _, name := range names {
		a, err := template.ParseAttribute(name, rt)
		if err != nil {
			c.at(field).check(err)
			continue
		}
		out = append(out, a)
	}
	return out
}
