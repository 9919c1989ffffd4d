package provlog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"
)

// A file that cannot be written is said once; requests go on, and what is lost is counted.
func TestFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for name, prepare := range map[string]func(file string) error{
		"corrupt":       func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("no database "), 1000), 0o600) },
		"a folder":      func(file string) error { return os.MkdirAll(file, 0o700) },
		"below a file":  func(file string) error { return os.WriteFile(filepath.Dir(file), nil, 0o600) },
		"of the future": future,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"), "log.db")
			if name != "below a file" {
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := prepare(file); err != nil {
				t.Fatal(err)
			}
			s, logs := testSink(t, Config{File: file, LogValues: Full}, "acme")
			for range 3 {
				s.Add(entry("patch", "u1", leave, "", 200))
				s.Flush()
			}
			state := s.Log().State()
			if state.Dropped != 3 || len(state.Problems) != 1 {
				t.Errorf("state: %+v", state)
			}
			if n := logs.FilterLevelExact(zapcore.ErrorLevel).Len(); n != 1 {
				t.Errorf("it was said %d times", n)
			}
			if n := logs.FilterMessage("provisioning").Len(); n != 3 {
				t.Errorf("the logger has %d of 3 records", n)
			}
		})
	}
}

func future(file string) error {
	s, err := openStore(context.Background(), file, DefaultMaxSize)
	if err != nil {
		return err
	}
	if _, err := s.db.Exec("PRAGMA user_version = 99"); err != nil {
		return err
	}
	return s.close()
}

// Another process may hold the file for a moment, or for long.
func TestLockedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	s, logs := testSink(t, Config{File: file, LogValues: Full}, "acme")
	s.Add(entry("patch", "u1", leave, "", 200))
	s.Flush()
	other, err := openStore(t.Context(), file, DefaultMaxSize)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	s.Add(entry("patch", "u1", leave, "", 200))
	s.Flush()
	if state := s.Log().State(); state.Dropped != 1 || len(state.Problems) != 1 || logs.FilterLevelExact(zapcore.ErrorLevel).Len() != 1 {
		t.Errorf("state: %+v", state)
	}
	if err := other.close(); err != nil {
		t.Fatal(err)
	}
}

func TestLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	s, _ := testSink(t, Config{File: file, LogValues: Full, MaxSize: MinSize}, "acme")
	long := strings.Replace(person, "Countess", strings.Repeat("x", 2000), 1)
	for i := range 3000 {
		e := entry("create", "", strings.ReplaceAll(long, "u1", fmt.Sprint("u", i%50)), person, 201)
		s.Add(e)
		if i%200 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	if state := s.Log().State(); state.Written != 3000 || state.Dropped != 0 {
		t.Fatalf("%+v", state)
	}
	size := int64(0)
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(file + suffix); err == nil {
			size += info.Size()
		}
	}
	if size > MinSize {
		t.Errorf("the file has %d bytes, the limit is %d", size, MinSize)
	}
	r := testReader(t, file)
	newest, err := r.Records(t.Context(), Search{Limit: 1})
	if err != nil || len(newest) != 1 || newest[0].ID != 3000 {
		t.Errorf("the newest: %v, %v", newest, err)
	}
	if _, err := r.Record(t.Context(), 1); err != nil {
		t.Error(err)
	}

	// What is too old goes at the next look.
	store, err := openStore(t.Context(), file, DefaultMaxSize)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	if n, err := store.trim(t.Context(), time.Now().Add(time.Hour), 1<<30); err != nil || n == 0 {
		t.Errorf("%d records went, %v", n, err)
	}
	if found, err := r.Records(t.Context(), Search{}); err != nil || len(found) != 0 {
		t.Errorf("%d records are left, %v", len(found), err)
	}
}

// A file of an earlier version gets what it lacks, and its records can be read: at once, and once it is written.
func TestOlderFile(t *testing.T) {
	for version := 1; version < 3; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) { testOlderFile(t, version) })
	}
}

func testOlderFile(t *testing.T, version int) {
	file := filepath.Join(t.TempDir(), "log.db")
	old, err := sql.Open("sqlite", dsn(file, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(tables, "	upstream ")
	_, rest, _ = strings.Cut(rest, "\n")
	was, record, received := first+rest, `{"organization":"acme","received":{}}`, `, '{"a":1}', '', ''`
	if version == 1 {
		first, _, _ = strings.Cut(was, ", -- JSON\n")
		_, rest, _ = strings.Cut(was, "answered     TEXT NOT NULL DEFAULT ''\n")
		was, record, received = first+rest, `{"organization":"acme","received":{"body":{"a":1}}}`, ""
	}
	if _, err := old.Exec(was + fmt.Sprintf(`PRAGMA user_version = %d; CREATE INDEX mentions_request ON mentions (request);
		INSERT INTO mentions VALUES ('acme', 'u1', 1, '');
		INSERT INTO requests VALUES (1, 0, 'acme', 'User', 'patch', 'u1', '', 200, 0, 0, 1, 3, ' a b ', '', '', '%s'%s)`, version, record, received)); err != nil {
		t.Fatal(err)
	}
	r := testReader(t, file)
	unwritten, err := r.Records(t.Context(), Search{Subject: "u1", Organization: "acme"})
	if err != nil || len(unwritten) != 1 || string(unwritten[0].Received.Body) != `{"a":1}` {
		t.Errorf("before it is written: %+v, %v", unwritten, err)
	}
	if all, err := r.Leavers(t.Context(), "acme"); err != nil || len(all) != 0 {
		t.Errorf("before it is written: %+v, %v", all, err)
	}
	counted, err := r.Histogram(t.Context(), "acme", time.UnixMilli(0), time.UnixMilli(0), time.Hour)
	if err != nil || len(counted) != 1 || counted[0].Requests != 1 || counted[0].Calls != 0 || counted[0].Rules != 2 {
		t.Errorf("before it is written: %+v, %v", counted, err)
	}
	openTogether(t, file, old)
	if again, err := r.Records(t.Context(), Search{}); err != nil || len(again) != 1 || string(again[0].Received.Body) != `{"a":1}` {
		t.Errorf("by a reader from before it was written: %+v, %v", again, err)
	}
	s, _ := testSink(t, Config{File: file, LogValues: Full, MaxAge: caddy.Duration(time.Since(time.Unix(0, 0)) + time.Hour)}, "acme")
	s.Add(entry("patch", "u1", leave, person, 200))
	s.Flush()
	found, err := testReader(t, file).Records(t.Context(), Search{Oldest: true})
	if err != nil || len(found) != 2 {
		t.Fatalf("%d records, %v: %+v", len(found), err, s.Log().State())
	}
	var kind string
	if err := testReader(t, file).db.QueryRow("SELECT name FROM sqlite_schema WHERE name = 'mentions_request'").Scan(&kind); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("an index that nobody asks is still written: %v", err)
	}
	if err := testReader(t, file).db.QueryRow("SELECT typeof(record) || typeof(received) || typeof(canonical) FROM requests WHERE id = 2").Scan(&kind); err != nil || kind != "texttexttext" {
		t.Errorf("a person who opens the file reads %s, %v", kind, err)
	}
	if old, is := found[0].Received, found[1].Answered; string(old.Body) != `{"a":1}` || !strings.Contains(string(is.Body), "Lovelace") {
		t.Errorf("documents: %+v, %+v", old, is)
	}
	counted, err = testReader(t, file).Histogram(t.Context(), "acme", time.UnixMilli(0), time.Now(), 1000*24*time.Hour)
	if err != nil || counted[0].Calls != 0 || counted[len(counted)-1].Calls != 1 || counted[len(counted)-1].Upstream != time.Millisecond {
		t.Errorf("calls are counted whose time nobody knows: %+v, %v", counted, err)
	}
}

// openTogether has two processes open the file at the same moment: both find it as it was, and wait for the same lock.
func openTogether(t *testing.T, file string, old *sql.DB) {
	t.Helper()
	old.SetMaxOpenConns(1)
	if _, err := old.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 2)
	for range cap(opened) {
		go func() {
			s, err := openStore(context.Background(), file, DefaultMaxSize)
			if err == nil {
				err = s.close()
			}
			opened <- err
		}()
	}
	time.Sleep(50 * time.Millisecond) // until both have come to the lock: the test passes without, too
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	for range cap(opened) {
		if err := <-opened; err != nil {
			t.Errorf("two processes bring the file up to date: %v", err)
		}
	}
}
