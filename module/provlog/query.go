package provlog

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// Reader reads a log while another process or goroutine writes it. Everything it returns is of the organizations that it
// was opened for.
type Reader struct {
	db            *sql.DB
	organizations []string // nil for all
}

// OpenReader opens the file for reading. Without organizations it reads those of all; a caller that shows only some of
// them names them here, so that no question can reach another's.
func OpenReader(file string, organizations ...string) (*Reader, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: file, Err: errors.New("is a directory")}
	}
	db, err := sql.Open("sqlite", dsn(file, true))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	var is int
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&is); err != nil || is == 0 {
		if err == nil { // its writer has not made the tables yet
			err = &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
		}
		return nil, errors.Join(err, db.Close())
	}
	return &Reader{db: db, organizations: organizations}, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.db.Close() }

// Search is what records are looked for by; what is zero is not asked for.
type Search struct {
	Organization string
	Subject      string   // id of a user or group, whose whole timeline it then is
	Text         []string // part of a name or an id, in any of these spellings
	Resource     string
	Verb         string
	Rule         string
	Status       int // 4 is all of 400 to 499
	Failed       bool
	Leaver       bool
	Since, Until time.Time
	After        int64 // records with a greater id
	Before       int64 // records with a smaller id
	Oldest       bool  // the oldest first
	Limit        int   // 0 is 100
}

// where builds a condition.
type where struct {
	text []string
	args []any
}

func (w *where) add(text string, args ...any) {
	w.text, w.args = append(w.text, text), append(w.args, args...)
}

// of limits a question to the organizations that may be seen.
func (r *Reader) of(w *where, column, organization string) {
	if organization != "" {
		w.add(column+" = ?", organization)
	}
	if len(r.organizations) == 0 {
		return
	}
	args := make([]any, len(r.organizations))
	for i, o := range r.organizations {
		args[i] = o
	}
	w.add(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// ask puts a question. Its text is put together here, of constants alone; what somebody asks for is an argument.
func (r *Reader) ask(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return r.db.QueryContext(ctx, text, args...)
}

// like is a pattern that finds a text anywhere, with nothing in it that is special.
func like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// Records returns what the search finds, the newest first.
func (r *Reader) Records(ctx context.Context, s Search) ([]*Record, error) {
	var w where
	r.of(&w, "q.organization", s.Organization)
	if s.Subject != "" {
		w.add("q.id IN (SELECT request FROM mentions WHERE subject = ? AND organization = q.organization)", s.Subject)
		if s.Organization != "" { // the primary key finds them
			w.text, w.args = w.text[:len(w.text)-1], w.args[:len(w.args)-1]
			w.add("q.id IN (SELECT request FROM mentions WHERE organization = ? AND subject = ?)", s.Organization, s.Subject)
		}
	}
	var alike []string
	var args []any
	for _, t := range s.Text {
		if t != "" {
			alike, args = append(alike, `q.name LIKE ? ESCAPE '\' OR q.subject LIKE ? ESCAPE '\'`), append(args, like(t), like(t))
		}
	}
	if len(alike) > 0 {
		w.add("("+strings.Join(alike, " OR ")+")", args...)
	}
	for _, c := range []struct {
		text  string
		value string
	}{{"q.resource = ?", s.Resource}, {"q.verb = ?", s.Verb}} {
		if c.value != "" {
			w.add(c.text, c.value)
		}
	}
	if s.Rule != "" {
		w.add(`q.rules LIKE ? ESCAPE '\'`, like(" "+s.Rule+" "))
	}
	switch {
	case s.Status >= 100:
		w.add("q.status = ?", s.Status)
	case s.Status > 0:
		w.add("q.status BETWEEN ? AND ?", s.Status*100, s.Status*100+99)
	}
	if s.Failed {
		w.add("q.failed = 1")
	}
	if s.Leaver {
		w.add("q.failed = 1 AND q.leaver = 1")
	}
	if !s.Since.IsZero() {
		w.add("q.time >= ?", s.Since.UnixMilli())
	}
	if !s.Until.IsZero() {
		w.add("q.time < ?", s.Until.UnixMilli())
	}
	if s.After > 0 {
		w.add("q.id > ?", s.After)
	}
	if s.Before > 0 {
		w.add("q.id < ?", s.Before)
	}
	order := " ORDER BY q.id DESC"
	if s.Oldest {
		order = " ORDER BY q.id"
	}
	if s.Limit <= 0 {
		s.Limit = 100
	}
	return r.records(ctx, "SELECT q.id, q.name, q.record FROM requests q"+condition(&w)+order+" LIMIT ?", append(w.args, s.Limit))
}

func condition(w *where) string {
	if len(w.text) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.text, " AND ")
}

func (r *Reader) records(ctx context.Context, query string, args []any) (found []*Record, err error) {
	rows, err := r.ask(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name, body string
		if err := rows.Scan(&id, &name, &body); err != nil {
			return nil, err
		}
		record := new(Record)
		if err := json.Unmarshal([]byte(body), record); err != nil {
			return nil, err
		}
		record.ID, record.Name = id, name
		found = append(found, record)
	}
	return found, rows.Err()
}

// Record returns one record; nil where there is none that may be seen.
func (r *Reader) Record(ctx context.Context, id int64) (*Record, error) {
	var w where
	w.add("q.id = ?", id)
	r.of(&w, "q.organization", "")
	found, err := r.records(ctx, "SELECT q.id, q.name, q.record FROM requests q"+condition(&w), w.args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

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
	rows, err := r.ask(ctx, `SELECT q.id, q.time, q.organization, q.resource, q.verb, q.subject, q.name, q.status, q.failed, q.leaver,
	group_concat(m.what, ' '), trim(q.rules), q.notes, q.error FROM mentions m JOIN requests q ON q.id = m.request`+
		condition(&w)+" GROUP BY m.request ORDER BY m.request DESC LIMIT ?", append(w.args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		var l Line
		var at int64
		if err := rows.Scan(&l.ID, &at, &l.Organization, &l.Resource, &l.Verb, &l.Subject, &l.Name, &l.Status, &l.Failed, &l.Leaver,
			&l.What, &l.Rules, &l.Notes, &l.Error); err != nil {
			return nil, err
		}
		l.Time, l.What = time.UnixMilli(at), strings.TrimSpace(l.What)
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

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
	r.of(&w, "organization", organization)
	var alike []string
	for _, t := range texts {
		if t != "" {
			alike = append(alike, `name LIKE ? ESCAPE '\' OR login LIKE ? ESCAPE '\' OR id LIKE ? ESCAPE '\'`)
			w.args = append(w.args, like(t), like(t), like(t))
		}
	}
	if len(alike) > 0 {
		w.text = append(w.text, "("+strings.Join(alike, " OR ")+")")
	}
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
	rows, err := r.ask(ctx, "SELECT organization, resource, id, name, login, active, state, gone, since, seen FROM subjects"+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Subject
	for rows.Next() {
		var s Subject
		var since, seen int64
		if err := rows.Scan(&s.Organization, &s.Resource, &s.ID, &s.Name, &s.Login, &s.Active, &s.State, &s.Gone, &since, &seen); err != nil {
			return nil, err
		}
		s.Since, s.Seen = time.UnixMilli(since), time.UnixMilli(seen)
		found = append(found, s)
	}
	return found, rows.Err()
}

// Organizations returns the names of all that may be seen and have records.
func (r *Reader) Organizations(ctx context.Context) ([]string, error) {
	var w where
	r.of(&w, "organization", "")
	rows, err := r.ask(ctx, "SELECT DISTINCT organization FROM requests"+condition(&w)+" ORDER BY 1", w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Bucket is what happened in a piece of time.
type Bucket struct {
	Start            time.Time
	Requests, Failed int
	Milliseconds     float64 // mean
}

// Histogram counts an organization's requests since a time, in pieces of the length given; pieces without any are there
// too.
func (r *Reader) Histogram(ctx context.Context, organization string, since, until time.Time, width time.Duration) ([]Bucket, error) {
	step := width.Milliseconds()
	start := since.UnixMilli() / step * step
	n := int((until.UnixMilli()-start)/step) + 1
	buckets := make([]Bucket, n)
	for i := range buckets {
		buckets[i].Start = time.UnixMilli(start + int64(i)*step)
	}
	var w where
	w.add("time >= ?", start)
	r.of(&w, "organization", organization)
	rows, err := r.ask(ctx, "SELECT (time - ?) / ?, count(*), sum(failed), avg(ms) FROM requests"+condition(&w)+" GROUP BY 1",
		append([]any{start, step}, w.args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at int
		var b Bucket
		if err := rows.Scan(&at, &b.Requests, &b.Failed, &b.Milliseconds); err != nil {
			return nil, err
		}
		if at >= 0 && at < n {
			b.Start, buckets[at] = buckets[at].Start, b
		}
	}
	return buckets, rows.Err()
}

// RuleCount is how many requests a rule was applied to.
type RuleCount struct {
	Rule     string
	Requests int
}

// Rules returns which rules were applied since a time, the most frequent first.
func (r *Reader) Rules(ctx context.Context, organization string, since time.Time) ([]RuleCount, error) {
	var w where
	w.add("time >= ? AND rules <> ''", since.UnixMilli())
	r.of(&w, "organization", organization)
	rows, err := r.ask(ctx, "SELECT rules, count(*) FROM requests"+condition(&w)+" GROUP BY 1", w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var rules string
		var n int
		if err := rows.Scan(&rules, &n); err != nil {
			return nil, err
		}
		for rule := range strings.FieldsSeq(rules) {
			counts[rule] += n
		}
	}
	return sorted(counts), rows.Err()
}

// Leavers returns the users whose last deactivation was refused: they are still active.
func (r *Reader) Leavers(ctx context.Context, organization string) ([]*Record, error) {
	var w where
	w.add("q.failed = 1 AND q.leaver = 1")
	r.of(&w, "q.organization", organization)
	return r.records(ctx, `SELECT q.id, q.name, q.record FROM requests q`+condition(&w)+`
	AND q.id = (SELECT max(l.id) FROM mentions m JOIN requests l ON l.id = m.request
		WHERE m.organization = q.organization AND m.subject = q.subject AND m.what = '' AND l.verb IN ('create', 'replace', 'patch', 'delete'))
	ORDER BY q.id DESC LIMIT 100`, w.args)
}

func sorted(counts map[string]int) []RuleCount {
	var all []RuleCount
	for rule, n := range counts {
		all = append(all, RuleCount{rule, n})
	}
	slices.SortFunc(all, func(a, b RuleCount) int { return cmp.Or(b.Requests-a.Requests, strings.Compare(a.Rule, b.Rule)) })
	return all
}

// Invited returns the users who have been invited since before a time and have not accepted.
func (r *Reader) Invited(ctx context.Context, organization string, before time.Time) ([]Subject, error) {
	var w where
	w.add("resource = 'User' AND state = 'invited' AND gone = 0 AND active <> 0 AND since < ?", before.UnixMilli())
	r.of(&w, "organization", organization)
	return r.subjects(ctx, condition(&w)+" ORDER BY since LIMIT 50", w.args)
}
