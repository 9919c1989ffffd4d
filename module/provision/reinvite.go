package provision

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
)

// invited is the word of a membership that nobody has accepted yet.
const invited = "invited"

// reinvite invites a member once more whose invitation was not accepted for as long as the configuration says. When that
// was, the ledger knows; of a member whom somebody else invited, the time when the gateway first saw that counts.
//
// It happens beside what the provider asked for, and whatever comes of it, that is answered. Nothing else calls the
// organization by itself, so that a provider that has stopped asking for a user does not make anybody write to them.
func (rs *resources) reinvite(ctx context.Context, sub *subject) {
	after := time.Duration(rs.config.ReinviteAfter)
	if after == 0 || sub.entry == nil || sub.entry.State() != invited || rs.book == nil {
		return
	}
	var last time.Time
	if sub.record != nil {
		last = sub.record.Invited
	}
	now := rs.now()
	due := !last.IsZero() && now.Sub(last) >= after
	if !last.IsZero() && !due {
		return
	}
	unlock, err := rs.lock(ctx, sub.id)
	if err != nil {
		return
	}
	defer unlock()
	// Another request may have done it while this one waited, and a change of the user may have changed the record.
	current, err := rs.record(ctx, sub.id)
	if err != nil || current != nil && !current.Invited.Equal(last) || current == nil && !last.IsZero() {
		return
	}
	// Written first: where that fails, nobody gets a mail with every request.
	if err := rs.book.Put(ctx, sub.id, func(r *ledger.Record) { r.Invited = now }); err != nil {
		rs.log.Error("when a member is invited again cannot be written down; nobody is", zap.Error(err))
		return
	}
	if !due {
		return
	}
	env := items.Env(sub.entry.ID, sub.entry.Name(), sub.value)
	env.SCIM = sub.res
	if env.Cur.Kind() == doc.Invalid && uses(rs.Reinvite, "cur") {
		if err := rs.refresh(ctx, sub); err != nil {
			return
		}
		env.Cur = sub.value
	}
	if _, err := rs.items.Run(ctx, rs.Reinvite, env); err != nil {
		rs.log.Warn("a member could not be invited again", zap.String("id", sub.id), zap.Error(err))
		return
	}
	trace.Say(ctx, trace.Invited, sub.id, "again")
}
