//go:build real

package integration

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installReal installs something of other people into the folder named by REAL_DIR (default build/real). It returns the script
// that runs it, where it is and what the installation printed. Where it cannot be installed, the test is skipped with the
// reason, because this machine then cannot tell anything about it.
func installReal(t *testing.T, name string) (script, dir, printed string) {
	t.Helper()
	dir = os.Getenv("REAL_DIR")
	if dir == "" {
		dir = filepath.Join("..", "build", "real")
	}
	dir, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	script = "./real/" + name + ".sh"
	install := exec.Command(script, "install", dir)
	var stderr strings.Builder
	install.Stderr = &stderr
	out, err := install.Output()
	if err != nil {
		t.Skipf("%s cannot be installed here: %v\n%s", name, err, tail(stderr.String()))
	}
	return script, dir, strings.TrimSpace(string(out))
}

// serveReal installs a server of other people and starts it. It returns the server's address and what the installation printed.
// A server that was installed and does not start is a failure.
func serveReal(t *testing.T, name string) (addr, printed string) {
	t.Helper()
	script, dir, printed := installReal(t, name)
	addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)

	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, script, "serve", dir, port)
	log, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait(); _ = log.Close() })
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			_ = res.Body.Close()
			return addr, printed
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s does not answer: %v\n%s", name, err, tail(string(text)))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
