package provlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Reader reads a log while another process or goroutine writes it. Everything it returns is of the organizations that it
// was opened for.
type Reader struct {
	db            *sql.DB
	with          string   // makes up the columns that the file lacks: until its writer has opened it, it may be of an earlier version
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
	db, err := sql.Open("sqlite", dsn(file, 0))
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
	r := &Reader{db: db, organizations: organizations}
	for _, c := range lacking(is) {
		r.with += ", " + c.none + " AS " + c.name
	}
	if r.with != "" {
		r.with = "WITH requests AS (SELECT *" + r.with + " FROM main.requests) "
	}
	return r, nil
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
	return r.db.QueryContext(ctx, r.with+text, args...)
}

// like returns a pattern that finds a text anywhere, with nothing in it that is special.
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
	return r.records(ctx, columns+condition(&w)+order+" LIMIT ?", append(w.args, s.Limit))
}

func condition(w *where) string {
	if len(w.text) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.text, " AND ")
}

// columns are those of a record.
const columns = "SELECT q.id, q.name, q.record, q.received, q.canonical, q.answered FROM requests q"

func (r *Reader) records(ctx context.Context, query string, args []any) (found []*Record, err error) {
	rows, err := r.ask(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name, body string
		var documents [3]json.RawMessage
		if err := rows.Scan(&id, &name, &body, (*[]byte)(&documents[0]), (*[]byte)(&documents[1]), (*[]byte)(&documents[2])); err != nil {
			return nil, err
		}
		record := new(Record)
		if err := json.Unmarshal([]byte(body), record); err != nil {
			return nil, err
		}
		record.ID, record.Name = id, name
		record.join(documents)
		found = append(found, record)
	}
	return found, rows.Err()
}

// Record returns one record; nil where there is none that may be seen.
func (r *Reader) Record(ctx context.Context, id int64) (*Record, error) {
	var w where
	w.add("q.id = ?", id)
	r.of(&w, "q.organization", "")
	found, err := r.records(ctx, columns+condition(&w), w.args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
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

// Leavers returns the users whose last deactivation was refused, by the newest request that was: they are still active. It is over
// when they are gone, or are seen without access, or the provider has said something else of active, or created them anew.
func (r *Reader) Leavers(ctx context.Context, organization string) ([]*Record, error) {
	var w where
	w.add("q.failed = 1 AND q.leaver = 1")
	r.of(&w, "q.organization", organization)
	return r.records(ctx, columns+condition(&w)+`
	AND NOT EXISTS (SELECT 1 FROM mentions m JOIN requests l ON l.id = m.request
		WHERE m.organization = q.organization AND m.subject = q.subject AND m.what = '' AND l.id > q.id AND (l.leaver = 1 OR l.status = 404
			OR l.failed = 0 AND (l.verb IN ('create', 'delete') OR l.verb IN ('replace', 'patch')
				AND (l.received LIKE '%"active"%' OR l.canonical LIKE '%"active"%' OR l.notes LIKE '%revoked%' OR l.notes LIKE '%restored%'))))
	AND NOT EXISTS (SELECT 1 FROM subjects s
		WHERE s.organization = q.organization AND s.resource = q.resource AND s.id = q.subject AND s.active = 0 AND s.seen > q.time)
	ORDER BY q.id DESC LIMIT 100`, w.args)
}
