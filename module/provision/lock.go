package provision

import (
	"context"

	"github.com/caddy-scim/gateway/module/ledger"
)

// lockNames locks values that no two resources may share, while they are looked up and given to one. Two requests at once
// would both find them free. What became of earlier calls with these values is found out first.
func (rs *resources) lockNames(ctx context.Context, names []string) (unlock func(), err error) {
	if unlock, err = rs.shared.locks.Names(rs.lasting(ctx), rs.Name, names); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return unlock, nil
	}
	if err := rs.settle(ctx, false, func(in *ledger.Intent) bool { return goesBy(in, names) }); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// lock is for whoever changes a user, or a group and its members, given by the provider's id: what is written was read
// before, and two of that at once would undo one another, be it that one of them deactivates. Whoever holds a user does not
// wait for a group, since those who hold a group wait for users.
func (rs *resources) lock(ctx context.Context, id string) (unlock func(), err error) {
	return rs.shared.locks.Resource(rs.lasting(ctx), rs.Name, id)
}

// in calls f with a resource that is read under its lock, of a user once it is known what became of earlier calls.
func (rs *resources) in(ctx context.Context, id string, f func(*subject) error) error {
	return rs.locked(ctx, id, func() error {
		sub, err := rs.load(ctx, id)
		if err != nil {
			return err
		}
		return f(sub)
	})
}

// locked is [resources.in] for whoever reads the resource otherwise.
func (rs *resources) locked(ctx context.Context, id string, f func() error) error {
	unlock, err := rs.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if rs.IsUser() { // an intent may have been written down while the lock was waited for
		if err := rs.settleOne(ctx, rs.Name+" "+id, rs.looking()); err != nil {
			return err
		}
	}
	return f()
}

// lasting returns the context in which an operation waits: what is half done is finished, whether anybody waits for it or not.
func (s *session) lasting(ctx context.Context) context.Context {
	if s.talk.Begun {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
