package provlog

import (
	"context"
	"time"
)

// Subject is a user or group as the provider was last told.
type Subject struct {
	Organization, Resource, ID, Name, Login, State string
	Active                                         int // -1 where it was never said
	Gone                                           bool
	Since, Seen                                    time.Time
}

// Subjects returns users or groups by name, those whose name, login or id has one of the texts in it.
func (r *Reader) Subjects(ctx context.Context, organization, resource string, texts []string, limit, offset int) ([]Subject, error) {
	var w where
	w.add("resource = ?", resource)
	w.add("NOT (gone = 1 AND active < 0 AND state = '' AND name = '' AND login = '')") // of whom nothing is known but that they are not there
	r.of(&w, "organization", organization)
	w.alike(texts, "name", "login", "id")
	return r.subjects(ctx, condition(&w)+" ORDER BY gone, name COLLATE NOCASE, id LIMIT ? OFFSET ?", append(w.args, limit, offset))
}

// Subject returns one user or group; nil where none is known that may be seen.
func (r *Reader) Subject(ctx context.Context, organization, id string) (*Subject, error) {
	var w where
	w.add("id = ?", id)
	r.of(&w, "organization", organization)
	found, err := r.subjects(ctx, condition(&w)+" LIMIT 1", w.args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (r *Reader) subjects(ctx context.Context, rest string, args []any) ([]Subject, error) {
	const columns = "SELECT organization, resource, id, name, login, active, state, gone, since, seen FROM subjects"
	return rows(ctx, r, columns+rest, args, func(scan func(...any) error) (s Subject, err error) {
		var since, seen int64
		err = scan(&s.Organization, &s.Resource, &s.ID, &s.Name, &s.Login, &s.Active, &s.State, &s.Gone, &since, &seen)
		s.Since, s.Seen = time.UnixMilli(since), time.UnixMilli(seen)
		return s, err
	})
}

// Invited returns the users who have been invited since before a time and have not accepted.
func (r *Reader) Invited(ctx context.Context, organization string, before time.Time) ([]Subject, error) {
	var w where
	w.add("resource = 'User' AND state = 'invited' AND gone = 0 AND active <> 0 AND since < ?", before.UnixMilli())
	r.of(&w, "organization", organization)
	return r.subjects(ctx, condition(&w)+" ORDER BY since LIMIT 50", w.args)
}
