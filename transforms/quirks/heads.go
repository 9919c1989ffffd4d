package quirks

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// head is an operation up to its value, as a provider writes it: {"op":"Replace","path":"active","value":
//
// A provider writes the same operations in the same order, over and over. So each head remembers which one came after it
// the last time, and the guess is right most of the time: then the operation needs not be taken apart again.
type head struct {
	text  string
	rules []rule   // because of which a part of it is written in another way; none where it stays
	cut   doc.Span // the part
	out   string   // what is written in its place
	value expected
	next  atomic.Uint32 // the slot of the head that came after it, plus one
}

// expected is a value that nothing has to be done about.
type expected uint8

const (
	anyValue  expected = iota // of what the schema does not know
	someText                  // a string with something in it
	plainText                 // one without escapes
	aBoolean                  // true or false
)

// heads are those that are known. A slot holds the last one that fell into it, and heads name each other by their slots, so
// that nobody can make them more.
type heads struct {
	first atomic.Uint32 // the slot of the head that came first, plus one
	slots [128]atomic.Pointer[head]
}

// at is the head in a slot, counted from one; nil for zero.
func (h *heads) at(slot uint32) *head {
	if h == nil || slot == 0 {
		return nil
	}
	return h.slots[slot-1].Load()
}

// slot is where a head is, or should go: one that is free if there is one nearby.
func (h *heads) slot(text []byte) uint32 {
	first := maphash.Bytes(seed, text)
	for i := range uint64(nearby) {
		slot := (first + i) % uint64(len(h.slots))
		if at := h.slots[slot].Load(); at == nil || at.text == string(text) {
			return uint32(slot) + 1
		}
	}
	return uint32(first%uint64(len(h.slots))) + 1
}

// nearby is how many slots are tried before one that is taken is given to another.
const nearby = 4

// longestHead that is remembered: a longer one has an identifier in its path.
const longestHead = 200

// predicted normalizes the operations at the cursor as long as each begins as was guessed, nothing is to be done about its
// value, and no white space is between them. It returns how many they were.
func (p *pass) predicted(l *list, most int) (n int, err error) {
	wants := p.acc.wants() // records tell where a rule was applied
	end := p.cur.Offset()
	c, last, h := p.d.At(end), p.after, p.guess
	for h != nil && n < most && (len(h.rules) == 0 || !wants) {
		from := c.Offset()
		if !c.Take(h.text) {
			break
		}
		var (
			at   = c.Offset()
			word string
			ok   bool
		)
		if h.value == someText || h.value == plainText {
			ok = c.TakeText(h.value == plainText)
		} else {
			word, ok = p.foreseen(&c, h.value, wants)
		}
		behind := c.Offset()
		if !ok || !c.Take("}") {
			break
		}
		if p.ops++; p.ops > p.n.maxOperations {
			return n, p.tooMany()
		}
		l.keep(p, from)
		if len(h.rules) > 0 {
			p.ed.Replace(from+h.cut.From, from+h.cut.To, h.out)
			for _, r := range h.rules {
				p.acc.count(r, 1)
			}
		}
		if word != "" {
			p.ed.Replace(at, behind, word)
			p.acc.count(booleanString, 1)
		}
		end = c.Offset()
		l.end(end)
		n++
		last, h = h, p.heads.at(h.next.Load())
		if !c.Take(",") {
			break
		}
	}
	p.cur.Jump(end)
	p.after, p.guess = last, h
	return n, nil
}

// foreseen moves over a value of any kind, or a boolean that nothing has to be done about, or one for which a word is to be written.
func (p *pass) foreseen(c *doc.Cursor, value expected, wants bool) (word string, ok bool) {
	switch {
	case value == anyValue:
		c.Space()
		c.Skip()
		return "", true
	case c.Kind() == doc.Bool:
		return "", c.Take("true") || c.Take("false")
	case !p.on[booleanString] || wants:
		return "", false
	case c.Take(`"True"`), c.Take(`"true"`):
		return "true", true
	case c.Take(`"False"`), c.Take(`"false"`):
		return "false", true
	}
	return "", false
}

// learn remembers an operation with a path that stayed what it was, if it was written without white space and its value
// needs no more than a look.
func (p *pass) learn(o *operation, t *target) {
	if p.heads == nil || o.act == remove || o.at-o.span.From > longestHead {
		return
	}
	value := anyValue
	switch a := t.attr; {
	case a == nil && t.urn == nil:
	case a == nil, t.list, t.item, a.Mutability == schema.ReadOnly:
		return
	case a.Type == schema.Boolean:
		value = aBoolean
	case a.Type == schema.String && p.identifies(a):
		value = plainText
	case a.Type == schema.String:
		value = someText
	default:
		return
	}
	text, op, path := p.raw(doc.Span{From: o.span.From, To: o.at}), p.raw(o.op), p.raw(o.path)
	slot := p.heads.slot(text)
	h := p.heads.at(slot)
	if h == nil || h.text != string(text) {
		h = &head{text: opening(op, path), value: value}
		if h.text != string(text) {
			return // other members, or white space
		}
		name := op
		if r := p.deviation(o); r != none {
			h.rules = append(h.rules, r)
			name = doc.AppendString(nil, acts[o.act])
		}
		if !t.same {
			for _, r := range t.rules {
				if r != none {
					h.rules = append(h.rules, r)
				}
			}
			path = doc.AppendString(nil, t.canon)
		}
		if len(h.rules) > 0 {
			h.cut, h.out = difference(h.text, opening(name, path))
		}
		p.heads.slots[slot-1].Store(h)
	}
	follows := &p.heads.first
	if p.after != nil {
		follows = &p.after.next
	}
	if follows.Load() != slot {
		follows.Store(slot)
	}
	p.after, p.guess = h, p.heads.at(h.next.Load())
}

// difference is the part of a text that has to be replaced, and by what, for the text to become another one.
func difference(from, to string) (cut doc.Span, with string) {
	for cut.From < min(len(from), len(to)) && from[cut.From] == to[cut.From] {
		cut.From++
	}
	same := 0 // bytes at the ends
	for same < min(len(from), len(to))-cut.From && from[len(from)-1-same] == to[len(to)-1-same] {
		same++
	}
	cut.To = len(from) - same
	return cut, to[cut.From : len(to)-same]
}

// opening is the text of an operation up to its value.
func opening(op, path []byte) string {
	return `{"op":` + string(op) + `,"path":` + string(path) + `,"value":`
}
