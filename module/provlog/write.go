package provlog

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// insert adds rows to a table. Each call of SQLite costs more than what a small row does: many go at once.
type insert struct {
	columns   int
	one, many *sql.Stmt
}

// atOnce is how many rows the statement for many has.
const atOnce = 16

// prepareInsert prepares both statements. The last columns are JSON, given as bytes.
func prepareInsert(ctx context.Context, db *sql.DB, columns, ofJSON int, text, onConflict string) (i *insert, err error) {
	row := "(?" + strings.Repeat(", ?", columns-ofJSON-1) + strings.Repeat(", CAST(? AS TEXT)", ofJSON) + ")"
	i = &insert{columns: columns}
	if i.one, err = db.PrepareContext(ctx, text+row+onConflict); err != nil {
		return nil, err
	}
	i.many, err = db.PrepareContext(ctx, text+row+strings.Repeat(", "+row, atOnce-1)+onConflict)
	return i, err
}

// add adds rows, whose values stand one after the other.
func (i *insert) add(ctx context.Context, tx *sql.Tx, values []any) error {
	for stmt, n := tx.StmtContext(ctx, i.many), i.columns*atOnce; len(values) > 0; {
		if len(values) < n {
			stmt, n = tx.StmtContext(ctx, i.one), i.columns
		}
		for ; len(values) >= n; values = values[n:] {
			if _, err := stmt.ExecContext(ctx, values[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts records into the file, all or none, and returns how long they are.
func (s *store) write(ctx context.Context, batch []*rendered) (size int64, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	var id int64
	if err := tx.QueryRowContext(ctx, lastID).Scan(&id); err != nil {
		return 0, err
	}
	seen := people{tx: tx, found: map[who]*told{}, names: map[who]string{}}
	requests := make([]any, 0, s.requests.columns*len(batch))
	mentions := make([]any, 0, 2*s.mentions.columns*len(batch))
	for _, r := range batch {
		id++
		r.ID = id
		if err := seen.record(ctx, r); err != nil {
			return 0, err
		}
		text, documents, err := r.apart()
		if err != nil {
			return 0, err
		}
		size += int64(len(text)+len(documents[0])+len(documents[1])+len(documents[2])) + int64(len(r.mentions))*50
		rules := ""
		if len(r.ruleIDs) > 0 {
			rules = " " + strings.Join(r.ruleIDs, " ") + " "
		}
		calls, upstream := r.upstream()
		requests = append(requests, id, r.Time.UnixMilli(), r.Organization, r.Resource, r.Verb, r.Subject, r.Name, r.Status, bit(r.Failed), bit(r.Leaver),
			r.Milliseconds, calls, upstream.Microseconds(), rules, notes(r.Notes), r.Error, text, []byte(documents[0]), []byte(documents[1]), []byte(documents[2]))
		for _, m := range r.mentions {
			mentions = append(mentions, r.Organization, m.id, id, m.what)
		}
	}
	for _, t := range []struct {
		table  *insert
		values []any
	}{{s.requests, requests}, {s.mentions, mentions}, {s.subjects, seen.rows()}} {
		if err := t.table.add(ctx, tx, t.values); err != nil {
			return 0, err
		}
	}
	return size, tx.Commit()
}

// upstream returns how many calls of those that are kept were made, and how long they took together.
func (r *Record) upstream() (made int, took time.Duration) {
	for _, c := range r.Calls {
		if !c.Planned {
			made++
			took += time.Duration(c.Milliseconds * float64(time.Millisecond))
		}
	}
	return made, took
}

// people are the users and groups of a batch: whoever is in it several times is written once.
type people struct {
	tx    *sql.Tx
	found map[who]*told
	names map[who]string // in the file
}

type who struct{ organization, resource, id string }

type told struct {
	subject
	since, seen int64
}

// record takes what a record says of users and groups, and gives it the name of its own where it has none.
func (p *people) record(ctx context.Context, r *rendered) (err error) {
	if r.Name == "" && r.Subject != "" {
		if r.Name, err = p.name(ctx, who{r.Organization, r.Resource, r.Subject}); err != nil {
			return err
		}
	}
	for _, s := range r.seen {
		if s.id != "" {
			p.take(who{r.Organization, s.resource, s.id}, s, r.Time.UnixMilli())
		}
	}
	return nil
}

func (p *people) name(ctx context.Context, w who) (string, error) {
	known := p.found[w]
	if known == nil {
		known = new(told)
	}
	if known.name != "" {
		return known.name, nil
	}
	name, ok := p.names[w]
	if !ok {
		err := p.tx.QueryRowContext(ctx, nameOf, w.organization, w.resource, w.id).Scan(&name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		p.names[w] = name
	}
	return cmp.Or(name, known.login), nil
}

// take adds what somebody was last told. What was not said stays, as in the file.
func (p *people) take(w who, s subject, at int64) {
	known := p.found[w]
	if known == nil {
		p.found[w] = &told{s, at, at}
		return
	}
	s.name, s.login, s.state = cmp.Or(s.name, known.name), cmp.Or(s.login, known.login), cmp.Or(s.state, known.state)
	if s.active < 0 {
		s.active = known.active
	}
	known.subject, known.seen = s, at
}

func (p *people) rows() (values []any) {
	for w, s := range p.found {
		values = append(values, w.organization, w.resource, w.id, s.name, s.login, s.active, s.state, bit(s.gone), s.since, s.seen)
	}
	return values
}
