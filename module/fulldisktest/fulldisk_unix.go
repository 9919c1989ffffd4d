//go:build unix

// Package fulldisktest runs a test on a disk that becomes full.
package fulldisktest

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// inside is set in the environment of the process that the test runs in.
const inside = "GATEWAY_FULL_DISK"

// Run runs a test in a process of its own, which writes no other files. Room is how large files may be from then on: such
// a limit stands for the disk. Who is told no bytes gets all the room back.
func Run(t *testing.T, test func(room func(bytes ...int64))) {
	t.Helper()
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v") //nolint:gosec // the test itself
		cmd.Env = append(os.Environ(), inside+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
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
	room := func(bytes ...int64) {
		t.Helper()
		limit := before
		for _, n := range bytes {
			limit.Cur = min(uint64(n), before.Max)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	defer room()
	test(room)
}
