package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// lockUser is for whoever changes a user, given by the provider's id: what is written was read before, and two of that at
// once would undo one another, be it that one of them deactivates. Whoever holds it does not wait for a group, since those
// who hold a group wait for users.
func (s *session) lockUser(ctx context.Context, id string) (unlock func(), err error) {
	return s.shared.locks.User(s.lasting(ctx), id)
}

// createUser invites a new user, or does what the configuration says where the organization has such a member or the
// user is not active.
func (s *session) createUser(ctx context.Context) (*scim.Answer, error) {
	k := s.user
	wanted, err := patch.Create(s.op.Body, k.rt)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(wanted.Get("userName").Text())
	if name == "" {
		return nil, empty("userName")
	}
	if wanted.Get("active") == nil {
		wanted.Set("active", doc.NewBool(true)) // nobody is created to be locked out
	}
	// Entra repeats a request whose answer was late: the second one must find what the first one made.
	unlock, err := s.lockNames(ctx, k, k.namesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	sub, made, err := s.findOrAdd(ctx, k, wanted, "", func() (*subject, error) { return s.newUser(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	if slices.Contains(s.adopted, sub.id) {
		if sub, err = s.adoptAgain(ctx, sub, wanted); err != nil {
			return nil, err
		}
		made = true
	}
	if made {
		return s.created(ctx, k, sub)
	}
	return s.existingUser(ctx, sub, wanted)
}

// adoptAgain makes a user whom an earlier request has created what the provider writes now.
func (s *session) adoptAgain(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	unlock, err := s.lockUser(ctx, sub.id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.adopt(ctx, s.user, sub.id, sub, wanted)
}

// newUser creates a user whom the organization does not have.
func (s *session) newUser(ctx context.Context, wanted *doc.Node) (*subject, error) {
	k := s.user
	if k.Writable("emails.value") && !k.Writable("userName") && k.Email(wanted) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "the user has no e-mail address to be invited at: neither emails nor userName has one where primary_email looks")
	}
	if wanted.Get("active").True() {
		return s.add(ctx, k, "", wanted)
	}
	switch s.config.Inactive {
	case InactiveReject:
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an inactive user cannot be created in this organization")
	case InactiveDefer:
		if err := s.creatable(k, wanted); err != nil {
			return nil, err
		}
		id := uuid.NewString()
		if s.dry() {
			id = dryrun.NewID()
		}
		sub, err := s.putWaiting(ctx, id, wanted)
		if err == nil {
			s.plans(ctx, trace.Waiting, sub, nil)
		}
		return sub, err
	}
	if len(k.Disable) == 0 {
		return nil, notSwitchable()
	}
	sub, err := s.add(ctx, k, "", wanted)
	if err != nil {
		return nil, err
	}
	if !sub.res.Get("active").True() {
		return sub, nil
	}
	return s.update(ctx, k, sub, wanted, []string{"active"})
}

// creatable returns an error where the organization cannot be asked to create a user: when one who waits is activated, it
// would be too late to say what is missing.
func (s *session) creatable(k *kind, wanted *doc.Node) error {
	env := s.env("", "", doc.Value{})
	env.SCIM = wanted.Clone()
	env.SCIM.Set("active", doc.NewBool(true))
	for _, c := range k.Create {
		if c.Applies(env) {
			_, err := c.Request(env) // the next ones are about what this one has made
			return err
		}
	}
	return nil
}
