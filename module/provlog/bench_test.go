package provlog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

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
