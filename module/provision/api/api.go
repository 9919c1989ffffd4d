// Package api makes the calls of a mapping to the API of an organization. It knows credentials, limits and outcomes, and
// nothing of users, groups or what the gateway remembers.
//
// An [Access] is what all operations share: the tokens, and the limits that the API puts on its callers. It outlives a
// reload of the configuration.
//
// A [Talk] is the calls of one operation, one after the other; it is for one goroutine.
//
//   - [Talk.Send] makes a call: it waits for the limits, logs in where it must, once more where the API takes a token no
//     longer, and has the mapping judge the answer.
//   - Once something was sent that changes something, the operation has begun ([Talk.Begun]): what is half done is finished,
//     whether anybody waits for it or not, and limits refuse it no longer.
//   - [Talk.Outcome] is what is known of the calls that change something.
//   - Where it is only rehearsed, calls that change something count as carried out, and none is sent.
//
// Errors are the answers that the provider gets; [Gone] and [Taken] tell the two that mean more than a failure.
package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Caller makes calls; *[upstream.Caller] is one.
type Caller interface {
	Do(ctx context.Context, call upstream.Call) (*upstream.Answer, error)
	RoundTripper() http.RoundTripper
}

// Access is what the operations of one organization share.
type Access struct {
	credentials credentials
	pace        *pacer
}

// NewAccess returns an access without tokens. wait is the longest that an operation waits for the limits.
func NewAccess(limits []Pace, wait time.Duration) *Access {
	return &Access{pace: newPacer(limits, wait)}
}

// Talk is the calls of one operation.
type Talk struct {
	Access *Access
	Auths  map[string]*plan.Auth
	Caller Caller
	Now    func() time.Time

	// Rehearsed is the dry run that the calls are part of; nil where what is said is done.
	Rehearsed *dryrun.Run

	// Urgent says that somebody loses access by the operation, which waits for no pause after a refused login then.
	Urgent bool

	Begun   bool    // whether something may have been changed by the operation; [Talk.Send] says so
	Outcome Outcome // what is known of the calls that change something, since somebody has set it to zero
}

// Outcome is what is known of calls that change something.
type Outcome struct {
	Done int  // how many were carried out
	Lost bool // whether one was not answered, or by nobody knows whom
}

// Refused reports whether nothing was changed, for certain.
func (o Outcome) Refused() bool { return o.Done == 0 && !o.Lost }

// Gone reports whether an error says that a resource is not there.
func Gone(err error) bool { return answers(err, http.StatusNotFound) }

// Taken reports whether an error says that there is such a resource already.
func Taken(err error) bool { return answers(err, http.StatusConflict) }

func answers(err error, status int) bool {
	e, ok := errors.AsType[*scim.Error](err)
	return ok && e.Status == status
}
