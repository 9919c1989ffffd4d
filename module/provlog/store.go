package provlog

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/caddy-scim/gateway/module/trace"
)

// version of the tables. A file with a newer one is left alone; to an older one is added what it lacks.
const version = 3

// What is searched for is in columns, so that "sqlite3 provisioning.db" can be asked too; the record holds all of it but the
// documents.
const tables = `
CREATE TABLE IF NOT EXISTS requests (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	time         INTEGER NOT NULL, -- milliseconds since 1970
	organization TEXT NOT NULL,
	resource     TEXT NOT NULL,
	verb         TEXT NOT NULL,
	subject      TEXT NOT NULL,
	name         TEXT NOT NULL,
	status       INTEGER NOT NULL,
	failed       INTEGER NOT NULL,
	leaver       INTEGER NOT NULL, -- a deactivation that was refused
	ms           REAL NOT NULL,
	calls        INTEGER NOT NULL, -- of the upstream that were made
	upstream     INTEGER, -- microseconds that they took together; NULL in records of earlier versions
	rules        TEXT NOT NULL, -- with a blank before and after each
	notes        TEXT NOT NULL, -- decisions and effects
	error        TEXT NOT NULL, -- what the provider was told
	record       TEXT NOT NULL, -- JSON
	received     TEXT NOT NULL DEFAULT '', -- the documents, JSON
	canonical    TEXT NOT NULL DEFAULT '',
	answered     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS requests_organization ON requests (organization, id);
CREATE INDEX IF NOT EXISTS requests_failed ON requests (organization, id) WHERE failed = 1;
CREATE TABLE IF NOT EXISTS mentions (
	organization TEXT NOT NULL,
	subject      TEXT NOT NULL,
	request      INTEGER NOT NULL,
	what         TEXT NOT NULL, -- empty where the request is about the subject itself
	PRIMARY KEY (organization, subject, request, what)
) WITHOUT ROWID;
DROP INDEX IF EXISTS mentions_request; -- of earlier versions: what is old goes rarely, and all at once
CREATE TABLE IF NOT EXISTS subjects (
	organization TEXT NOT NULL,
	resource     TEXT NOT NULL,
	id           TEXT NOT NULL,
	name         TEXT NOT NULL,
	login        TEXT NOT NULL,
	active       INTEGER NOT NULL, -- -1 where it was never said
	state        TEXT NOT NULL,
	gone         INTEGER NOT NULL,
	since        INTEGER NOT NULL,
	seen         INTEGER NOT NULL,
	PRIMARY KEY (organization, resource, id)
) WITHOUT ROWID;
`

const (
	insertRequests = `INSERT INTO requests (id, time, organization, resource, verb, subject, name, status, failed, leaver, ms, calls, upstream, rules, notes, error, record,
	received, canonical, answered) VALUES `
	insertMentions = `INSERT OR IGNORE INTO mentions (organization, subject, request, what) VALUES `
	upsertSubjects = `INSERT INTO subjects (organization, resource, id, name, login, active, state, gone, since, seen) VALUES `
	elseSubjects   = ` ON CONFLICT DO UPDATE SET name = iif(excluded.name = '', name, excluded.name), login = iif(excluded.login = '', login, excluded.login),
	active = iif(excluded.active < 0, active, excluded.active), state = iif(excluded.state = '', state, excluded.state),
	gone = excluded.gone, seen = excluded.seen`
	nameOf = `SELECT iif(name = '', login, name) FROM subjects WHERE organization = ? AND resource = ? AND id = ?`
	lastID = `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'requests'), 0)`
)

// column is one of requests, and what records from before there was one have in it.
type column struct{ name, kind, none string }

// added are the columns that each version after the first has more.
var added = [version - 1][]column{
	{{"received", "TEXT NOT NULL DEFAULT ''", "''"}, {"canonical", "TEXT NOT NULL DEFAULT ''", "''"}, {"answered", "TEXT NOT NULL DEFAULT ''", "''"}},
	{{"upstream", "INTEGER", "NULL"}},
}

// lacking returns the columns that a file of an earlier version does not have.
func lacking(is int) []column { return slices.Concat(added[min(is, version)-1:]...) }

// store is the file. Only the writer's goroutine uses it.
type store struct {
	db                           *sql.DB
	file                         string
	requests, mentions, subjects *insert
}

// dsn names the file for the driver. Every connection waits for another process that writes, and none waits for the disk
// at each commit: a power cut may cost the last records, never the file. Wal is how large the write-ahead log becomes before
// it goes into the file; 0 is for a connection that only reads.
func dsn(file string, wal int64) string {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(3000)", "query_only(1)", "cache_size(-8192)"}}
	if wal > 0 {
		q = url.Values{"_txlock": {"immediate"}, "_pragma": {
			"busy_timeout(3000)", "journal_mode(wal)", "synchronous(normal)", "cache_size(-4096)",
			fmt.Sprintf("journal_size_limit(%d)", wal), fmt.Sprintf("wal_autocheckpoint(%d)", wal/4096),
		}}
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// openStore opens or makes the file, which is to have at most so many bytes. Who may read it may read about people: it is the owner's alone.
func openStore(ctx context.Context, file string, maxBytes int64) (*store, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's path
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(file, min(maxBytes/16, 4<<20)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &store{db: db, file: file}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *store) prepare(ctx context.Context) error {
	if err := s.update(ctx); err != nil {
		return err
	}
	for _, p := range []struct {
		to               **insert
		columns, ofJSON  int
		text, onConflict string
	}{{&s.requests, 20, 4, insertRequests, ""}, {&s.mentions, 4, 0, insertMentions, ""}, {&s.subjects, 10, 0, upsertSubjects, elseSubjects}} {
		var err error
		if *p.to, err = prepareInsert(ctx, s.db, p.columns, p.ofJSON, p.text, p.onConflict); err != nil {
			return err
		}
	}
	return nil
}

// update brings the tables up to this version. Another process may do the same at the same moment: which version there is, is
// asked under the lock.
func (s *store) update(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	var is int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&is); err != nil {
		return err
	}
	if is > version {
		return fmt.Errorf("the file is of a newer gateway (version %d)", is)
	}
	var text strings.Builder
	if is > 0 {
		for _, c := range lacking(is) {
			fmt.Fprintf(&text, "ALTER TABLE requests ADD COLUMN %s %s;", c.name, c.kind)
		}
	}
	fmt.Fprintf(&text, "%sPRAGMA user_version = %d;", tables, version)
	if _, err := tx.ExecContext(ctx, text.String()); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) close() error { return s.db.Close() }

// documents returns those of a record, in the order of their columns.
func (r *Record) documents() [3]*Document { return [3]*Document{r.Received, r.Canonical, r.Answered} }

// apart returns the record as JSON, and the documents of it, which are JSON already.
func (r *Record) apart() (record []byte, documents [3]json.RawMessage, err error) {
	for i, d := range r.documents() {
		if documents[i] = (json.RawMessage{}); d != nil && d.Body != nil {
			documents[i], d.Body = d.Body, nil
		}
	}
	id := r.ID
	r.ID = 0
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(r)
	r.ID = id
	r.join(documents)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), documents, err
}

// join puts the documents into a record that was taken apart.
func (r *Record) join(documents [3]json.RawMessage) {
	for i, d := range r.documents() {
		if d != nil && len(documents[i]) > 0 {
			d.Body = documents[i]
		}
	}
}

// notes puts decisions and effects into a line. Those of single members of a group are in the record.
func notes(all []trace.Note) string {
	var words []string
	for _, n := range all {
		word := string(n.Kind)
		if n.Because != "" {
			word += " (" + n.Because + ")"
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// trim keeps the log within its limits: the oldest records go first. It returns how many went.
func (s *store) trim(ctx context.Context, oldest time.Time, maxBytes int64) (int64, error) {
	var upTo, first int64
	if err := s.db.QueryRowContext(ctx, "SELECT coalesce((SELECT time FROM requests ORDER BY id LIMIT 1), ?)", oldest.UnixMilli()).Scan(&first); err != nil {
		return 0, err
	}
	if first < oldest.UnixMilli() {
		if err := s.old(ctx, oldest, &upTo); err != nil {
			return 0, err
		}
	}
	used, err := s.used(ctx)
	if err != nil {
		return 0, err
	}
	if used > maxBytes {
		var low, high int64
		if err := s.db.QueryRowContext(ctx, "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM requests").Scan(&low, &high); err != nil {
			return 0, err
		}
		// A twentieth of them, and more where the file is far over: a limit that was made smaller.
		share := max((high-low)/20, int64(float64(high-low)*(1-float64(maxBytes)/float64(used))))
		upTo = max(upTo, low+share)
	}
	if upTo == 0 {
		return 0, nil
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // as above
	result, err := tx.ExecContext(ctx, "DELETE FROM requests WHERE id <= ?", upTo)
	if err != nil {
		return 0, err
	}
	for _, q := range []string{
		"DELETE FROM mentions WHERE request <= ?",
		// Whoever is gone is forgotten with the last record; who is there stays, a list of the log is no timeline.
		"DELETE FROM subjects WHERE gone = 1 AND seen < (SELECT coalesce(min(time), 0) FROM requests WHERE id > ?)",
	} {
		if _, err := tx.ExecContext(ctx, q, upTo); err != nil {
			return 0, err
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return n, err
}

// old finds the last of the oldest records that is older than a time.
func (s *store) old(ctx context.Context, than time.Time, upTo *int64) error {
	return s.db.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM (SELECT id, time FROM requests ORDER BY id LIMIT 5000) WHERE time < ?",
		than.UnixMilli()).Scan(upTo)
}

// used returns how many bytes of the file hold something.
func (s *store) used(ctx context.Context) (int64, error) {
	var size, pages, free int64
	err := s.db.QueryRowContext(ctx, "SELECT (SELECT page_size FROM pragma_page_size), (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)").
		Scan(&size, &pages, &free)
	return size * (pages - free), err
}

// shrink gives the disk back what a smaller limit has left empty.
func (s *store) shrink(ctx context.Context, maxBytes int64) error {
	if info, err := os.Stat(s.file); err != nil || info.Size() <= maxBytes {
		return err
	}
	_, err := s.db.ExecContext(ctx, "VACUUM")
	return err
}
