// Package quirks turns what identity providers really send into canonical SCIM (RFC 7643, RFC 7644).
//
// Every deviation is a rule in one table: named, switchable and counted. Rules look at the shape of a request and at the
// schema, never at the client's name. A request in which nothing had to change stays byte for byte as it came, and what was
// normalized once is not changed again. Begin to read at rules.go, the table, and at [Normalizer.Body].
package quirks

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Config is what the operator decides.
type Config struct {
	Profile string      // one of [Profiles]; empty is [Generic]
	Enable  []string    // rules that are on whatever the profile says
	Disable []string    // rules that are off whatever the profile says
	Schemas *schema.Set // with the attributes that the operator declared; nil is [schema.Standard]

	MaxOperations int // operations that a PATCH may come with, or become; 0 is [DefaultMaxOperations]
	MaxBytes      int // bytes that a document may become; 0 is [DefaultMaxBytes]
}

// The limits of a [Config] that sets none.
const (
	DefaultMaxOperations = 50_000
	DefaultMaxBytes      = 32 << 20
)

// Normalizer applies the rules of one configuration. It may be used by many goroutines at once.
type Normalizer struct {
	on  switches
	set *schema.Set

	shapes shapes // see Settled

	maxOperations, maxBytes int

	ofChanges, ofAttributes []ruling // those that decide about changes in a PATCH, and attributes of a POST
	nulls                   []ofNull
	values                  values

	pathOptions, filterOptions filter.Options
	user, group                targets
}

// New makes a normalizer. A profile or a rule that does not exist is an error that names the ones which are near.
func New(c Config) (*Normalizer, error) {
	on, err := switched(c.Profile, c.Enable, c.Disable)
	if err != nil {
		return nil, err
	}
	n := &Normalizer{on: on, set: c.Schemas}
	if n.set == nil {
		n.set = schema.Standard()
	}
	n.shapes = shapesOf(n.set)
	switch {
	case c.MaxOperations < 0:
		return nil, errors.New("MaxOperations is negative")
	case c.MaxBytes < 0:
		return nil, errors.New("MaxBytes is negative")
	}
	n.maxOperations, n.maxBytes = cmp.Or(c.MaxOperations, DefaultMaxOperations), cmp.Or(c.MaxBytes, DefaultMaxBytes)
	n.compile()
	n.filterOptions = n.options()
	n.filterOptions.Strict = on[strictFilter]
	n.pathOptions = n.options()
	n.pathOptions.Allow &^= filter.ComplexCompare
	return n, nil
}

// compile sorts what the rules do by where it is done.
func (n *Normalizer) compile() {
	for i, r := range table {
		for _, s := range r.steps {
			if s.unless == n.on[i] {
				continue
			}
			switch {
			case s.change != nil:
				n.ofChanges = append(n.ofChanges, s.change.of(ruleID(i)))
			case s.attribute != nil:
				n.ofAttributes = append(n.ofAttributes, s.attribute.of(ruleID(i)))
			case s.null != nil:
				n.nulls = append(n.nulls, ofNull{ruleID(i), s.null})
			case s.value != nil:
				for t := schema.String; t <= schema.Complex; t++ {
					if len(s.types) == 0 || slices.Contains(s.types, t) {
						at := &n.values[s.at][s.kind][t]
						*at = append(*at, valueRule{s.name, s.value})
					}
				}
			}
		}
	}
}

// Schemas returns what the normalizer knows of attributes.
func (n *Normalizer) Schemas() *schema.Set { return n.set }

// On reports whether a rule is on.
func (n *Normalizer) On(id string) bool { return n.on[byID(id)] }

// Untyped reports whether a body that comes without a Content-Type is taken for SCIM (Q3), and counts it.
func (n *Normalizer) Untyped(acc *Account) bool {
	if n.on[missingContentType] {
		acc.note(missingContentType, "Content-Type", "", scim.MediaType)
	}
	return n.on[missingContentType]
}

// State walks over all rules and tells which are on.
func (n *Normalizer) State(yield func(Rule, bool) bool) {
	for i, r := range table[1:] {
		if !yield(r, n.on[i+1]) {
			return
		}
	}
}

// Scan reads a document from outside ([doc.Scan]). Any error is a [*scim.Error].
func (n *Normalizer) Scan(b []byte, acc *Account) (doc.Doc, error) {
	if _, marked := doc.TrimBOM(b); marked {
		if !n.on[byteOrderMark] {
			return doc.Doc{}, scim.Errorf(400, scim.InvalidSyntax, "the document begins with a byte order mark")
		}
		acc.note(byteOrderMark, "", "", "")
	}
	d, err := doc.Scan(b)
	if err != nil {
		detail := "the body is not acceptable JSON"
		if e, ok := errors.AsType[*doc.Error](err); ok {
			detail += ": " + e.Error()
		}
		return doc.Doc{}, scim.Errorf(400, scim.InvalidSyntax, "%s", detail)
	}
	if n.on[numberRange] && beyondFloat(d.Value()) {
		acc.count(numberRange, 1)
		return doc.Doc{}, scim.Errorf(400, scim.InvalidSyntax, "the body has a number that is too large")
	}
	return d, nil
}

// beyondFloat reports whether a document has a number that becomes infinite for whoever reads it as a 64-bit float.
func beyondFloat(v doc.Value) bool {
	switch v.Kind() {
	case doc.Number:
		_, err := strconv.ParseFloat(v.Text(), 64)
		return err != nil
	case doc.Array:
		for item := range v.Items() {
			if beyondFloat(item) {
				return true
			}
		}
	case doc.Object:
		for _, val := range v.Fields() {
			if beyondFloat(val) {
				return true
			}
		}
	}
	return false
}

// Body normalizes the document of a POST, PUT or PATCH on resources of type rt; id is that of the URL. An unchanged
// document is returned as it came, the very same bytes. Any error is a [*scim.Error], and nothing of the request has been
// decided upon then.
func (n *Normalizer) Body(rt *schema.ResourceType, verb scim.Verb, id string, d doc.Doc, acc *Account) (doc.Doc, error) {
	c := d.Cursor()
	if d.IsZero() || c.Kind() != doc.Object {
		return d, scim.Errorf(400, scim.InvalidSyntax, "the body is not a JSON object")
	}
	var err error
	if verb == scim.Create && n.on[dottedKeysCreate] {
		if d, err = n.nest(rt, d, acc); err != nil {
			return d, err
		}
		c = d.Cursor()
	}
	p := passes.Get().(*pass)
	defer func() {
		*p = pass{changes: p.changes[:0], parts: p.parts[:0]}
		passes.Put(p)
	}()
	p.n, p.on, p.rt, p.verb, p.id, p.acc = n, &n.on, rt, verb, id, acc
	p.d, p.cur, p.escapes = d, c, hasEscape(d.Raw())
	p.ed.Begin(d)
	switch rt {
	case n.set.User:
		p.targets = &n.user
	case n.set.Group:
		p.targets = &n.group
	}
	if verb == scim.Patch {
		err = p.envelope()
	} else {
		err = p.resource()
	}
	if err != nil {
		return d, err
	}
	if p.ed.Len() > n.maxBytes {
		return d, tooLarge(n.maxBytes)
	}
	return p.ed.Doc(), nil
}

func tooLarge(limit int) error {
	return scim.Errorf(413, "", "the document would become larger than %d bytes; send fewer values at a time", limit)
}

// passes are those that are over, to be used again: for a small document it counts what one costs.
var passes = sync.Pool{New: func() any { return new(pass) }}

// pass is one document on its way through the rules. It reads with one cursor and writes with one edit, both from front to
// back: whatever is decided about a part of the document is decided before anything in it is written.
type pass struct {
	n    *Normalizer
	on   *switches
	rt   *schema.ResourceType
	verb scim.Verb
	id   string

	d       doc.Doc
	cur     doc.Cursor
	ed      doc.Editor
	escapes bool // somewhere in the document, see escaped

	acc    *Account
	place  place
	secret bool // inside a value that must not be recorded
	ops    int  // operations written

	changes []change // of the operation, or the resource
	known   doc.Span // a value whose end was found, and need not be looked for again: it may be long
	opened  doc.Span // an object, and
	parts   []field  // its members
	uris    schemas  // of the resource

	targets *targets // what paths of the resource type lead to; nil for one of an own type

	primaries int       // primary elements of the list that the pass is in
	inMembers bool      // inside a group's members
	element   doc.Value // the element that the pass is in, where it matters
}

// note counts the application of a rule to the value at the pass's place, and records it.
func (p *pass) note(r ruleID, before, after []byte) {
	p.acc.count(r, 1)
	if p.acc.wants() {
		b, a := short(string(before)), short(string(after))
		if p.secret {
			b, a = Hidden, Hidden
		}
		p.acc.corrections = append(p.acc.corrections, Correction{table[r].ID, p.place.text(p.d), b, a})
	}
}

// replace writes text in the place of a span.
func (p *pass) replace(s doc.Span, text string) {
	p.ed.Replace(s.From, s.To, text)
}

func (p *pass) raw(s doc.Span) []byte { return p.d.Raw()[s.From:s.To] }
