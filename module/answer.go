package module

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// answer writes what the provider is told, and returns its status. The headers are the gateway's own: nothing of the
// upstream's shines through that was not put into the answer on purpose.
func (x *exchange) answer(a *scim.Answer, err error) int {
	h := x.w.Header()
	h["Cache-Control"] = []string{"no-store"}
	if x.r.ProtoMajor == 1 && x.r.ContentLength != 0 && !x.read {
		h.Set("Connection", "close") // or the server would wait for the body that nobody wants before it sends the answer
	}
	if err == nil && a == nil {
		err = errors.New("the upstream module returned no answer")
	}
	if err != nil {
		e := asError(err)
		a = &scim.Answer{Status: e.Status, Body: e.Body()}
		if m, ok := errors.AsType[*methodError](err); ok {
			h.Set("Allow", m.allow)
		}
		if e.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", "Bearer")
		}
		if e.RetryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		}
		if e.Status == upstream.StatusCanceled {
			a.Body = nil // nobody is there to read it
		}
	}
	if a.Location != "" {
		h.Set("Location", a.Location)
	}
	if a.ETag != "" {
		h.Set("ETag", a.ETag)
	}
	if a.Body != nil {
		h["Content-Type"] = []string{scim.MediaType}
		h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	}
	x.w.WriteHeader(a.Status)
	if a.Body != nil {
		_, _ = x.w.Write(a.Body) // a provider that went away is in the access log
	}
	return a.Status
}
