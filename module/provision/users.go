package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// create invites a new user, or does what the configuration says where the organization has such a member or the
// user is not active.
func (u *users) create(ctx context.Context) (*scim.Answer, error) {
	wanted, err := patch.Create(u.op.Body, u.Type)
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
	unlock, err := u.lockNames(ctx, u.NamesOf(wanted))
	if err != nil {
		return nil, err
	}
	defer unlock()

	sub, made, err := u.findOrAdd(ctx, wanted, "", func() (*subject, error) { return u.newUser(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	if slices.Contains(u.adopted, sub.id) {
		if sub, err = u.adoptAgain(ctx, sub, wanted); err != nil {
			return nil, err
		}
		made = true
	}
	if made {
		u.said(ctx, sub, leaving(sub))
		return u.created(ctx, sub)
	}
	return u.existingUser(ctx, sub, wanted)
}

// adoptAgain makes a user whom an earlier request has created what the provider writes now.
func (u *users) adoptAgain(ctx context.Context, sub *subject, wanted *doc.Node) (adopted *subject, err error) {
	err = u.locked(ctx, sub.id, func() (err error) {
		adopted, err = u.adopt(ctx, sub.id, sub, wanted)
		return err
	})
	return adopted, err
}

// newUser creates a user whom the organization does not have.
func (u *users) newUser(ctx context.Context, wanted *doc.Node) (*subject, error) {
	if u.Writable("emails.value") && !u.Writable("userName") && u.Email(wanted) == "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "the user has no e-mail address to be invited at: neither emails nor userName has one where primary_email looks")
	}
	if wanted.Get("active").True() {
		return u.add(ctx, "", wanted)
	}
	switch u.config.Inactive {
	case InactiveReject:
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "an inactive user cannot be created in this organization")
	case InactiveDefer:
		if err := u.creatable(wanted); err != nil {
			return nil, err
		}
		id := uuid.NewString()
		if u.dry() {
			id = dryrun.NewID()
		}
		sub, err := u.putWaiting(ctx, id, wanted)
		if err == nil {
			u.plans(ctx, trace.Waiting, sub, nil)
		}
		return sub, err
	}
	if len(u.Disable) == 0 {
		return nil, notSwitchable()
	}
	sub, err := u.add(ctx, "", wanted)
	if err != nil {
		return nil, err
	}
	if !sub.res.Get("active").True() {
		return sub, nil
	}
	return u.update(ctx, sub, wanted, []string{"active"}, nil)
}

// creatable returns an error where the organization cannot be asked to create a user: when one who waits is activated, it
// would be too late to say what is missing.
func (u *users) creatable(wanted *doc.Node) error {
	env := items.Env("", "", doc.Value{})
	env.SCIM = wanted.Clone()
	env.SCIM.Set("active", doc.NewBool(true))
	for _, c := range u.Create {
		if c.Applies(env) {
			_, err := c.Request(env) // the next ones are about what this one has made
			return err
		}
	}
	return nil
}
