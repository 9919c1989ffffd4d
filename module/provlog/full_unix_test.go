//go:build unix

package provlog

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// TestFullDisk: nobody waits for a log that has no room, it is said once, and when there is room again it goes on; what was
// written stays. A limit on the size of files stands for the disk, in a process that writes no other files.
func TestFullDisk(t *testing.T) {
	if os.Getenv("PROVISIONING_LOG_FULL_DISK") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), "PROVISIONING_LOG_FULL_DISK=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "were lost in between") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	room := func(bytes uint64) {
		t.Helper()
		limit := before
		limit.Cur = min(bytes, before.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	defer room(before.Cur)

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
	room(before.Cur)
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
}
