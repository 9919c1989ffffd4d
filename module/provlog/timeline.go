package provlog

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// Line is one entry of a timeline.
type Line struct {
	ID                  int64
	Time                time.Time
	Organization        string
	Resource, Verb      string
	Subject, Name       string
	Status              int
	Failed, Leaver      bool
	What                string // for a request about something else, such as a group: what it did to the subject
	Rules, Notes, Error string
}

// Word is one thing that a request about something else did to the subject of a timeline.
type Word struct{ What, Group string }

// Words returns what the request did to the subject of the timeline. Group is that of a membership, where the request was
// about the user.
func (l *Line) Words() (all []Word) {
	for word := range strings.FieldsSeq(l.What) {
		what, group, _ := strings.Cut(word, inGroup)
		if id, err := url.PathUnescape(group); err == nil {
			group = id
		}
		all = append(all, Word{what, group})
	}
	return all
}

// Timeline returns all that happened to a user or group, the newest first: the requests about it, and those that
// mention it.
func (r *Reader) Timeline(ctx context.Context, organization, subject string, limit int) ([]Line, error) {
	var w where
	w.add("m.subject = ?", subject)
	r.of(&w, "m.organization", organization)
	const columns = `SELECT q.id, q.time, q.organization, q.resource, q.verb, q.subject, q.name, q.status, q.failed, q.leaver,
	group_concat(m.what, ' '), trim(q.rules), q.notes, q.error FROM mentions m JOIN requests q ON q.id = m.request`
	return rows(ctx, r, columns+condition(&w)+" GROUP BY m.request ORDER BY m.request DESC LIMIT ?", append(w.args, limit), func(scan func(...any) error) (l Line, err error) {
		var at int64
		err = scan(&l.ID, &at, &l.Organization, &l.Resource, &l.Verb, &l.Subject, &l.Name, &l.Status, &l.Failed, &l.Leaver,
			&l.What, &l.Rules, &l.Notes, &l.Error)
		l.Time, l.What = time.UnixMilli(at), strings.TrimSpace(l.What)
		return l, err
	})
}
