package cluster

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Asked is what is known of an operation before it begins.
type Asked struct {
	// Forwarded tells that another gateway has sent it here, because it takes this one for the leader.
	Forwarded bool

	// Take tells that whoever let go of the lease last could not be reached.
	Take bool

	// Fresh tells that whoever was taken for the leader turned out not to be it: what was read a moment ago is read again.
	Fresh bool

	// Leaver tells that the operation deactivates or deletes a user: it is carried out where nobody can be asked who leads.
	Leaver bool
}

// Turn is the leave to carry one operation out. The nil Turn never ends.
type Turn struct {
	lead  *leadership // nil where there is one gateway
	term  int
	blind bool
}

type turnKey struct{}

// With returns a context of an operation.
func (t *Turn) With(ctx context.Context) context.Context { return context.WithValue(ctx, turnKey{}, t) }

// Blind reports whether an operation is carried out although nobody could be asked who leads: it may disable and delete a
// user, and nothing else.
func Blind(ctx context.Context) bool {
	t, _ := ctx.Value(turnKey{}).(*Turn)
	return t != nil && t.blind
}

// Alive returns why the operation of a context may start no call; nil while it may. It is asked before every call of the
// upstream.
func Alive(ctx context.Context) error {
	t, _ := ctx.Value(turnKey{}).(*Turn)
	return t.Alive()
}

// Begin waits until the organization may be provisioned by this gateway, or finds that another one does: the error is a
// [*Standby] then. Every operation begins with it, and [Turn.End] is called when it is over.
func (s *Seat) Begin(ctx context.Context, a Asked) (*Turn, error) {
	select {
	case <-s.started:
	case <-ctx.Done():
		return nil, refusal("the gateway has not started yet", time.Second, ctx.Err())
	}
	if l := s.leading(); l != nil {
		turn, err := l.begin(ctx, a)
		if err == nil && !turn.blind {
			s.presence.touch(s, true)
		}
		return turn, err
	}
	s.presence.touch(s, false)
	return new(Turn), nil
}

// Hold keeps the turn of an operation from ending before release is called: what it has begun goes on in the background.
func Hold(ctx context.Context) (release func()) {
	t, _ := ctx.Value(turnKey{}).(*Turn)
	if t == nil || t.lead == nil {
		return func() {}
	}
	t.lead.mu.Lock()
	defer t.lead.mu.Unlock()
	t.lead.turns++ // it ends twice
	return t.End
}

// End ends the turn.
func (t *Turn) End() {
	if t == nil || t.lead == nil {
		return
	}
	t.lead.end(t)
}

// Alive returns why no call may be started any more; nil while calls may be.
func (t *Turn) Alive() error {
	if t == nil || t.lead == nil || t.blind {
		return nil
	}
	term, err := t.lead.lease.Alive()
	if err == nil && term.Number == t.term {
		return nil
	}
	return refusal("this gateway had to stop in the middle: another one may be provisioning the organization now; try again", time.Second, err)
}

// Standby is the error when another gateway leads.
type Standby struct { //nolint:errname // a state of the gateway, which callers look for
	// Address is where it can be reached; empty where it does not say.
	Address string

	owner  string // its name in the lease
	secret string // shows it that a request comes from a peer

	// Idle tells that it has let go of the lease, and is only asked first. See [Asked.Take].
	Idle bool

	// Ends is how long it has to be silent until another gateway takes its place.
	Ends time.Duration
}

// Error implements error.
func (*Standby) Error() string { return "another gateway provisions the organization" }

// Unwrap is what the provider is told where the request is not forwarded.
func (s *Standby) Unwrap() error {
	detail := "another gateway of the cluster provisions the organization; try again"
	if s.Address == "" {
		detail = "another gateway of the cluster provisions the organization, and it does not say where it can be reached; try again"
	}
	return refusal(detail, min(max(s.Ends, time.Second), 30*time.Second), nil)
}

func refusal(detail string, after time.Duration, cause error) error {
	return &scim.Error{Status: http.StatusServiceUnavailable, Detail: detail, RetryAfter: after, Cause: cause}
}

// Sign returns what shows the leader that a request comes from another gateway of its cluster, and that what it says of its
// client is so. It may be seen by others: it is good for nothing but this.
func (s *Standby) Sign(said ...string) string { return sign(s.secret, said) }

// Verify reports whether what a request says of its client was signed by another gateway of the cluster.
func (s *Seat) Verify(signature string, said ...string) bool {
	return s.leading() != nil && hmac.Equal([]byte(signature), []byte(sign(s.secret, said)))
}

func sign(secret string, said []string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, word := range said {
		_, _ = fmt.Fprintf(mac, "%d %s\n", len(word), word)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
