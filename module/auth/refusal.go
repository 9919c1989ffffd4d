package auth

import (
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// Reason is why somebody was not let in. It is for the log and for metrics: the provider is told the same for all keys
// that are not accepted.
type Reason string

// The reasons.
const (
	Missing    Reason = "missing"    // no Authorization header
	Query      Reason = "query"      // a token in the query, which RFC 6750 §2.3 advises against
	Doubled    Reason = "doubled"    // more than one Authorization header
	Scheme     Reason = "scheme"     // not Bearer
	Malformed  Reason = "malformed"  // Bearer without exactly one token: "Bearer Bearer …" is what pasting the word "Bearer" too gives
	Unknown    Reason = "unknown"    // no such key
	Expired    Reason = "expired"    // outside not_before and expires
	Revoked    Reason = "revoked"    // revoked by an operator
	Address    Reason = "address"    // the key is right, the client's address is not
	Disabled   Reason = "disabled"   // an operator has disabled the organization
	Throttled  Reason = "throttled"  // too many failures from this address
	Limited    Reason = "limited"    // a right key, used more often than its own limit says
	Unreadable Reason = "unreadable" // what would have to be known to decide cannot be read
)

// Refusal is that somebody was not let in.
type Refusal struct {
	Reason Reason

	// RetryAfter is when it is worth trying again; zero where it is not.
	RetryAfter time.Duration

	// Log reports whether there is to be a line about it, and Count is how many refusals it stands for.
	Log   bool
	Count int

	status int
}

// Error returns what the provider is told. For every key that is not accepted that is the same: it does not tell a missing
// key from a wrong one, nor a wrong one from one that is right elsewhere.
func (r *Refusal) Error() *scim.Error {
	e := &scim.Error{Status: r.status, RetryAfter: r.RetryAfter}
	switch {
	case r.Reason == Limited:
		e.Detail = "this SCIM API key is used more often than its limit allows"
	case r.Reason == Throttled:
		e.Detail = "too many requests without a valid SCIM API key; try again later"
	case r.Reason == Disabled && r.status == http.StatusServiceUnavailable:
		e.Detail = "SCIM provisioning is turned off for this organization at the moment"
	case r.Reason == Unreadable:
		e.Detail = "whether this SCIM API key is valid cannot be found out at the moment"
	default:
		e.Status = http.StatusUnauthorized
		e.Detail = "a valid SCIM API key is needed, as a bearer token in the Authorization header"
	}
	return e
}

// OfPeer changes the refusal of a request that another gateway has let in: a key that this one does not know is then one
// that it has not read yet.
func (r *Refusal) OfPeer() {
	if r.Reason == Unknown {
		r.Reason, r.status, r.RetryAfter = Unreadable, http.StatusServiceUnavailable, 5*time.Second
	}
}

// refuse counts a refusal against its address, where it has a weight.
func (t *Keys) refuse(client string, reason Reason, status, weight int, retryAfter time.Duration) *Refusal {
	log, count := t.Throttle.note(client, reason, weight)
	return &Refusal{Reason: reason, RetryAfter: retryAfter, Log: log, Count: count, status: status}
}

// failed refuses what is no key, and counts it against its address.
func (t *Keys) failed(client string, reason Reason) *Refusal {
	if refusal := t.blocked(client); refusal != nil {
		return refusal
	}
	return t.refuse(client, reason, http.StatusUnauthorized, 1, 0)
}

// known refuses a right key, which never counts against its address.
func (t *Keys) known(client string, reason Reason) *Refusal {
	return t.refuse(client, reason, http.StatusUnauthorized, 0, 0)
}

func (t *Keys) unreadable(client string) *Refusal {
	return t.refuse(client, Unreadable, http.StatusServiceUnavailable, 1, 5*time.Second)
}

// blocked refuses an address from which too many failures came.
func (t *Keys) blocked(client string) *Refusal {
	wait, ok := t.Throttle.blocked(client)
	if !ok {
		return nil
	}
	return t.refuse(client, Throttled, http.StatusTooManyRequests, 0, wait)
}

// Forbidden returns the answer where the key is right but not good for this.
func Forbidden() *scim.Error {
	return scim.Errorf(http.StatusForbidden, "", "this SCIM API key is not good for this operation")
}
