package provlog

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
)

// BenchmarkTimeline reads a thousand entries of one person; 50 ms is the goal.
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
	for b.Loop() {
		lines, err := r.Timeline(b.Context(), "acme", "u1", 1000)
		if err != nil || len(lines) != 1000 {
			b.Fatalf("%d lines, %v", len(lines), err)
		}
	}
}

// BenchmarkRecord is what the writer spends on one request: masking, JSON, SQLite.
func BenchmarkRecord(b *testing.B) {
	s, err := Open(Config{File: filepath.Join(b.TempDir(), "log.db")}, "acme", zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for b.Loop() {
		s.Add(entry("patch", fmt.Sprint("u", n%1000), leave, person, 200))
		if n++; n%500 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	if dropped := s.Log().State().Dropped; dropped > 0 {
		b.Fatalf("%d were dropped", dropped)
	}
}
