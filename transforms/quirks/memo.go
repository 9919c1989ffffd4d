package quirks

import (
	"hash/maphash"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// add puts an identifier into the set and tells whether it was there.
func (s *seen) add(p *pass, id doc.Span) bool {
	if s.slots == nil {
		s.slots = s.few[:]
	}
	if 2*s.n >= len(s.slots) {
		s.grow(p, id)
	}
	h := p.hash(id)
	mask := uint32(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := &s.slots[i]
		if e.to == 0 {
			*e = slot{h, uint32(id.From), uint32(id.To)}
			s.n++
			return false
		}
		if e.hash == h && p.sameText(doc.Span{From: int(e.from), To: int(e.to)}, id) {
			return true
		}
	}
}

// grow makes a larger table: at once as large as the rest of the document could need, judged by what the list took so far.
func (s *seen) grow(p *pass, id doc.Span) {
	first := int(s.slots[0].from)
	for _, e := range s.slots {
		if e.to != 0 && (first == 0 || int(e.from) < first) {
			first = int(e.from)
		}
	}
	each := max(1, (id.From-first)/s.n)
	expected := s.n + (len(p.d.Raw())-id.From)/each
	size := 2 * len(s.slots)
	for size < 2*expected && size < 1<<20 {
		size *= 2
	}
	old := s.slots
	s.slots = make([]slot, size)
	mask := uint32(size - 1)
	for _, e := range old {
		if e.to == 0 {
			continue
		}
		i := e.hash & mask
		for s.slots[i].to != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = e
	}
}

// hash is that of the decoded text.
func (p *pass) hash(id doc.Span) uint32 {
	raw := p.raw(id)
	if p.escaped(id) {
		raw = []byte(p.decoded(id))
	}
	h := maphash.Bytes(seed, raw)
	return uint32(h ^ h>>32)
}

// decoded is the text of the inside of a string.
func (p *pass) decoded(id doc.Span) string {
	return p.d.In(doc.Span{From: id.From - 1, To: id.To + 1}).Text()
}

func (p *pass) sameText(a, b doc.Span) bool {
	return string(p.raw(a)) == string(p.raw(b)) || (p.escaped(a) || p.escaped(b)) && p.decoded(a) == p.decoded(b)
}

// memo is what was found out about an element of a list: its shape, and what has to change in an element of this shape.
type memo struct {
	ok        bool
	shape     doc.Shape
	fill      [doc.MaxHoles]doc.Span
	id        int // the hole that identifies a member; -1 where none does
	primaries int
	rec       recorder
	before    int
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

// edit is a change behind the hole with the given number, or before the first one (0), as a distance from there.
type edit struct {
	piece    int
	from, to int
	text     string
}

// learn begins to record what is done to the element.
func (m *memo) learn(p *pass, whole doc.Span) {
	m.ok = false
	m.rec = recorder{whole: whole, id: -1}
	m.before = p.primaries
	p.rec = &m.rec
}

// learned ends the record. While records are wanted, elements that had to be changed are opened one by one.
func (m *memo) learned(p *pass) {
	p.rec = nil
	r := &m.rec
	if r.spoilt || r.counts > 0 && p.acc.wants() || m.before != p.primaries {
		return
	}
	if m.shape, m.ok = p.d.Shape(r.whole, r.texts[:r.holes]); !m.ok {
		return
	}
	m.id = r.id
	for i := range r.n {
		if !r.settle(&m.shape, &r.edits[i]) {
			m.ok = false
			return
		}
	}
}

// settle makes an edit relative to the piece of the shape that it lies in; it is false where it lies in more than one.
func (r *recorder) settle(s *doc.Shape, e *edit) bool {
	from, to := e.from-r.whole.From, e.to-r.whole.From
	for i := range s.Holes() + 1 {
		if piece := s.Piece(i); piece.From <= from && to <= piece.To && (from < piece.To || to == piece.To) {
			e.piece, e.from, e.to = i, from-piece.From, to-piece.From
			return true
		}
	}
	return false
}

// repeat does to the element that was just matched what was done to the one that the memo is of.
func (m *memo) repeat(p *pass, from int) {
	for i := range m.rec.n {
		e := &m.rec.edits[i]
		base := from
		if e.piece > 0 {
			base = m.fill[e.piece-1].To
		}
		p.ed.Cut(base+e.from, base+e.to)
		p.ed.Write(e.text)
	}
	for _, r := range m.rec.rules[:m.rec.counts] {
		p.acc.count(r, 1)
	}
}

func (r *recorder) edit(s doc.Span, text string) {
	if s.From < r.whole.From || s.To > r.whole.To {
		return // the commas around the element
	}
	if r.n == maxEdits {
		r.spoilt = true
		return
	}
	r.edits[r.n] = edit{from: s.From, to: s.To, text: text}
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
func (r *recorder) text(a *schema.Attribute, key, s doc.Span) {
	if a != nil && a.Type != schema.String && a.Type != schema.Reference {
		return // a boolean in quotes: its text is part of the shape
	}
	if r.holes == doc.MaxHoles {
		return // so is every string after the fourth
	}
	if s.To-s.From == 2 {
		return
	}
	if a != nil && a.Name == "value" {
		r.id = r.holes
	}
	r.texts[r.holes] = s
	r.holes++
}

// shapeOf is the shape of a member that a remove names, and the hole with its identifier; -1 where it has none.
func (p *pass) shapeOf(whole doc.Span, a *schema.Attribute) (s doc.Shape, id int) {
	r := recorder{whole: whole, id: -1}
	c := p.d.At(whole.From)
	switch c.Kind() {
	case doc.String:
		r.text(a.SubAttribute("value"), doc.Span{}, whole)
	case doc.Object:
		for c.Open(); c.More(); {
			key := c.Key()
			text := c.Kind() == doc.String
			if v := c.Skip(); text {
				r.text(p.sub(a, key), key, v)
			}
		}
	}
	s, ok := p.d.Shape(whole, r.texts[:r.holes])
	if !ok || r.id < 0 {
		return s, -1
	}
	return s, r.id
}
