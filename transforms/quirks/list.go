package quirks

import "github.com/caddy-scim/gateway/transforms/doc"

// list walks with the pass's cursor over the members of an array or an object. Commas are written here and nowhere else: a
// member that is left out takes one with it, whatever stands before it and behind, and members that are written in the
// place of one bring theirs. What becomes of a member is said before the next one is asked for; without a word it stays.
type list struct {
	from  int  // where the member begins, or what is written in its place goes on
	last  int  // where the last member that stays ends; 0 while there is none
	head  int  // where the first member begins, if it was left out; 0 else
	n     int  // members written in the place of this one
	stays bool // the member, or what is written in its place
}

// open steps into the array or object at the cursor.
func (p *pass) open() list {
	p.cur.Open()
	return list{}
}

// next moves to another member, and reports whether there is one. If there is none, the cursor is behind the bracket.
func (l *list) next(p *pass) bool {
	if l.stays {
		if l.n > 0 {
			p.replace(doc.Span{From: l.from, To: p.cur.Offset()}, "")
		}
		l.last = p.cur.Offset()
	}
	l.stays, l.n = p.cur.More(), 0
	if l.from = p.cur.Offset(); !l.stays {
		l.from-- // the bracket
	}
	if l.head > 0 {
		p.replace(doc.Span{From: l.head, To: l.from}, "")
		l.head = 0
	}
	return l.stays
}

// drop leaves the member out of which nothing was written. The cursor is behind it.
func (l *list) drop(p *pass) {
	l.stays = false
	if l.last == 0 {
		l.head = l.from
		return
	}
	p.replace(doc.Span{From: l.last, To: p.cur.Offset()}, "")
	l.last = p.cur.Offset()
}

// instead begins to write a member in the place of this one, of which nothing up to the given place stays.
func (l *list) instead(p *pass, to int) {
	p.ed.Cut(l.from, to)
	l.from = to
	if l.n++; l.n > 1 {
		p.ed.Write(",")
	}
}

// add writes another member behind all of them. The list is at its end.
func (l *list) add(p *pass, text string) {
	if l.last > 0 {
		text = "," + text
	}
	l.last = l.from
	p.replace(doc.Span{From: l.from, To: l.from}, text)
}
