// Package ledger keeps what the gateway itself must remember about an organization because the upstream has no place for
// it: the provider's userName of a member whose upstream identity is an e-mail address, an externalId, an exact name, a
// user who waits for the first activation, a resource that was deleted but that the upstream still holds, a call whose
// outcome nobody knows yet. Begin to read at [Book].
//
// It is a memory with Caddy's storage behind it. One gateway provisions an organization at a time, so that nobody else
// writes: what was read once, "there is nothing" included, need not be read again until [Ledger.Forget] or
// [Ledger.TakeOver]. Lists and searches are answered from the same records as everything else; there is no second truth.
//
// Writing is done by changes, functions over a record. A change that has to be on disk before something happens is made
// with [Book.Put]. One that says what has happened is made with [Book.Keep]: it counts at once, and where the storage does
// not take it, it is owed to the storage, and made again on top of whatever is read there, until it is taken. One that an
// intent on disk tells of anyway is made with [Book.Owe], which waits for nothing: the storage has it a moment later, and the
// intent goes after it.
//
// One resource is one key of the storage. Keys are hashes, so that no file name holds an id or an address and no id can
// name a file of its own choosing. A damaged record is a lost record.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Ledger is the memory of one organization. It outlives the configurations that use it.
type Ledger struct {
	Users, Groups *Book

	// Intents has a record for each call whose outcome is not known.
	Intents *Book

	// Synced has a record for each group that the provider has made or changed: what it last said of it.
	Synced *Book

	mu      sync.Mutex
	setting Setting
	retry   *time.Timer
	pause   time.Duration
	closed  bool
	writing *round // is under way; nil where none is
	next    *round // takes what is owed when it begins; nil where nobody asked for one
}

// Setting is what a configuration says of the ledger.
type Setting struct {
	// Storage is where the records are.
	Storage Storage

	// Log is where damage and what the storage does not take are told of.
	Log *zap.Logger

	// UserKeys and GroupKeys are the attributes that [Book.Find] searches, by canonical path.
	UserKeys, GroupKeys []string

	// WaitingKeys returns what a user who waits is found by with [Marks.Waiting]; the form is the caller's own.
	WaitingKeys func(*Record) []string

	// Turn waits until this gateway may write what is owed; done must be called afterwards. An error says that another one
	// leads, and will until this one does. Nil is always.
	Turn func(ctx context.Context) (done func(), err error)

	// Away reports whether an operation is carried out by a gateway that may not write. Nil is never.
	Away func(ctx context.Context) bool

	// Alive returns why an operation that could write may not any more: another gateway may lead by now. Nil is never.
	Alive func(ctx context.Context) error

	// Hold keeps the turn of an operation from ending before release is called, for what is written in the background. Nil is
	// where turns do not matter.
	Hold func(ctx context.Context) (release func())

	// Patience is how long a caller waits for the storage. The default is 5 seconds.
	Patience time.Duration
}

// Storage is what a ledger needs of Caddy's storage: no locks. Its calls do not panic, and end in a few seconds, whatever
// becomes of the storage behind it.
type Storage interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, path string, recursive bool) ([]string, error)
}

// New returns the ledger of an organization, for use after [Ledger.Use].
func New(organization string) *Ledger {
	l := new(Ledger)
	book := func(folder string) *Book { return newBook(l, path.Join(place(organization), folder)) }
	l.Users, l.Groups, l.Intents, l.Synced = book("users"), book("groups"), book("intents"), book("synced")
	l.Intents.listed = true
	return l
}

// Use makes the ledger work with another configuration. What was read with the one before is forgotten.
func (l *Ledger) Use(s Setting) {
	if s.Patience == 0 {
		s.Patience = 5 * time.Second
	}
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	l.mu.Lock()
	l.setting, l.closed = s, false
	l.mu.Unlock()
	for b, keys := range map[*Book][]string{l.Users: s.UserKeys, l.Groups: s.GroupKeys} {
		b.mu.Lock()
		b.keys = keys
		b.mu.Unlock()
	}
	l.Forget()
}

// Forget makes everything be read again, because somebody else may have written. What is owed to the storage stays.
func (l *Ledger) Forget() {
	for _, b := range l.books() {
		b.reset(false)
	}
}

// TakeOver is Forget when another gateway may have led since: what it has written counts, and what is owed to such a record, or
// told of by an intent on disk, is owed no more.
func (l *Ledger) TakeOver() {
	for _, b := range l.books() {
		b.reset(true)
	}
}

// Owed returns how many records the storage does not have as they are, be it that it is just being given them.
func (l *Ledger) Owed() (n int) {
	for _, b := range l.books() {
		n += b.owes()
	}
	return n
}

// Refused returns how many records the storage did not take.
func (l *Ledger) Refused() int {
	if !l.troubled() {
		return 0
	}
	return l.Owed()
}

// Flush writes what is owed to the storage, and returns what went wrong.
func (l *Ledger) Flush(ctx context.Context) error {
	return errors.Join(l.flushRecords(ctx), l.Intents.flush(ctx), l.Synced.flush(ctx))
}

func (l *Ledger) flushRecords(ctx context.Context) error {
	return errors.Join(l.Users.flush(ctx), l.Groups.flush(ctx))
}

// flush is Flush when it is this gateway's turn.
func (l *Ledger) flush(ctx context.Context) error {
	if turn := l.current().Turn; turn != nil {
		done, err := turn(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	return l.Flush(ctx)
}

// Close ends the attempts to write what is owed, until the next [Ledger.Use].
func (l *Ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.retry != nil && l.retry.Stop() {
		l.retry = nil
	}
}

func (l *Ledger) books() []*Book { return []*Book{l.Users, l.Groups, l.Intents, l.Synced} }

func (l *Ledger) current() Setting {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.setting
}

// The pauses between attempts to write what is owed.
const (
	firstPause   = 2 * time.Second
	longestPause = time.Minute
)

// troubled reports whether the storage does not take what is written; what is owed to it will be tried again.
func (l *Ledger) troubled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retry != nil
}

// writable reports whether what is owed is to be written now. If not, it is written later, with the rest.
func (l *Ledger) writable(ctx context.Context) bool {
	if l.troubled() {
		return false
	}
	if l.away(ctx) {
		l.later()
		return false
	}
	return true
}

var errAway = errors.New("ledger: this gateway may not write")

func (l *Ledger) blind(ctx context.Context) bool {
	away := l.current().Away
	return away != nil && away(ctx)
}

func (l *Ledger) away(ctx context.Context) bool {
	alive := l.current().Alive
	return l.blind(ctx) || alive != nil && alive(ctx) != nil
}

// failed tells that the storage did not take what is owed, which is tried again.
func (l *Ledger) failed(err error) {
	l.current().Log.Error("the ledger could not be written; what it lacks is kept in memory until it can be", zap.Error(err))
	l.later()
}

// later lets what is owed be written in the background.
func (l *Ledger) later() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.retry != nil {
		return
	}
	l.pause = min(max(firstPause, 2*l.pause), longestPause)
	l.retry = time.AfterFunc(l.pause, l.again)
}

// again writes what is owed, and comes back for what is left.
func (l *Ledger) again() {
	ctx, cancel := context.WithTimeout(context.Background(), longestPause)
	defer cancel()
	err := l.flush(ctx)
	l.mu.Lock()
	l.retry = nil
	log := l.setting.Log
	l.mu.Unlock()
	left := l.Owed() // what is owed from now on is written by who owes it
	if left == 0 {
		l.mu.Lock()
		l.pause = 0
		l.mu.Unlock()
		log.Info("the storage takes the ledger again, and lacks nothing of it")
		return
	}
	log.Error("the ledger cannot be written still; what the storage lacks is kept in memory", zap.Int("records", left), zap.Error(err))
	l.later()
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
