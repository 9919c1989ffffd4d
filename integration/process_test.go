package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// TestMain lets the test binary be a Caddy of its own, so that two gateways share nothing but the storage, and a benchmark
// can tell Caddy's processor time from its own.
func TestMain(m *testing.M) {
	if file := os.Getenv("GATEWAY_TEST_CADDYFILE"); file != "" {
		os.Exit(serveCaddyfile(file))
	}
	os.Exit(m.Run())
}

func serveCaddyfile(file string) int {
	load := func() error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
		if err != nil {
			return err
		}
		return caddy.Load(adapted, true)
	}
	if err := load(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("done")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); { // until the parent is gone
		err := errors.New("no such command")
		switch lines.Text() {
		case "load":
			err = load()
		case "stop":
			err = caddy.Stop()
		}
		if err != nil {
			fmt.Println("error:", err)
		}
		fmt.Println("done")
	}
	return 0
}

// process is a Caddy in a process of its own.
type process struct {
	t       testing.TB
	mu      sync.Mutex // one accident at a time: two calls may go wrong at once
	cmd     *exec.Cmd
	file    string
	storage string // the folder, or all that the option says
	stdin   io.WriteCloser
	lines   *bufio.Scanner
}

// startProcess runs Caddy with the sites and the storage folder given in a process of its own, and returns its process id.
func startProcess(t testing.TB, storage, sites string) int {
	t.Helper()
	return runProcess(t, storage, sites).cmd.Process.Pid
}

// runProcess runs Caddy with the sites and the storage folder given. {KEY} in the sites is the API key.
func runProcess(t testing.TB, storage, sites string) *process {
	t.Helper()
	p := &process{t: t, file: filepath.Join(t.TempDir(), "Caddyfile"), storage: storage}
	p.configure(sites)
	p.begin()
	return p
}

// begin starts the process, or another one in its place once it was killed.
func (p *process) begin() {
	t := p.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p.cmd = exec.CommandContext(ctx, os.Args[0])
	p.cmd.Env = append(os.Environ(), "GATEWAY_TEST_CADDYFILE="+p.file)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, stdin := p.cmd, p.stdin
	t.Cleanup(func() { _ = stdin.Close(); cancel(); _ = cmd.Wait() })
	p.lines = bufio.NewScanner(stdout)
	p.done("start")
}

// again kills the process and starts another one in its place.
func (p *process) again() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal(os.Kill)
	_ = p.stdin.Close()
	_ = p.cmd.Wait()
	p.begin()
}

// freeze stops the process for a while.
func (p *process) freeze(d time.Duration) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal(syscall.SIGSTOP)
	frozen := p.cmd.Process
	time.AfterFunc(d, func() { _ = frozen.Signal(syscall.SIGCONT) })
}

// reload has the process load its configuration anew, and does not wait for it.
func (p *process) reload() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.stdin, "load\n")
}

// configure writes the configuration that the process loads next.
func (p *process) configure(sites string) {
	p.t.Helper()
	text := `{
	admin off
	auto_https off
	persist_config off
	log {
		output file ` + filepath.Join(filepath.Dir(p.file), "caddy.log") + `
		level INFO
	}
	storage ` + p.kept() + `
}
` + strings.ReplaceAll(sites, "{KEY}", testKey)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) kept() string {
	if filepath.IsAbs(p.storage) {
		return "file_system " + p.storage
	}
	return p.storage
}

// do has the process do something: load its configuration anew, or stop Caddy.
func (p *process) do(command string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, command+"\n"); err != nil {
		p.t.Fatal(err)
	}
	p.done(command)
}

func (p *process) done(what string) {
	p.t.Helper()
	for p.lines.Scan() {
		if p.lines.Text() == "done" {
			return
		}
		p.t.Log(p.lines.Text())
	}
	p.t.Fatalf("%s: Caddy is gone", what)
}

// signal kills, stops or continues the process.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// log is everything that the process has logged.
func (p *process) log() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(p.file), "caddy.log"))
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	return string(text)
}
