package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// answer returns a resource as the provider is told of it.
func (rs *resources) answer(ctx context.Context, sub *subject, status int) (*scim.Answer, error) {
	res, err := rs.shown(ctx, sub)
	if err != nil {
		return nil, err
	}
	if rs.IsUser() {
		rs.reinvite(ctx, sub)
	}
	return &scim.Answer{Status: status, Body: res.AppendTo(nil)}, nil
}

// created returns the answer to a POST (RFC 7644 §3.3).
func (rs *resources) created(ctx context.Context, sub *subject) (*scim.Answer, error) {
	a, err := rs.answer(ctx, sub, http.StatusCreated)
	if err != nil {
		return nil, err
	}
	a.Location = scim.Location(rs.op.Base, rs.Type, sub.id)
	return a, nil
}

// shown returns a resource with all that the request asks for and nothing else. Members are read only where they are asked
// for, because that is one more call for each group.
func (rs *resources) shown(ctx context.Context, sub *subject) (*doc.Node, error) {
	sub, err := rs.withLedger(ctx, sub)
	if err != nil {
		return nil, err
	}
	res := sub.res.Clone()
	if sub.entry == nil { // the ledger holds all that was written, which is more than is kept in the end
		for _, attribute := range value.Attributes(res) {
			if !rs.Shows(attribute) && attribute != "emails" {
				value.Set(rs.Type, res, attribute, nil)
			}
		}
	}
	if !rs.IsUser() {
		res.Delete("members")
		if rs.wants("members") {
			if err := rs.groups.loadMembers(ctx, sub); err != nil {
				return nil, err
			}
			res.Set("members", rs.groups.members(sub.members))
		}
	}
	scim.Complete(res, rs.Type, rs.op.Base)
	return scim.Project(res, rs.Type, rs.op.Query), nil
}

// wants reports whether the request asks for an attribute, or a part of it (RFC 7644 §3.9).
func (s *session) wants(name string) bool {
	q := s.op.Query
	for _, path := range q.Excluded {
		if doc.FoldEqual(path, name) {
			return false
		}
	}
	for _, path := range q.Attributes {
		if doc.FoldEqual(value.Whole(s.op.Type, path), name) {
			return true
		}
	}
	return len(q.Attributes) == 0
}
