package relay

import (
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
func (r *Relay) answer(op *scim.Operation, a *upstream.Answer) (*scim.Answer, error) {
	switch {
	case a.Status == http.StatusNotModified:
		return &scim.Answer{Status: a.Status, ETag: upstream.WeakTag(a.Header.Get("ETag"))}, nil
	case !a.OK():
		return r.failed(op, a)
	case op.Verb == scim.Delete:
		return &scim.Answer{Status: http.StatusNoContent}, nil
	case len(a.Body) == 0 && (op.Verb == scim.Patch || op.Verb == scim.Replace):
		return &scim.Answer{Status: http.StatusNoContent, ETag: upstream.WeakTag(a.Header.Get("ETag"))}, nil
	}
	d, err := a.Doc()
	if err != nil {
		return nil, err
	}
	n := doc.Tree(d.Value())
	if !isAnswer(op, n) {
		return nil, bad("the upstream's answer is not what SCIM answers here", nil)
	}
	scim.Relocate(n, op.Base)
	out := &scim.Answer{Status: http.StatusOK, ETag: upstream.WeakTag(a.Header.Get("ETag"))}
	if op.Verb == scim.Create {
		// 200 says that the user was there already; Entra takes both for created (RFC 7644 §3.3 knows 201 only).
		out.Status = http.StatusCreated
		out.Location = scim.Location(op.Base, op.Type, n.Get("id").Text())
	}
	out.Body = n.AppendTo(nil)
	return out, nil
}

// isAnswer tells a resource, or a list of them, from any other document that is valid JSON.
func isAnswer(op *scim.Operation, n *doc.Node) bool {
	if op.Verb == scim.List {
		return n.Get("Resources").Kind() == doc.Array || n.Get("totalResults").Kind() == doc.Number
	}
	return n.Get("id").Kind() == doc.String && n.Get("id").Text() != ""
}

// failed is an answer that is no success.
func (r *Relay) failed(op *scim.Operation, a *upstream.Answer) (*scim.Answer, error) {
	if err := refusal(a); err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound && op.ID == "" {
		if op.Verb == scim.List && op.Query.Filter != nil && r.gateway.Quirks.On("answer-not-found") {
			// For Entra 404 means that the server is gone, and it stops provisioning (catalogue Q12, Q75).
			return &scim.Answer{Status: http.StatusOK, Body: scim.ListResponse(0, op.Query.StartIndex, nil)}, nil
		}
		return nil, bad("the upstream has no such SCIM endpoint", nil)
	}
	return nil, scimError(a)
}

// refusal is an answer that is not about the operation: 401 and 403 are about the gateway's own credentials, a redirect
// would lose the body, 5xx is the server's trouble, and a page for people comes from something in between.
func refusal(a *upstream.Answer) error {
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch {
	case a.Status == http.StatusTooManyRequests:
		e := scim.Errorf(http.StatusTooManyRequests, "", "the upstream asks for fewer requests")
		e.RetryAfter = retryAfter(a.Header)
		return e
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return bad("the upstream does not let the gateway in", statusError(a.Status))
	case a.Status >= 500:
		e := bad("the upstream could not carry the operation out", statusError(a.Status))
		e.RetryAfter = retryAfter(a.Header)
		return e
	case a.Status < 400 && !a.OK():
		return bad("the upstream redirects", statusError(a.Status))
	case a.Status >= 400 && strings.EqualFold(strings.TrimSpace(media), "text/html"):
		return bad("the upstream answers with a page instead of SCIM", statusError(a.Status))
	}
	return nil
}

// scimError is a refusal of the operation itself. The text of a SCIM error is meant for the provider; any other text is
// the framework's, and may name what nobody outside should know (catalogue Q78).
func scimError(a *upstream.Answer) *scim.Error {
	e := &scim.Error{Status: a.Status, Detail: "the upstream refused the operation", Cause: statusError(a.Status)}
	if d, err := doc.Scan(a.Body); err == nil && isError(d.Value()) {
		if v, _ := d.Value().Lookup("scimType"); v.Kind() == doc.String {
			e.Type = v.Text()
		}
		if v, _ := d.Value().Lookup("detail"); v.Kind() == doc.String && v.Text() != "" {
			e.Detail = oneLine(v.Text())
		}
	}
	if a.Status == http.StatusConflict && e.Type == "" {
		e.Type = scim.Uniqueness
	}
	return e
}

func isError(v doc.Value) bool {
	list, _ := v.Lookup("schemas")
	for item := range list.Items() {
		if item.Is(scim.ErrorSchema) {
			return true
		}
	}
	return false
}

func oneLine(s string) string {
	const limit = 500
	s = strings.ToValidUTF8(s[:min(len(s), limit)], "")
	return strings.Join(strings.Fields(s), " ")
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}

func bad(detail string, cause error) *scim.Error {
	return &scim.Error{Status: http.StatusBadGateway, Detail: detail, Cause: cause}
}

func statusError(status int) error { return errors.New("status " + strconv.Itoa(status)) }
