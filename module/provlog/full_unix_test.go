//go:build unix

package provlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/caddy-scim/gateway/module/fulldisktest"
)

// TestFullDisk: nobody waits for a log that has no room, it is said once, and when there is room again it goes on; what was
// written stays.
func TestFullDisk(t *testing.T) {
	fulldisktest.Run(t, func(room func(...int64)) {
		file := filepath.Join(t.TempDir(), "log.db")
		s, logs := testSink(t, Config{File: file, LogValues: Full}, "acme")
		write := func(n int) {
			for i := range n {
				s.Add(entry("create", "", strings.ReplaceAll(person, "u1", fmt.Sprint("u", i)), person, 201))
			}
			s.Flush()
		}
		write(20)
		room(64 << 10)
		for range 5 {
			write(200)
		}
		full := s.Log().State()
		if full.Dropped == 0 || len(full.Problems) != 1 || full.Written+full.Dropped != 1020 {
			t.Fatalf("with a full disk: %+v", full)
		}
		if n := logs.FilterLevelExact(zapcore.ErrorLevel).Len(); n != 1 {
			t.Errorf("it was said %d times", n)
		}
		room()
		s.Log().tryAt = time.Time{} // the pause is over; the writer waits for work
		write(20)
		after := s.Log().State()
		if after.Written != full.Written+20 || len(after.Problems) > 0 || logs.FilterMessage("the provisioning log is written again").Len() != 1 {
			t.Errorf("with room again: %+v", after)
		}
		found, err := testReader(t, file).Records(t.Context(), Search{Limit: 2000})
		if err != nil || int64(len(found)) != after.Written {
			t.Errorf("%d of %d records can be read, %v", len(found), after.Written, err)
		}
		var check string
		if err := testReader(t, file).db.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
			t.Errorf("the file: %s, %v", check, err)
		}
		t.Logf("%d records were lost in between", after.Dropped)
	})
}
