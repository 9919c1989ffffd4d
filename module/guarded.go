package module

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// loadGuard opens the guard of the organization, or, in front of a SCIM server, one that outlives a reload under the name
// of the organization, or else under what tells two gateways apart.
func (h *Handler) loadGuard(ctx caddy.Context) (err error) {
	seat, name := h.seat(), h.Organization
	if seat == nil {
		if len(h.Guard.Protect) > 0 {
			return errors.New("protect needs an organization: the gateway does not know the users of a SCIM server by anything but their ids")
		}
		if name == "" {
			text, err := json.Marshal([]any{h.Keys, h.EntraTokens, h.UpstreamRaw})
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			h.guard, err = guard.For(ctx, guard.Place{Key: hex.EncodeToString(sum[:]), Dry: h.DryRun}, h.Guard)
			return err
		}
	}
	h.guard, err = guard.For(ctx, guard.Place{Seat: seat, Name: name, Key: name, Dry: h.DryRun}, h.Guard)
	return err
}

// relayed carries an operation out on a SCIM server, which is guarded by what the requests say.
func (x *exchange) relayed(ctx context.Context) (*scim.Answer, error) {
	kind, subjects := x.removals()
	if len(subjects) == 0 {
		return x.carry(ctx)
	}
	ticket, err := x.h.guard.Take(ctx, kind, 0, subjects...)
	if err != nil {
		x.held(ctx, kind, subjects)
		return nil, err
	}
	a, err := x.carry(ctx)
	ticket.End(err)
	return a, err
}

// removals returns whose access an operation takes away, as far as the request names them. Members whom a replacement of
// all leaves out are not named; a group that is emptied counts as one.
func (x *exchange) removals() (guard.Removal, []guard.Subject) {
	user, one := x.route.endpoint == users, func() []guard.Subject { return []guard.Subject{{ID: x.op.ID}} }
	switch {
	case x.verb == scim.Delete && user:
		return guard.Deletes, one()
	case x.verb == scim.Delete:
		return guard.GroupDeletes, one()
	case x.op.Deactivates && x.verb != scim.Create:
		return guard.Disables, one()
	case !user && x.verb == scim.Patch:
		return guard.MemberRemovals, x.removed()
	}
	return 0, nil
}

// removed returns the members whom a PATCH of a group removes. What is no PATCH the SCIM server is to judge.
func (x *exchange) removed() (subjects []guard.Subject) {
	ops, err := patch.Parse(x.op.Body, x.op.Type)
	if err != nil {
		return nil
	}
	m, err := patch.Members(ops, x.op.Type)
	switch {
	case err != nil:
		return nil
	case m.Open, m.Whole && len(m.Set) == 0: // some or all of the group, whoever they are
		return []guard.Subject{{ID: x.op.ID}}
	}
	for _, id := range m.Remove {
		subjects = append(subjects, guard.Subject{ID: id})
	}
	return subjects
}
