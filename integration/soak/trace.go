package soak

import (
	"fmt"
	"strings"
	"sync"
)

// Trace is what happened, in its order: changes of the directory, requests of the job, calls of the gateway.
type Trace struct {
	mu    sync.Mutex
	lines []string
}

// Add writes a line.
func (t *Trace) Add(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *Trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
