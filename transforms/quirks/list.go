package quirks

import "github.com/caddy-scim/gateway/transforms/doc"

// Commas are written here and nowhere else: a member of a list or an object that is left out takes one with it, whatever
// stands before it and behind, and members that are written in the place of one bring theirs.

// list keeps the commas right while members of an array or an object are left out.
type list struct {
	last int // where the last member that stays ends; 0 while there is none
	head int // where the first member begins, if it was left out; 0 else
}

// keep says that the member at from stays. It has to be called before anything in the member is written, and end after.
func (l *list) keep(p *pass, from int) {
	if l.last == 0 && l.head > 0 {
		p.replace(doc.Span{From: l.head, To: from}, "")
		l.head = 0
	}
}

func (l *list) end(to int) { l.last = to }

// drop leaves a member out.
func (l *list) drop(p *pass, s doc.Span) {
	switch {
	case l.last > 0:
		p.replace(doc.Span{From: l.last, To: s.To}, "")
		l.last = s.To
	case l.head == 0:
		l.head = s.From
	}
}

// close ends the list whose closing bracket is at the given place.
func (l *list) close(p *pass, bracket int) {
	if l.last == 0 && l.head > 0 {
		p.replace(doc.Span{From: l.head, To: bracket}, "")
	}
}

// add writes another member before the closing bracket, which is at the given place, after close.
func (l *list) add(p *pass, bracket int, text string) {
	if l.last > 0 {
		text = "," + text
	}
	l.last = bracket
	p.replace(doc.Span{From: bracket, To: bracket}, text)
}

// splitter writes several members, or none, in the place of one member of a list.
type splitter struct {
	list *list
	from int // what of the original was not cut yet
	n    int // members written
}

// next begins another member; the original is cut up to the given place.
func (w *splitter) next(p *pass, to int) {
	if w.n++; w.n == 1 {
		w.list.keep(p, w.from)
	}
	p.ed.Cut(w.from, to)
	w.from = to
	if w.n > 1 {
		p.ed.Write(",")
	}
}

// close ends it: nothing is left of the member that fills the span.
func (w *splitter) close(p *pass, whole doc.Span) {
	if w.n == 0 {
		w.list.drop(p, whole)
		return
	}
	p.replace(doc.Span{From: w.from, To: whole.To}, "")
	w.list.end(whole.To)
}
