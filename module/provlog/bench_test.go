package provlog

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// What Entra sends when a person's record changes, and what it is answered.
const (
	changed = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
		`{"op":"Replace","path":"displayName","value":"Alexandra Morgan-Whitfield"},` +
		`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"alexandra.morgan@example.com"},` +
		`{"op":"Replace","path":"name.givenName","value":"Alexandra"},` +
		`{"op":"Replace","path":"name.familyName","value":"Morgan-Whitfield"},` +
		`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Tour Operations"},` +
		`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e"},` +
		`{"op":"Replace","path":"active","value":"True"}]}`
	alexandra = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
		`"id":"5171a35d82074e068ce2","userName":"alexandra.morgan@example.com","displayName":"Alexandra Morgan-Whitfield","active":true,` +
		`"name":{"givenName":"Alexandra","familyName":"Morgan-Whitfield"},"emails":[{"type":"work","primary":true,"value":"alexandra.morgan@example.com"}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tour Operations","manager":{"value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e"}},` +
		`"meta":{"resourceType":"User","location":"https://upstream.example.com/v2/Users/5171a35d82074e068ce2"}}`
)

// change is the request with which Entra changes somebody.
func change(b *testing.B) *Entry {
	norm, err := quirks.New(quirks.Config{Profile: quirks.Entra})
	if err != nil {
		b.Fatal(err)
	}
	const id = "5171a35d82074e068ce2"
	account := quirks.Account{Limit: 50}
	scanned, err := norm.Scan([]byte(changed), &account)
	if err != nil {
		b.Fatal(err)
	}
	canonical, err := norm.Body(schema.Standard().User, scim.Patch, id, scanned, &account)
	if err != nil {
		b.Fatal(err)
	}
	e := entry("patch", id, changed, alexandra, 200)
	e.Canonical, e.Rules = canonical.Raw(), account.Records()
	for id := range account.Counts() {
		e.RuleIDs = append(e.RuleIDs, id)
	}
	e.Trace.Note(trace.Note{Kind: trace.Restored, ID: id})
	return e
}

// BenchmarkRender puts one request into words.
func BenchmarkRender(b *testing.B) {
	b.ReportAllocs()
	e := change(b)
	m := newMasker(Masked, []byte("a key"))
	for b.Loop() {
		m.render("acme", e)
	}
}

// BenchmarkWrite writes batches of what is in words, the same bytes as plain rows of one table beside it: the floor.
func BenchmarkWrite(b *testing.B) {
	const batch = 200
	e := change(b)
	var all []*rendered
	for i := range batch {
		r := newMasker(Masked, []byte("a key")).render("acme", e)
		r.Subject = fmt.Sprint(r.Subject, i)
		r.mentions[0].id, r.seen[0].id = r.Subject, r.Subject
		all = append(all, r)
	}
	s, err := openStore(b.Context(), filepath.Join(b.TempDir(), "log.db"), DefaultMaxSize)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	plain, err := openStore(b.Context(), filepath.Join(b.TempDir(), "plain.db"), DefaultMaxSize)
	if err != nil {
		b.Fatal(err)
	}
	defer plain.close()
	if _, err := plain.db.Exec("CREATE TABLE plain (id INTEGER PRIMARY KEY, record TEXT NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	var took, floor time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		size, err := s.write(b.Context(), all)
		if err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		began = time.Now()
		tx, err := plain.db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		insert, err := tx.Prepare("INSERT INTO plain (record) VALUES (?)")
		for range batch {
			if err == nil {
				_, err = insert.Exec(strings.Repeat("x", int(size/batch)))
			}
		}
		if err := cmp.Or(err, tx.Commit()); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(began)
		n += batch
	}
	b.ReportMetric(float64(took.Microseconds())/float64(n), "µs/record")
	b.ReportMetric(float64(floor.Microseconds())/float64(n), "floor-µs/record")
	b.ReportMetric(float64(took)/float64(floor), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTimeline reads a thousand entries of one person, beside a thousand rows in their order; 50 ms is the goal.
func BenchmarkTimeline(b *testing.B) {
	file := filepath.Join(b.TempDir(), "log.db")
	s, _ := testSink(b, Config{File: file, LogValues: Full}, "acme")
	for i := range 5000 {
		s.Add(entry("patch", fmt.Sprint("u", i%5), leave, person, 200))
		if i%1000 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	r := testReader(b, file)
	var floor, took time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		rows, err := r.db.QueryContext(b.Context(), "SELECT id, time, organization, resource, verb, subject, name, status, failed, leaver, rules, notes, error FROM requests LIMIT 1000")
		if err != nil {
			b.Fatal(err)
		}
		for row := make([]any, 13); rows.Next(); {
			for i := range row {
				row[i] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				b.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(began)
		began = time.Now()
		lines, err := r.Timeline(b.Context(), "acme", "u1", 1000)
		if err != nil || len(lines) != 1000 {
			b.Fatalf("%d lines, %v", len(lines), err)
		}
		took += time.Since(began)
		n++
	}
	b.ReportMetric(float64(took)/float64(floor), "ratio")
	b.ReportMetric(float64(took.Microseconds())/1000/float64(n), "ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRecord is what the writer spends on one request: masking, JSON, SQLite. However many they are, the file keeps its
// limit; with -benchtime 1000000x they are a million.
func BenchmarkRecord(b *testing.B) {
	file := filepath.Join(b.TempDir(), "log.db")
	s, err := Open(Config{File: file}, "acme", zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n, largest := 0, int64(0)
	for b.Loop() {
		s.Add(entry("patch", fmt.Sprint("u", n%1000), leave, person, 200))
		if n++; n%500 == 0 {
			s.Flush()
			size := int64(0)
			for _, suffix := range []string{"", "-wal"} {
				if info, err := os.Stat(file + suffix); err == nil {
					size += info.Size()
				}
			}
			largest = max(largest, size)
		}
	}
	s.Flush()
	if largest > DefaultMaxSize {
		b.Fatalf("the file had %d bytes, the limit is %d", largest, DefaultMaxSize)
	}
	b.ReportMetric(float64(largest)/(1<<20), "MiB")
	if dropped := s.Log().State().Dropped; dropped > 0 {
		b.Fatalf("%d were dropped", dropped)
	}
}
