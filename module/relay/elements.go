package relay

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// elements reads the resource where a PATCH names elements of lists that may not exist, and has those that do not added
// (Q38). Somebody else may change the resource in between: the PATCH then holds for the version that was read,
// where the server has versions (RFC 7644 §3.14).
func (r *Relay) elements(ctx context.Context, c *upstream.Caller, op *scim.Operation, header http.Header) error {
	if op.Verb != scim.Patch {
		return nil
	}
	attributes := r.gateway.Quirks.NeedsElements(op.Type, op.Body)
	if len(attributes) == 0 {
		return nil
	}
	query := "?attributes=" + url.QueryEscape(strings.Join(attributes, ","))
	a, err := c.Do(ctx, upstream.Call{Method: http.MethodGet, Path: r.root(c) + c.Path() + query})
	if err != nil {
		return err
	}
	if err := refusal(a); err != nil {
		return err
	}
	if !a.OK() {
		return nil // nothing to look into: the PATCH will be answered with the server's own reason
	}
	d, err := a.Doc()
	if err != nil {
		return err
	}
	current, read := doc.Tree(d.Value()), *op
	read.Verb, read.Query = scim.Read, scim.Query{} // the PATCH's own query is about its answer
	r.gateway.Quirks.Answer(&read, current, nil)
	if tag := a.Header.Get("ETag"); tag != "" && header.Get("If-Match") == "" && header.Get("If-None-Match") == "" {
		header.Set("If-Match", tag)
	}
	op.Body, err = r.gateway.Quirks.CreateElements(op.Type, op.Body, current, c.Account())
	return err
}
