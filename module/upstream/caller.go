package upstream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/span"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The limits of a call where the configuration has none.
const (
	DefaultMaxResponse = 64 << 20
	DefaultTimeout     = time.Minute
)

// StatusCanceled is the status of the error when the provider went away before the answer was there. It is nginx's, and
// what Caddy writes into the access log in this case.
const StatusCanceled = 499

// Canceled reports whether an error says that whoever asked went away before there was an answer.
func Canceled(err error) bool {
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Status == StatusCanceled {
		return true
	}
	return errors.Is(err, context.Canceled)
}

// Config is how calls are made.
type Config struct {
	MaxResponse int64         // bytes of one answer; 0 is DefaultMaxResponse
	Timeout     time.Duration // of one call; 0 is DefaultTimeout, negative is none

	// Root is the SCIM root of the provider's request, escaped, without a slash at the end.
	Root string

	// Path is what follows the root, in the spelling in which the provider sent it: "/Users/a%40b".
	Path string

	// Gate is asked before every call, if it is there: an error of it is what the call comes to, and nothing is sent. Of a
	// call that is only planned it is [ErrPlanned].
	Gate func(call Call) error

	// Account is where the rules that are applied to the upstream's answers are counted. It is for one goroutine.
	Account *quirks.Account
}

// Caller makes the calls that belong to one SCIM request. It may be used by several goroutines.
type Caller struct {
	next    caddyhttp.Handler
	orig    *http.Request
	server  *caddyhttp.Server
	repl    *caddy.Replacer
	vars    map[string]any
	trusted bool
	config  Config

	calls atomic.Int64
	spent atomic.Int64
}

// New makes the caller of one SCIM request. It reads what it needs from the request's context at once, since Caddy's
// variables must not be read while others write them.
func New(next caddyhttp.Handler, r *http.Request, c Config) *Caller {
	if c.MaxResponse <= 0 {
		c.MaxResponse = DefaultMaxResponse
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	ctx := r.Context()
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		server = &caddyhttp.Server{} // reverse_proxy dereferences it
	}
	repl, _ := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	trusted, _ := vars[caddyhttp.TrustedProxyVarKey].(bool)
	return &Caller{
		next: next, orig: r, server: server, repl: repl, vars: vars,
		trusted: trusted, config: c,
	}
}

// Account returns the one of the request, for the rules that are applied to answers; nil where nobody counts.
func (c *Caller) Account() *quirks.Account { return c.config.Account }

// Root returns the SCIM root of the provider's request as it stands in its path, escaped: where a SCIM server of the same layout
// has its own.
func (c *Caller) Root() string { return c.config.Root }

// Path returns what follows the root, in the provider's spelling: an identifier has to come back as the server gave it.
func (c *Caller) Path() string { return c.config.Path }

// Calls returns how many calls were made so far.
func (c *Caller) Calls() int { return int(c.calls.Load()) }

// Spent returns the time all calls took together; calls that ran side by side count each.
func (c *Caller) Spent() time.Duration { return time.Duration(c.spent.Load()) }

// Do makes one call. Any answer of the upstream is an answer, whatever its status; the error is a *[scim.Error] and means
// that there is no whole answer: 502 nothing or half of one, 503 unreachable, 504 too slow, [StatusCanceled].
func (c *Caller) Do(ctx context.Context, call Call) (*Answer, error) {
	target, err := parseTarget(call.Path)
	if err != nil {
		return nil, err
	}
	if err := cluster.Alive(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	if c.config.Gate != nil {
		if err := c.config.Gate(call); err != nil {
			trace.From(ctx).Call(trace.Call{Name: call.Name, Method: call.Method, Path: target.EscapedPath(), Planned: true})
			return nil, err
		}
	}
	c.calls.Add(1)
	start := time.Now()
	a, err := c.do(ctx, call, target)
	took := time.Since(start)
	c.spent.Add(int64(took))
	if t := trace.From(ctx); t != nil {
		t.Call(traced(call, target, a, err, took))
	}
	return a, err
}

// traced returns the call as the log shows it. Values of users are in the query of a path, which is left out.
func traced(call Call, target *url.URL, a *Answer, err error, took time.Duration) trace.Call {
	t := trace.Call{Name: call.Name, Method: call.Method, Path: target.EscapedPath(), Took: took}
	if a != nil {
		t.Status = a.Status
	}
	if e, ok := errors.AsType[*scim.Error](err); ok {
		t.Error = e.Detail
	}
	return t
}

// do makes the call within its time, and within a span of its own where the request is traced.
func (c *Caller) do(ctx context.Context, call Call, target *url.URL) (a *Answer, err error) {
	ctx, s := span.StartCall(ctx, call.Name, call.Method)
	defer func() {
		status := 0
		if a != nil {
			status = a.Status
		}
		span.EndCall(s, status, err)
	}()
	parent := ctx
	if c.config.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.config.Timeout)
		defer cancel()
	}
	res := &response{answer: Answer{Header: http.Header{}}, limit: c.config.MaxResponse}
	err = c.serve(res, c.request(ctx, call, target))
	res.end()
	return outcome(parent, ctx, res, err)
}

// request returns the call as the next handler gets it.
func (c *Caller) request(ctx context.Context, call Call, target *url.URL) *http.Request {
	sub := c.orig.WithContext(ctx)
	sub.Method, sub.URL, sub.RequestURI = call.Method, target, call.Path
	if call.Host != "" {
		sub.Host = call.Host
	}
	sub.Trailer, sub.TransferEncoding, sub.Form, sub.PostForm, sub.MultipartForm = nil, nil, nil, nil, nil
	sub.Header = outgoing(c.orig.Header, c.trusted)
	if call.Body == nil {
		sub.Body, sub.GetBody, sub.ContentLength = http.NoBody, nil, 0
		sub.Header.Del("Content-Type")
	} else {
		sub.Body, sub.ContentLength = io.NopCloser(bytes.NewReader(call.Body)), int64(len(call.Body))
	}
	span.Inject(ctx, sub.Header)
	maps.Copy(sub.Header, call.Header)
	return sub
}

// serve runs the chain. reverse_proxy panics with http.ErrAbortHandler when the upstream's body breaks off after the
// header was written; that exact value is an answer cut short. Any other panic is not ours.
func (c *Caller) serve(res *response, sub *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http compares it
				panic(v)
			}
			err = errCutShort
		}
	}()
	// Route groups remember in the context that one of them has matched, variables and placeholders are not made for
	// several goroutines: every call is prepared as a request of its own.
	repl := caddy.NewReplacer()
	sub = caddyhttp.PrepareRequest(sub, repl, res, c.server)
	if vars, ok := sub.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		maps.Copy(vars, c.vars)
	}
	if c.repl != nil {
		repl.Map(c.placeholder)
	}
	return c.next.ServeHTTP(res, sub)
}

// placeholder answers what the call's own replacer does not know from that of the provider's request: the placeholders
// of the gateway, of map, of matchers. Those of the request itself are never asked for, they are the call's own.
func (c *Caller) placeholder(key string) (any, bool) {
	if strings.HasPrefix(key, "http.request.") || strings.HasPrefix(key, "http.response.") {
		return nil, false
	}
	return c.repl.Get(key)
}

var errCutShort = errors.New("the upstream's answer was cut short")

// outcome tells an answer from the many ways of not getting one.
func outcome(parent, ctx context.Context, res *response, err error) (*Answer, error) {
	if err == nil && !res.tooLarge {
		switch res.answer.Status {
		default:
			return &res.answer, nil
		case 0:
			return nil, failure(http.StatusBadGateway, "no handler behind the gateway answered", nil)
		case StatusCanceled:
		}
	}
	handler, _ := errors.AsType[caddyhttp.HandlerError](err)
	switch {
	case parent.Err() == nil && ctx.Err() != nil:
		return nil, tooSlow(ctx.Err())
	case parent.Err() != nil:
		return nil, interrupted(parent.Err())
	case res.answer.Status == StatusCanceled, handler.StatusCode == StatusCanceled:
		// The provider still waits, and would get an answer that this status leaves empty.
		return nil, failure(http.StatusBadGateway, "the upstream answered that the client closed the request, which it did not", err)
	case res.tooLarge:
		return nil, failure(http.StatusBadGateway, "the upstream's answer is too large", nil)
	case errors.Is(err, errCutShort):
		return nil, failure(http.StatusBadGateway, errCutShort.Error(), nil)
	case Unreachable(err), handler.StatusCode == http.StatusServiceUnavailable:
		return nil, failure(http.StatusServiceUnavailable, "the upstream cannot be reached", err)
	case handler.StatusCode == http.StatusGatewayTimeout, errors.Is(err, context.DeadlineExceeded):
		return nil, tooSlow(err)
	case handler.StatusCode >= 400 && handler.StatusCode < 500:
		// The chain behind decided, as "error 404" or file_server do: an answer like any other.
		return &Answer{Status: handler.StatusCode, Header: res.answer.Header}, nil
	}
	return nil, failure(http.StatusBadGateway, "the upstream's answer could not be read", err)
}

// interrupted returns the error of a call that nobody waits for any more.
func interrupted(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooSlow(err)
	}
	return failure(StatusCanceled, "the client closed the request", err)
}

// Unreachable reports whether no connection came about. reverse_proxy's own error hides what it wraps.
func Unreachable(err error) bool {
	if _, ok := errors.AsType[reverseproxy.DialError](err); ok {
		return true
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}

func tooSlow(cause error) *scim.Error {
	return failure(http.StatusGatewayTimeout, "the upstream did not answer in time", cause)
}

func failure(status int, detail string, cause error) *scim.Error {
	return &scim.Error{Status: status, Detail: detail, Cause: cause}
}

// parseTarget checks the target of a call. Identifiers come from outside; one that is a dot segment would walk to another
// resource, and proxies differ in what they do about it.
func parseTarget(path string) (*url.URL, error) {
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return nil, failure(http.StatusInternalServerError, "the gateway made an upstream path that is no path", err)
	}
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if HasDots(segment) {
			return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an identifier cannot be part of a path")
		}
	}
	return u, nil
}
