// Package upstream is the only place from which calls leave the gateway. What the gateway calls is the next handler in
// Caddy's route, never a socket of its own: balancing, health checks, mTLS, header_up and mocks all come from Caddy. Begin
// to read at [Caller.Do].
package upstream

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/drift"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Namespace holds the guest modules that carry operations out.
const Namespace = "http.handlers.scim_gateway.upstreams"

// Upstream is what an operation is carried out on. Implementations are guest modules in [Namespace].
type Upstream interface {
	// Carry does what the operation says, calling the next handler through c as often as it takes. Errors are
	// *scim.Error wherever the provider can be told more than that something broke.
	Carry(ctx context.Context, c *Caller, op *scim.Operation) (*scim.Answer, error)

	// Features is what the upstream keeps and does, for the discovery documents (RFC 7643 §5).
	Features() scim.Features
}

// Discoverer is an [Upstream] that has discovery documents of its own. The path is the one below the root
// ("/ServiceProviderConfig", "/Schemas/urn:…"), escaped; base is the root's public URL. A nil answer leaves it to the
// gateway to write the document.
type Discoverer interface {
	Discover(ctx context.Context, c *Caller, path, base string) (*scim.Answer, error)
}

// Preparer is an [Upstream] that needs to know the gateway it works for. Prepare is called once, after Provision.
type Preparer interface {
	Prepare(g Gateway) error
}

// Declarer is an [Upstream] whose resources have attributes beyond RFC 7643.
type Declarer interface {
	Attributes() []schema.Custom
}

// Seated is an [Upstream] on which one gateway at a time carries operations out.
type Seated interface {
	Seat() *cluster.Seat
}

// Clustered is a [Seated] that may have several gateways, of which one leads.
type Clustered interface {
	Seated

	// Clustered reports whether it has.
	Clustered() bool
}

// Named is an [Upstream] that is an organization with a name; empty where the operator gave it none.
type Named interface {
	Name() string
}

// Drifting is an [Upstream] that can be compared with what the provider last said of it.
type Drifting interface {
	Drift(ctx context.Context, asked drift.Asked) (*drift.Report, error)
}

// Gateway is what an upstream may know of the gateway.
type Gateway struct {
	Schemas *schema.Set        // with the operator's custom attributes
	Quirks  *quirks.Normalizer // for the upstream's answers
	Logger  *zap.Logger
	Guard   *guard.Open   // against mass deprovisioning; nil where nothing is guarded
	Timeout time.Duration // of one call, as in [Config]

	// Clients is whether OAuth 2.0 clients get tokens of the gateway.
	Clients bool

	// Settled is told what was found out of an earlier request, beside all requests.
	Settled func(resource string, told *trace.Trace)
}

// Call is one request to the next handler.
type Call struct {
	Name   string // what the call is for, such as user.create[0]: for the log only
	Method string
	Path   string      // escaped and absolute, with an optional query
	Host   string      // empty keeps the host of the provider's request
	Header http.Header // added to what the gateway sends anyway, replacing what has the same name
	Body   []byte      // nil for none
	Reads  bool        // it changes nothing, whatever its method is: a search, a login
}

// Writes reports whether the call may change something.
func (c Call) Writes() bool {
	return !c.Reads && c.Method != http.MethodGet && c.Method != http.MethodHead
}

// ErrPlanned is what a call comes to that a gate has kept from being sent.
var ErrPlanned = errors.New("the call is planned, and was not made")

// Answer is what the next handler answered, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK reports whether the status is one of success.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Doc returns the body as a document. A body that is none, an HTML error page for example, is the upstream's fault: 502.
func (a *Answer) Doc() (doc.Doc, error) {
	d, err := doc.Scan(a.Body)
	if err != nil {
		return doc.Doc{}, &scim.Error{
			Status: http.StatusBadGateway,
			Detail: "the upstream's answer is not a JSON document the gateway accepts",
			Cause:  err,
		}
	}
	return d, nil
}

// RetryAfter returns the time that an answer asks to be left alone for, as seconds or as a date (RFC 9110 §10.2.3), an hour at
// most. It is 0 where the answer does not say.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(n, 0), 3600)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), time.Hour)
	}
	return 0
}
