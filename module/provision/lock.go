package provision

import (
	"context"
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
	if err := rs.settleNames(ctx, names); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// lock is for whoever changes a user, given by the provider's id: what is written was read before, and two of that at
// once would undo one another, be it that one of them deactivates. Whoever holds it does not wait for a group, since those
// who hold a group wait for users.
func (u *users) lock(ctx context.Context, id string) (unlock func(), err error) {
	return u.shared.locks.User(u.lasting(ctx), id)
}

// in calls f with a user who is read under the user's lock, once it is known what became of earlier calls about them.
func (u *users) in(ctx context.Context, id string, f func(*subject) error) error {
	return u.locked(ctx, id, func() error {
		sub, err := u.load(ctx, id)
		if err != nil {
			return err
		}
		return f(sub)
	})
}

// locked is [users.in] for whoever knows the user already.
func (u *users) locked(ctx context.Context, id string, f func() error) error {
	unlock, err := u.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if err := u.settleUser(ctx, id); err != nil {
		return err
	}
	return f()
}

// lock is for whoever changes a group or its members.
func (g *groups) lock(ctx context.Context, id string) (unlock func(), err error) {
	return g.shared.locks.Group(g.lasting(ctx), id)
}

// in calls f with a group that is read under its lock.
func (g *groups) in(ctx context.Context, id string, f func(*subject) error) error {
	return g.locked(ctx, id, func() error {
		sub, err := g.load(ctx, id)
		if err != nil {
			return err
		}
		return f(sub)
	})
}

// locked is [groups.in] for whoever reads the group otherwise.
func (g *groups) locked(ctx context.Context, id string, f func() error) error {
	unlock, err := g.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}

// lasting returns the context in which an operation waits: what is half done is finished, whether anybody waits for it or not.
func (s *session) lasting(ctx context.Context) context.Context {
	if s.talk.Begun() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
