// Package lease decides which of several processes may work on something, by a record in a storage that they share: one
// that can be read and written, shows what was last written, and has neither compare-and-swap nor locks to be trusted.
//
// # The record
//
// It names its owner, a random name for one time of leading, and a number that every claim and every renewal raises.
// Beside it is a mark that names the owner who gave the lease back. Only that owner writes it, after its last write of the
// record, so that it says nothing of any other owner, however late it is written.
//
// # Why never two lead
//
// Let ttl be the time to live, and D, a quarter of it, how long a renewal may take to count.
//
//   - An owner starts nothing later than two thirds of ttl after the beginning of its last renewal that counts.
//   - A lease has ended when it was seen unchanged for ttl: from the end of the first reading that showed it to the beginning
//     of another one. Whatever renewal the owner began before was written, and shown, D after its beginning, or did not
//     count: the owner stopped a twelfth of ttl before, at least.
//   - Of several who claim the same record one wins: who writes, waits, and then reads back what it wrote. The wait is part of
//     the record that they claim, and whoever took longer than it from the beginning of its reading to the end of its
//     writing has lost. So whoever writes after the winner has read back began to read after the winner had written, and saw
//     the winner's record and not the one that it claims.
//   - A write that is done late, after others have claimed, makes the one who leads see a record that is not its own. It
//     ends at once; and who finds a record that was not given back watches it for ttl.
//   - A record that is not there, or was not given back, may have an owner who has not seen yet that it is gone. Who claims it
//     waits two thirds of ttl more, reads its own record once more, and only then begins.
//
// Clocks of two processes are never compared, only their rates. What a process began while it led and what reaches its
// destination later, because the process was frozen in between, nothing here can hold back.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Storage holds the record. Calls end when the context does; a write that ended in an error may still be done later. No
// write of a key begins while an earlier one of this process has not returned.
type Storage interface {
	Load(ctx context.Context, key string) ([]byte, error) // fs.ErrNotExist where there is nothing
	Store(ctx context.Context, key string, value []byte) error
}

// Clock is the time of one process.
type Clock interface {
	// Now is the time by both clocks: the monotonic one stands still in a machine that is suspended, the other one does not.
	Now() Instant

	// Sleep waits, and fails when the context ends.
	Sleep(ctx context.Context, d time.Duration) error

	// Within is a context that ends after d.
	Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Instant is a point in time of one process.
type Instant struct {
	Monotonic time.Duration // since any beginning
	Wall      time.Time
}

// since returns how long ago an earlier instant was, by the clock that says more.
func (i Instant) since(earlier Instant) time.Duration {
	return max(i.Monotonic-earlier.Monotonic, i.Wall.Sub(earlier.Wall))
}

// Record is the lease.
type Record struct {
	// Owner is a name that nobody else has, and that is used for one time of leading.
	Owner string `json:"owner"`

	// Number grows with every claim and renewal.
	Number uint64 `json:"number"`

	// TTL is how long the record has to be seen unchanged until the lease has ended, in nanoseconds.
	TTL time.Duration `json:"ttl"`

	// Wait is how long those who claim this record wait before they read back, in nanoseconds.
	Wait time.Duration `json:"wait"`

	// Address is where the owner can be reached; empty where it cannot be.
	Address string `json:"address,omitempty"`

	// Secret is known to those who can read the storage. The owner takes requests that come with it for a peer's.
	Secret string `json:"secret,omitempty"`

	// Since is when the owner began to lead by its own clock. Nothing is decided by it.
	Since time.Time `json:"since,omitzero"`
}

// mark says that an owner has given the lease back.
type mark struct {
	Owner string `json:"owner"`

	// Idle tells that the owner is still there and would take the lease again.
	Idle bool `json:"idle,omitempty"`
}

// The bounds of what a record may say, so that a damaged one blocks nobody for ever.
const (
	maxTTL  = 10 * time.Minute
	minWait = 20 * time.Millisecond
	maxWait = 5 * time.Second

	// firstWait is the wait of those who claim where no record says one.
	firstWait = time.Second
)

var errDamaged = errors.New("the lease's record is damaged")

func parse(text []byte) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(text, r); err != nil || r.Owner == "" || r.TTL <= 0 {
		return nil, errDamaged
	}
	r.TTL, r.Wait = min(r.TTL, maxTTL), min(max(r.Wait, minWait), maxWait)
	return r, nil
}
