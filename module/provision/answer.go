package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// answer returns a resource as the provider is told of it.
func (s *session) answer(ctx context.Context, k *kind, sub *subject, status int) (*scim.Answer, error) {
	res, err := s.shown(ctx, k, sub)
	if err != nil {
		return nil, err
	}
	if k == s.user {
		s.reinvite(ctx, sub)
	}
	return &scim.Answer{Status: status, Body: res.AppendTo(nil)}, nil
}

// created returns the answer to a POST (RFC 7644 §3.3).
func (s *session) created(ctx context.Context, k *kind, sub *subject) (*scim.Answer, error) {
	a, err := s.answer(ctx, k, sub, http.StatusCreated)
	if err != nil {
		return nil, err
	}
	a.Location = scim.Location(s.op.Base, k.rt, sub.id)
	return a, nil
}

// shown returns a resource with all that the request asks for and nothing else. Members are read only where they are asked
// for, because that is one more call for each group.
func (s *session) shown(ctx context.Context, k *kind, sub *subject) (*doc.Node, error) {
	sub, err := s.withLedger(ctx, k, sub)
	if err != nil {
		return nil, err
	}
	res := sub.res.Clone()
	if sub.entry == nil { // the ledger holds all that was written, which is more than is kept in the end
		for _, attribute := range value.Attributes(res) {
			if !k.shows(attribute) && attribute != "emails" {
				value.Set(k.rt, res, attribute, nil)
			}
		}
	}
	if k == s.group {
		res.Delete("members")
		if s.wants("members") {
			if err := s.loadMembers(ctx, sub); err != nil {
				return nil, err
			}
			res.Set("members", s.members(sub.members))
		}
	}
	scim.Complete(res, k.rt, s.op.Base)
	return scim.Project(res, k.rt, s.op.Query), nil
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
