// Package dryrun is what a gateway needs that only rehearses: nothing is changed, neither upstream nor in the gateway's own
// memory, and what would be changed is written down.
//
// A [Run] has the [Scratch] in which everything is kept that would go to the storage, and the [Report] of what was planned.
// The calls themselves are kept back by [Run.Gate]. Whoever carries operations out rehearses with the same code with which
// it does them: a planned call counts as made, and what it would have made is imagined.
//
// Nobody loses anything by it: what creates or changes something is answered as if it was done, and what takes access away
// is answered with [NotDone]. A provider that was told of success would never ask for it again.
package dryrun

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Run is one dry run. It outlives a reload that changes nothing of the upstream, and ends with the configuration that has
// none any more.
type Run struct {
	Report

	// Offline reports that nothing is read from the upstream either.
	Offline bool

	scratch *Scratch
	seat    *cluster.Seat
	room    atomic.Int64 // for what is imagined
}

// mostImagined is how much a run holds in memory that the upstream does not have: users and groups that were created or
// changed, and members who were added.
const mostImagined = 200_000

// Imagine takes room for n more of what is imagined. The error is what is answered where there is none; the report says so,
// too.
func (r *Run) Imagine(n int) error {
	if r == nil || n == 0 || r.room.Add(-int64(n)) >= 0 {
		return nil
	}
	r.room.Add(int64(n))
	r.fill()
	return &scim.Error{
		Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Minute, Cause: ErrNotDone,
		Detail: "the dry run has planned as much as it can hold. Look at its report, and end it",
	}
}

// Destruct has nothing to give back.
func (*Run) Destruct() error { return nil }

// runs are the dry runs of all configurations, by what they rehearse.
var runs = caddy.NewUsagePool()

// Opened is a dry run in one configuration.
type Opened struct {
	*Run
	pooled string
	drop   func()
}

// Open returns the dry run of what is rehearsed, a new one where there is none.
func Open(ctx caddy.Context, rehearsed ...any) (*Opened, error) {
	text, err := json.Marshal(rehearsed)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	o := &Opened{pooled: hex.EncodeToString(sum[:])}
	v, _, err := runs.LoadOrNew(o.pooled, func() (caddy.Destructor, error) { return New(time.Now()), nil })
	if err != nil {
		return nil, err
	}
	o.Run = v.(*Run) //nolint:forcetypeassert // the pool holds nothing else
	o.drop = o.scratch.use(ctx.Storage())
	o.Offline = ctx.Value(offlineKey{}) != nil
	return o, nil
}

// New returns a run that begins now and belongs to no configuration: it reads no storage.
func New(now time.Time) *Run {
	r := &Run{scratch: new(Scratch)}
	r.Began = now
	r.room.Store(mostImagined)
	r.seat = cluster.Alone("dry run "+rand.Text(), r.scratch)
	return r
}

// Close gives a dry run back.
func (o *Opened) Close() error {
	if o == nil {
		return nil
	}
	o.drop()
	_, err := runs.Delete(o.pooled)
	return err
}

// ID tells runs apart; it is empty for none.
func (r *Run) ID() string {
	if r == nil {
		return ""
	}
	return r.seat.Name()
}

// Shared returns the value that the run has under a key, made where there is none.
func (r *Run) Shared(key string, begin func() any) any { return r.seat.Shared(key, begin) }

// Seat returns a place for an organization that is in no cluster: it takes no lease, and its storage is the scratch. The
// organization's records are found by its name.
func (r *Run) Seat(name string) *cluster.Seat {
	return r.seat.Shared("seat of "+name, func() any { return cluster.Alone(name, r.scratch) }).(*cluster.Seat) //nolint:forcetypeassert // nobody else uses the key
}

// ErrOffline is what a read comes to that a gate has kept from being sent.
var ErrOffline = errors.New("the organization is not asked")

// Gate keeps back every call that may change something, and in a run that is offline all others too. It is asked before
// every call, so that no mistake elsewhere can make one.
func (r *Run) Gate(call upstream.Call) error {
	switch {
	case call.Writes():
		return upstream.ErrPlanned
	case r.Offline:
		return NotAsked()
	}
	return nil
}

// NotAsked returns the answer where what comes next depends on what the upstream has, in a run that is offline.
func NotAsked() error {
	return &scim.Error{Status: http.StatusServiceUnavailable, Detail: "what the upstream has decides what comes next, and it is not asked here", Cause: ErrOffline}
}

// ErrNotDone is the cause of [NotDone].
var ErrNotDone = errors.New("this is a dry run")

// NotDone returns the answer to what takes access away. It is never a success: the provider comes back for it when the dry
// run is over.
func NotDone() error {
	return &scim.Error{
		Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Minute, Cause: ErrNotDone,
		Detail: "the gateway is in a dry run: it has planned this, and nobody loses access. Come back when the dry run is over",
	}
}

// What a dry run imagines has ids that no upstream has made: this, and 26 random characters.
const mark = "dry-run-"

// NewID returns an id for something imagined.
func NewID() string { return mark + strings.ToLower(rand.Text()) }

// Imagined reports whether an id is one that a dry run has made, this one or one that is over.
func Imagined(id string) bool { return strings.HasPrefix(id, mark) && len(id) == len(mark)+26 }

type (
	contextKey struct{}
	offlineKey struct{}
)

// WithoutUpstream returns a context in which a dry run reads nothing from the upstream.
func WithoutUpstream(ctx caddy.Context) caddy.Context { return ctx.WithValue(offlineKey{}, true) }

// With returns a context in which an upstream is provisioned that rehearses.
func With(ctx caddy.Context, r *Run) caddy.Context { return ctx.WithValue(contextKey{}, r) }

// From returns the dry run of a context; nil where the upstream is to do what it says.
func From(ctx context.Context) *Run {
	r, _ := ctx.Value(contextKey{}).(*Run)
	return r
}
