package provision

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// existingUser answers the creation of a user whom the organization has already.
func (u *users) existingUser(ctx context.Context, sub *subject, wanted *doc.Node) (*scim.Answer, error) {
	if sub.entry != nil && sub.entry.Protected {
		trace.Say(ctx, trace.Protected, sub.id, "mapping")
		return nil, u.conflict()
	}
	if verdict := u.links.Judge(sub.member(), wanted); verdict != link.Same {
		return nil, u.another(ctx, sub, verdict)
	}
	if u.config.Existing == ExistingConflict && !sub.deleted() {
		u.keepUserName(ctx, sub, wanted)
		return nil, u.conflict()
	}
	err := u.locked(ctx, sub.id, func() (err error) {
		if sub, err = u.link(ctx, sub, wanted); err == nil {
			u.said(ctx, sub, leaving(sub))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := u.joinAll(ctx, sub); err != nil {
		return nil, err
	}
	return u.created(ctx, sub)
}

// link makes a user whom the organization has already the one that the provider creates. The user is locked.
func (u *users) link(ctx context.Context, sub *subject, wanted *doc.Node) (*subject, error) {
	found := sub.found
	sub, err := u.linkable(ctx, sub)
	if err != nil {
		return nil, err
	}
	if u.links.Renamed(sub.member(), wanted) {
		return nil, u.conflict()
	}
	active := wanted.Get("active")
	if sub.entry == nil {
		if active.True() {
			return u.activate(ctx, sub, wanted)
		}
		return sub, nil
	}
	// The link itself rewrites nothing: what the upstream has a place for stays what it is, and the provider corrects it
	// with its next request if it wants to.
	var missing []string
	for _, attribute := range value.Attributes(wanted) {
		if attribute == "userName" || !u.Readable(attribute) {
			missing = append(missing, attribute)
		}
	}
	date := u.date()
	record := u.keep(ctx, sub.id, sub.entry, wanted, missing, func(r *ledger.Record) {
		r.Deleted, r.Linked = false, true
		date(r, false)
	})
	u.linkedBy(ctx, sub.id, found, "existing link")
	sub = u.subject(sub.id, sub.entry, sub.value, record)
	u.plans(ctx, trace.Linked, sub, nil)
	if value.Equal(active, sub.res.Get("active")) {
		return sub, nil
	}
	after := sub.res.Clone()
	after.Set("active", active)
	return u.update(ctx, sub, after, []string{"active"}, nil)
}

// linkable returns a user, read a moment ago, as the ledger knows it now. The user is locked.
func (u *users) linkable(ctx context.Context, sub *subject) (*subject, error) {
	record, err := u.record(ctx, sub.id)
	switch {
	case err != nil:
		return nil, err
	case record != nil && record.Deferred != nil:
		return waitingSubject(record)
	case sub.entry == nil: // created in the meantime
		return u.load(ctx, sub.id)
	}
	return u.subject(sub.id, sub.entry, sub.value, record), nil
}

// keepUserName remembers under which name the provider knows a member that it was refused to create. It looks for the user by
// that name next, as Entra does after a 409, and finds the member; without it, a member whose address is not the
// provider's userName would be refused and not found for ever. A member whom the provider has taken into its hands
// already is somebody else to it.
func (u *users) keepUserName(ctx context.Context, sub *subject, wanted *doc.Node) {
	if sub.entry == nil || sub.record != nil && sub.record.Linked {
		return
	}
	date := u.date()
	u.keep(ctx, sub.id, sub.entry, wanted, []string{"userName"}, func(r *ledger.Record) {
		r.Linked = true
		date(r, false)
	})
	u.linkedBy(ctx, sub.id, sub.found, "existing conflict")
}

// conflict returns the answer to a resource that the organization has already.
func (k *kind) conflict() error {
	detail := "a user with this userName, e-mail address or externalId exists already"
	if !k.IsUser() {
		detail = "a group with this displayName or externalId exists already"
	}
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}

// another returns the answer to a user who stands in the way of a new one and is not taken for the same person.
func (u *users) another(ctx context.Context, sub *subject, verdict link.Verdict) error {
	var line, detail string
	switch verdict {
	case link.Outside:
		line, detail = "email_domains", "the organization has a member with this userName, e-mail address or externalId already, whose address is outside of email_domains: such a member is not linked by the address alone"
	case link.NotLinked:
		line, detail = "link_by", "the organization has a member with this userName, e-mail address or externalId already, who is not linked by that: link_by is "+strings.Join(u.config.LinkBy, " ")
	default:
		return u.conflict()
	}
	trace.Say(ctx, trace.Protected, sub.id, line)
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}

// linkedBy says why a resource that was there before is the provider's from now on: by which of its values it was found,
// and what of the configuration says that it is taken. Without a lookup it is the provider that found it.
func (rs *resources) linkedBy(ctx context.Context, id string, l value.Lookup, policy string) {
	because, fields := policy, []zap.Field{zap.String("id", id), zap.String("policy", policy)}
	if l.Attribute != "" {
		because = l.Attribute + ", " + policy
		fields = append(fields, zap.String("matched", l.Attribute), zap.String("value_hash", hashed(l.Value)))
	}
	trace.From(ctx).Note(trace.Note{Kind: trace.Linked, ID: id, Because: because, Value: l.Value})
	if rs.IsUser() {
		rs.log.Info("a member who was there is linked to the provider's user", fields...)
	}
}

// hashKey is of this process: a value cannot be found out by hashing guesses.
var hashKey = sync.OnceValue(func() []byte { return []byte(rand.Text()) })

// hashed tells equal values from different ones, in the log of one process.
func hashed(text string) string {
	mac := hmac.New(sha256.New, hashKey())
	_, _ = mac.Write([]byte(schema.Fold(text)))
	return hex.EncodeToString(mac.Sum(nil)[:6])
}
