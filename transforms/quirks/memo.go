package quirks

import (
	"math"
	"sync"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// memo is what was found out about an element of a list.
type memo struct {
	ok        bool
	stencil   doc.Stencil
	set       doc.Set // identifiers of the list's elements so far
	primaries int     // of the pass, before the element
	rec       recorder
}

// memos are those that nobody uses.
var memos = sync.Pool{New: func() any { return new(memo) }}

func (m *memo) free() {
	if m != nil {
		m.set.Free()
		*m = memo{}
		memos.Put(m)
	}
}

// seen tells whether an element of the same identifier was there before.
func (m *memo) seen(p *pass, element doc.Span) bool {
	id, ok := p.identifier(element)
	return ok && m.set.Add(p.d, id)
}

// walk is the way through a list, element by element or many at a time.
type walk struct {
	n        int  // elements so far
	distinct bool // an element that was there before is left out
	first    doc.Span
	m        *memo // from the second element on: most lists have one
}

// knows tells whether something was found out about the element before.
func (w *walk) knows() bool { return w.m != nil && w.m.ok }

// again counts an element and tells whether it was there before; it moves over it then.
func (w *walk) again(p *pass, whole doc.Span) bool {
	w.n++
	if w.n == 1 {
		w.first = whole
		return false
	}
	if w.m == nil {
		if w.m = memos.Get().(*memo); w.distinct {
			w.m.seen(p, w.first)
		}
	}
	if !w.distinct || !w.m.seen(p, whole) {
		return false
	}
	p.note(duplicateMembers, p.raw(whole), nil)
	p.cur.Jump(whole.To)
	return true
}

// recorder is told of what is done to an element while it is opened.
type recorder struct {
	whole  doc.Span
	edits  [maxEdits]edit
	n      int
	rules  [maxEdits]rule
	counts int
	texts  [doc.MaxHoles]doc.Span
	holes  int
	id     int
	spoilt bool // there was too much, or it depends on the text of a string
}

const maxEdits = 8

// edit is a change in an element.
type edit struct {
	at   doc.Span
	text string
}

// learn begins to record what is done to the element.
func (m *memo) learn(p *pass, whole doc.Span) {
	m.ok, m.primaries = false, p.primaries
	m.rec = recorder{whole: whole, id: -1}
	p.rec = &m.rec
}

// learned ends the record. While records are wanted, elements that have to be changed are opened one by one.
func (m *memo) learned(p *pass, distinct bool) {
	p.rec = nil
	r := &m.rec
	if r.spoilt || r.counts > 0 && p.acc.wants() || m.primaries != p.primaries || distinct && r.id < 0 {
		return
	}
	id := -1
	if distinct {
		id = r.id
	}
	if m.stencil, m.ok = p.d.Stencil(r.whole, r.texts[:r.holes], id); m.ok && r.n > 0 {
		m.ok = r.cutOut(p, &m.stencil)
	}
}

// cutOut gives the stencil the pieces of the element with the changes that were made in them. It is false where a change
// reached over a hole.
func (r *recorder) cutOut(p *pass, s *doc.Stencil) bool {
	pieces := make([][]byte, 0, doc.MaxHoles+1)
	n := 0
	for i := range s.Holes() + 1 {
		span := s.Piece(i)
		from, to := r.whole.From+span.From, r.whole.From+span.To
		var piece []byte
		for ; n < r.n && r.edits[n].at.From <= to && (r.edits[n].at.From < to || r.edits[n].at.To == to); n++ {
			e := &r.edits[n]
			if e.at.From < from || e.at.To > to {
				return false
			}
			piece = append(append(piece, p.raw(doc.Span{From: from, To: e.at.From})...), e.text...)
			from = e.at.To
		}
		pieces = append(pieces, append(piece, p.raw(doc.Span{From: from, To: to})...))
	}
	s.Write(pieces, [doc.MaxHoles]bool{})
	return n == r.n
}

// repeat does to the elements at the cursor what was done to the one before, as far as they are like it, and tells how
// many they are.
func (m *memo) repeat(p *pass) int {
	n := p.cur.Repeat(&m.stencil, &m.set, &p.ed, math.MaxInt)
	for _, r := range m.rec.rules[:m.rec.counts] {
		p.acc.count(r, n)
	}
	return n
}

func (r *recorder) edit(s doc.Span, text string) {
	if s.From < r.whole.From || s.To > r.whole.To {
		return // the commas around the element
	}
	if r.n == maxEdits {
		r.spoilt = true
		return
	}
	r.edits[r.n] = edit{s, text}
	r.n++
}

func (r *recorder) rule(applied rule) {
	if r.counts == maxEdits {
		r.spoilt = true
		return
	}
	r.rules[r.counts] = applied
	r.counts++
}

// text makes a hole of a string, if what is done to it does not depend on its text.
func (r *recorder) text(a *schema.Attribute, s doc.Span) {
	switch {
	case s.To-s.From == 2, r.holes == doc.MaxHoles:
		return // there is no hole for it: other elements have to have the same text
	case a != nil && (a.Type != schema.String && a.Type != schema.Reference || len(a.Canonical) > 0):
		return // it matters what a boolean in quotes says, and one type is like the other
	}
	if a != nil && a.Name == "value" {
		r.id = r.holes
	}
	r.texts[r.holes] = s
	r.holes++
}

// removalOf is the stencil that turns members like the given one into removes; it is false where they have no identifier.
func (p *pass) removalOf(whole doc.Span, x *expansion, distinct bool) (s doc.Stencil, ok bool) {
	r := recorder{whole: whole, id: -1}
	a := x.t.attr
	c := p.d.At(whole.From)
	switch c.Kind() {
	case doc.String:
		r.text(a.SubAttribute("value"), whole)
	case doc.Object:
		for c.Open(); c.More(); {
			key := c.Key()
			text := c.Kind() == doc.String
			if v := c.Skip(); text {
				r.text(p.sub(a, key), v)
			}
		}
	}
	if r.id < 0 {
		return s, false
	}
	id := -1
	if distinct {
		id = r.id
	}
	if s, ok = p.d.Stencil(whole, r.texts[:r.holes], id); !ok {
		return s, false
	}
	var pieces [doc.MaxHoles + 1][]byte
	var skip [doc.MaxHoles]bool
	for i := range r.holes {
		skip[i] = i != r.id
	}
	pieces[0] = []byte(x.open)
	pieces[r.holes] = []byte(x.tail())
	s.Write(pieces[:r.holes+1], skip)
	s.Lead = ","
	return s, true
}
