package quirks

import (
	"errors"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Account is what normalization did to one request. A nil Account is allowed and keeps nothing; the zero Account counts.
// It allocates only for records, and those only where Limit asks for them.
type Account struct {
	Limit int // records to keep; 0 keeps none

	counts      [ruleCount]uint32
	applied     uint32
	corrections []Correction
}

// Correction is one application of a rule.
type Correction struct {
	Rule   string `json:"rule"`
	Path   string `json:"path"`             // place in the document or the query, as it came
	Before string `json:"before,omitempty"` // JSON text, cut when long, hidden when secret
	After  string `json:"after,omitempty"`  // likewise; empty where something was left out
}

// cut is the length at which Before and After are cut.
const cut = 120

// Hidden stands in a record for a value that nobody may see, such as a password.
const Hidden = "(hidden)"

// Applied returns how many times any rule was applied.
func (a *Account) Applied() int {
	if a == nil {
		return 0
	}
	return int(a.applied)
}

// Counts walks over the rules that were applied and how many times each was, in the order of the table.
func (a *Account) Counts() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		if a.Applied() == 0 {
			return
		}
		for r, n := range a.counts {
			if n > 0 && !yield(table[r].ID, int(n)) {
				return
			}
		}
	}
}

// Records returns the first corrections, at most Limit.
func (a *Account) Records() []Correction {
	if a == nil {
		return nil
	}
	return a.corrections
}

func (a *Account) count(r ruleID, n int) {
	if a != nil {
		a.counts[r] += uint32(n)
		a.applied += uint32(n)
	}
}

// wants reports whether the next application is to be recorded.
func (a *Account) wants() bool { return a != nil && len(a.corrections) < a.Limit }

// note counts an application outside of a document, and records it.
func (a *Account) note(r ruleID, path, before, after string) {
	a.count(r, 1)
	if a.wants() {
		a.corrections = append(a.corrections, Correction{table[r].ID, path, short(before), short(after)})
	}
}

// short cuts a text without breaking a character.
func short(s string) string {
	if len(s) <= cut {
		return s
	}
	n := cut
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// place is where in a document the pass is: keys and indexes from the root down. It is kept in an array so that following
// it costs nothing; what lies deeper than the array is named by what holds it.
type place struct {
	steps [8]doc.Span // an object's key, or the index of an array's element and anIndex
	depth int
}

const anIndex = -1

func (p *place) index(i int) { p.key(doc.Span{From: i, To: anIndex}) }

func (p *place) key(s doc.Span) {
	if p.depth < len(p.steps) {
		p.steps[p.depth] = s
	}
	p.depth++
}

func (p *place) pop() { p.depth-- }

// name returns the place as a person reads it: Operations[0].value[3].primary. What is in brackets in a key is left out: it is a
// value.
func (p *place) name(d doc.Doc) string {
	text := p.text(d)
	for i := 0; ; {
		open := strings.IndexByte(text[i:], '[')
		if open < 0 {
			return text
		}
		i += open + 1
		if end := strings.IndexByte(text[i:], ']'); end < 0 || !digits([]byte(text[i:i+end])) {
			rest := ""
			if end := strings.LastIndexByte(text[i:], ']'); end >= 0 {
				rest = text[i+end:]
			}
			return text[:i] + "…" + rest
		}
	}
}

// text returns the place with all that is in its keys.
func (p *place) text(d doc.Doc) string {
	var b []byte
	for _, s := range p.steps[:min(p.depth, len(p.steps))] {
		if s.To == anIndex {
			b = append(strconv.AppendInt(append(b, '['), int64(s.From), 10), ']')
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, d.In(s).Text()...)
	}
	return short(string(b))
}

// at names an attribute and where it is, unless that is its name.
func (p *pass) at(name string) string {
	if where := p.where(); where != name {
		return name + " at " + where
	}
	return name
}

// located says in the detail of an error where it was.
func (p *pass) located(err error) error {
	e, ok := errors.AsType[*scim.Error](err)
	if where := p.where(); ok && where != "" {
		named := *e
		named.Detail = where + ": " + e.Detail
		return &named
	}
	return err
}

// where names the place for an error's detail.
func (p *pass) where() string { return p.place.name(p.d) }
