package relay

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// answer makes of the server's answer what the provider is told. Nothing that is not a whole SCIM document becomes a
// success, and nothing that is the server's or the gateway's trouble becomes the provider's.
func (r *Relay) answer(c *upstream.Caller, op *scim.Operation, a *upstream.Answer) (*scim.Answer, error) {
	tag := upstream.WeakTag(a.Header.Get("ETag"))
	switch {
	case a.Status == http.StatusNotModified:
		return &scim.Answer{Status: a.Status, ETag: tag}, nil
	case !a.OK():
		return r.failed(c, op, a)
	case len(bytes.TrimSpace(a.Body)) == 0 && (op.Verb == scim.Patch || op.Verb == scim.Replace || op.Verb == scim.Delete):
		return &scim.Answer{Status: http.StatusNoContent, ETag: tag}, nil
	}
	d, err := a.Doc() // of a DELETE too: a page of something in between must not make a leaver look gone
	switch {
	case err != nil:
		return nil, err
	case op.Verb == scim.Delete && saysFailed(d.Value()):
		return nil, bad("the upstream answered a DELETE with an error", statusError(a.Status))
	case op.Verb == scim.Delete:
		return &scim.Answer{Status: http.StatusNoContent}, nil
	}
	if !r.gateway.Quirks.Settled(op, d) {
		if !isAnswer(op, d.Value()) {
			return nil, bad("the upstream's answer is not what SCIM answers here", nil)
		}
		d = r.normal(c, op, d)
	}
	d = scim.Relocate(d, op.Base)
	out := &scim.Answer{Status: http.StatusOK, ETag: tag, Body: d.Raw()}
	if op.Verb == scim.Create { // some servers say 200; RFC 7644 §3.3 knows 201 only
		out.Status = http.StatusCreated
	}
	if op.Verb == scim.Create || op.Verb != scim.List && a.Header.Get("Location") != "" {
		id, _ := d.Value().Lookup("id")
		out.Location = scim.Location(op.Base, op.Type, id.Text())
	}
	return out, nil
}

// normal returns the document as a provider should read it. Resources that came without a URL get theirs: meta is in every
// answer (RFC 7643 §3.1).
func (r *Relay) normal(c *upstream.Caller, op *scim.Operation, d doc.Doc) doc.Doc {
	n := doc.Tree(d.Value())
	r.gateway.Quirks.Answer(op, n, c.Account())
	if !r.gateway.Quirks.On("answer-meta") {
		return n.Doc()
	}
	resources := n.Get("Resources").Items()
	if op.Verb != scim.List {
		resources = []*doc.Node{n}
	}
	for _, res := range resources {
		if res.Kind() == doc.Object && res.Get("meta").Get("location").Kind() != doc.String {
			scim.SetMeta(res, op.Type, op.Base)
		}
	}
	return n.Doc()
}

// isAnswer tells a resource, or a list of them, from any other document that is valid JSON.
func isAnswer(op *scim.Operation, v doc.Value) bool {
	if op.Verb == scim.List {
		_, resources := v.Lookup("Resources")
		_, total := v.Lookup("totalResults")
		return resources || total
	}
	id, _ := v.Lookup("id")
	return id.Kind() == doc.Number || id.Kind() == doc.String && !id.Is("")
}

// saysFailed reports whether a document that came with a status of success is about a failure: an error of SCIM (RFC 7644 §3.12), or
// what the frameworks write in its place.
func saysFailed(v doc.Value) bool {
	if scim.IsError(v) {
		return true
	}
	for _, name := range []string{"success", "succeeded", "ok"} {
		if v, _ := v.Lookup(name); v.Kind() == doc.Bool && !v.True() || v.Is("false") {
			return true
		}
	}
	for _, name := range []string{"error", "errors", "scimType"} {
		switch v, _ := v.Lookup(name); v.Kind() {
		case doc.Bool:
			if v.True() {
				return true
			}
		case doc.String:
			if !v.Is("") {
				return true
			}
		case doc.Array, doc.Object:
			if len(bytes.Trim(v.Raw(), "[]{} \t\r\n")) > 0 {
				return true
			}
		}
	}
	for _, name := range []string{"status", "statusCode", "code"} {
		v, _ := v.Lookup(name)
		if i, err := strconv.Atoi(v.Text()); err == nil && i >= http.StatusBadRequest && i < 600 {
			return true
		}
		if v.Is("error") || v.Is("fail") || v.Is("failed") || v.Is("failure") {
			return true
		}
	}
	return false
}

// failed returns an answer that is no success.
func (r *Relay) failed(c *upstream.Caller, op *scim.Operation, a *upstream.Answer) (*scim.Answer, error) {
	if op.Verb == scim.List && isPage(a) { // "not found" says nothing about the filter here
		return nil, refusal(a)
	}
	e := r.gateway.Quirks.Failure(op, a.Status, a.Body, c.Account())
	switch {
	case e == nil && op.Verb == scim.List:
		return &scim.Answer{Status: http.StatusOK, Body: scim.ListResponse(0, op.Query.StartIndex, nil)}, nil
	case e == nil:
		return &scim.Answer{Status: http.StatusNoContent}, nil
	case e.Type == scim.Uniqueness: // whatever the status was
		return nil, e
	}
	if err := refusal(a); err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound && op.ID == "" {
		return nil, bad("the upstream has no such SCIM endpoint", nil)
	}
	e.Cause = statusError(a.Status)
	return nil, e
}

// refusal is an answer that is not about the operation: 401 and 403 are about the gateway's own credentials, a redirect
// would lose the body, 5xx is the server's trouble, and a page for people comes from something in between.
func refusal(a *upstream.Answer) error {
	switch {
	case a.Status == http.StatusTooManyRequests:
		e := scim.Errorf(http.StatusTooManyRequests, "", "the upstream asks for fewer requests")
		e.RetryAfter = upstream.RetryAfter(a.Header, time.Now())
		return e
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return bad("the upstream does not let the gateway in", statusError(a.Status))
	case a.Status >= 500:
		e := bad("the upstream could not carry the operation out", statusError(a.Status))
		e.RetryAfter = upstream.RetryAfter(a.Header, time.Now())
		return e
	case a.Status < 400 && !a.OK():
		return bad("the upstream redirects", statusError(a.Status))
	case a.Status >= 400 && isPage(a):
		return bad("the upstream answers with a page instead of SCIM", statusError(a.Status))
	}
	return nil
}

// isPage reports whether an answer is a page for people.
func isPage(a *upstream.Answer) bool {
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/html")
}

func bad(detail string, cause error) *scim.Error {
	return &scim.Error{Status: http.StatusBadGateway, Detail: detail, Cause: cause}
}

func statusError(status int) error { return errors.New("status " + strconv.Itoa(status)) }
