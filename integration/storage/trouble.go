package storage

import (
	"fmt"
	"maps"
	"sync"
	"syscall"
)

// Op is an operation of a storage.
type Op string

// The operations.
const (
	Load   Op = "load"
	Store  Op = "store"
	Delete Op = "delete"
	Exists Op = "exists"
	List   Op = "list"
	Stat   Op = "stat"
	Lock   Op = "lock"
	Unlock Op = "unlock"
)

// Fault is how a storage fails.
type Fault string

// The faults.
const (
	None       Fault = ""
	Full       Fault = "full"       // nothing can be written
	ReadOnly   Fault = "read-only"  // nothing can be changed
	Unreadable Fault = "unreadable" // nothing can be read
	Broken     Fault = "broken"     // everything fails at once
	Stuck      Fault = "stuck"      // nothing returns before the fault is over
)

// Trouble is the state of the storage of one folder, which all configurations of the process share.
type Trouble struct {
	mu    sync.Mutex
	fault Fault
	over  chan struct{} // closed at the end of the fault
	ops   map[Op]int
}

var (
	mu  sync.Mutex
	all = map[string]*Trouble{}
)

// Of is the trouble of the storage of a folder.
func Of(root string) *Trouble {
	mu.Lock()
	defer mu.Unlock()
	if all[root] == nil {
		all[root] = &Trouble{over: make(chan struct{}), ops: map[Op]int{}}
	}
	return all[root]
}

// Set makes the storage fail from now on, or work again.
func (t *Trouble) Set(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = f
	close(t.over)
	t.over = make(chan struct{})
}

// Take is how many operations about the gateway's own keys there were since the last call.
func (t *Trouble) Take() (ops map[Op]int, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ops = maps.Clone(t.ops)
	clear(t.ops)
	for _, n := range ops {
		total += n
	}
	return ops, total
}

func (t *Trouble) count(op Op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ops[op]++
}

func (t *Trouble) meet(op Op) error {
	t.mu.Lock()
	fault, over := t.fault, t.over
	t.mu.Unlock()
	changes := op == Store || op == Delete || op == Lock || op == Unlock
	switch {
	case fault == Stuck:
		<-over
		return nil
	case fault == Full && (op == Store || op == Lock):
		return fmt.Errorf("%s: %w", op, syscall.ENOSPC)
	case fault == ReadOnly && changes:
		return fmt.Errorf("%s: %w", op, syscall.EROFS)
	case fault == Unreadable && !changes, fault == Broken:
		return fmt.Errorf("%s: %w", op, syscall.EIO)
	}
	return nil
}
