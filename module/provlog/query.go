package provlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
	if columns := lacking(is); len(columns) > 0 {
		var more strings.Builder
		for _, c := range columns {
			fmt.Fprintf(&more, ", %s AS %s", c.none, c.name)
		}
		r.with = "WITH requests AS (SELECT *" + more.String() + " FROM main.requests) "
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

// rows puts a question, and returns what read makes of each row. The text is put together here, of constants alone; what somebody
// asks for is an argument.
func rows[T any](ctx context.Context, r *Reader, text string, args []any, read func(scan func(...any) error) (T, error)) (all []T, err error) {
	found, err := r.db.QueryContext(ctx, r.with+text, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		one, err := read(found.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, found.Err()
}

// alike asks for rows that have one of the texts in one of the columns.
func (w *where) alike(texts []string, columns ...string) {
	var some []string
	for _, t := range texts {
		if t == "" {
			continue
		}
		for _, column := range columns {
			some, w.args = append(some, column+` LIKE ? ESCAPE '\'`), append(w.args, like(t))
		}
	}
	if len(some) > 0 {
		w.text = append(w.text, "("+strings.Join(some, " OR ")+")")
	}
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
		if s.Organization != "" { // the primary key finds them
			w.add("q.id IN (SELECT request FROM mentions WHERE organization = ? AND subject = ?)", s.Organization, s.Subject)
		} else {
			w.add("q.id IN (SELECT request FROM mentions WHERE subject = ? AND organization = q.organization)", s.Subject)
		}
	}
	w.alike(s.Text, "q.name", "q.subject")
	for _, c := range []struct {
		asked bool
		text  string
		args  []any
	}{
		{s.Resource != "", "q.resource = ?", []any{s.Resource}},
		{s.Verb != "", "q.verb = ?", []any{s.Verb}},
		{s.Rule != "", `q.rules LIKE ? ESCAPE '\'`, []any{like(" " + s.Rule + " ")}},
		{s.Status >= 100, "q.status = ?", []any{s.Status}},
		{s.Status > 0 && s.Status < 100, "q.status BETWEEN ? AND ?", []any{s.Status * 100, s.Status*100 + 99}},
		{s.Failed, "q.failed = 1", nil},
		{s.Leaver, "q.failed = 1 AND q.leaver = 1", nil},
		{!s.Since.IsZero(), "q.time >= ?", []any{s.Since.UnixMilli()}},
		{!s.Until.IsZero(), "q.time < ?", []any{s.Until.UnixMilli()}},
		{s.After > 0, "q.id > ?", []any{s.After}},
		{s.Before > 0, "q.id < ?", []any{s.Before}},
	} {
		if c.asked {
			w.add(c.text, c.args...)
		}
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

func (r *Reader) records(ctx context.Context, query string, args []any) ([]*Record, error) {
	return rows(ctx, r, query, args, func(scan func(...any) error) (*Record, error) {
		var id int64
		var name string
		var body []byte
		var documents [3]json.RawMessage
		if err := scan(&id, &name, &body, (*[]byte)(&documents[0]), (*[]byte)(&documents[1]), (*[]byte)(&documents[2])); err != nil {
			return nil, err
		}
		record := new(Record)
		if err := json.Unmarshal(body, record); err != nil {
			return nil, err
		}
		record.ID, record.Name = id, name
		record.join(documents)
		return record, nil
	})
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
	return rows(ctx, r, "SELECT DISTINCT organization FROM requests"+condition(&w)+" ORDER BY 1", w.args, func(scan func(...any) error) (name string, err error) {
		err = scan(&name)
		return name, err
	})
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
