//go:build unix

package traffic

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/caddy-scim/gateway/module/fulldisktest"
)

// TestFullDisk: nobody waits for a record that has no room, it is said once, and when there is room again it goes on. What
// was recorded stays, no line is half of one, and the record says itself how much is missing.
func TestFullDisk(t *testing.T) {
	fulldisktest.Run(t, func(room func(...int64)) {
		file := filepath.Join(t.TempDir(), "traffic")
		r, logs := testRecorder(t, Config{File: file})
		record := func(n int) {
			for range n {
				r.Add(created())
			}
			r.file.in.Flush()
		}
		again := func() { r.file.tryAt = time.Time{} } // the pause is over; the writer waits for work
		said := func(level zapcore.Level) int { return logs.FilterLevelExact(level).Len() }

		room(10) // not even for the key of the pseudonyms
		record(2)
		if s := r.State(); s.Dropped != 2 || s.Recorded != 0 || len(s.Problems) != 1 || said(zapcore.ErrorLevel) != 1 {
			t.Fatalf("with no room from the beginning: %+v, said %d times", s, said(zapcore.ErrorLevel))
		}
		room()
		again()
		record(20)
		if s := r.State(); s.Dropped != 2 || s.Recorded != 20 || len(s.Problems) > 0 || said(zapcore.InfoLevel) != 1 {
			t.Fatalf("with room: %+v", s)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, more := range []int64{0, 1, 50, 100} { // a line breaks off wherever it may
			room(info.Size() + more)
			again()
			record(5)
		}
		if s := r.State(); s.Dropped != 22 || s.Recorded != 20 || len(s.Problems) != 1 || said(zapcore.ErrorLevel) != 2 {
			t.Errorf("with a full disk: %+v, said %d times", s, said(zapcore.ErrorLevel))
		}
		room()
		again()
		record(5)
		if s := r.State(); s.Dropped != 22 || s.Recorded != 25 || len(s.Problems) > 0 || said(zapcore.InfoLevel) != 2 {
			t.Errorf("with room again: %+v", s)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		recorded, missing := 0, int64(0)
		for _, x := range lines(t, file) {
			if missing += x.Dropped; x.Method != "" {
				recorded++
			}
		}
		if recorded != 25 || missing != 22 {
			t.Errorf("the record has %d exchanges and says that %d are missing", recorded, missing)
		}
	})
}
