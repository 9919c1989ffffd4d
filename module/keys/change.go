package keys

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

// New keeps a new key, of which the hash is given, for every gateway.
func (o *Organization) New(ctx context.Context, r Record) (Info, error) {
	if o.ring == nil {
		return Info{}, errUnnamed()
	}
	hash, err := auth.Hash(r.Key.Key)
	if err != nil {
		return Info{}, admin.BadRequest("%v", err)
	}
	r.Key.Key = hash
	if err := r.Check(); err != nil {
		return Info{}, admin.BadRequest("%v", err)
	}
	if auth.IsPlaceholder(hash) {
		return Info{}, admin.BadRequest("a key in the storage is no placeholder")
	}
	o.app.refresh(ctx)
	for _, i := range o.infos(time.Now()) {
		switch {
		case i.ID == r.ID():
			return Info{}, admin.Conflict("this key is there already: it is %s", i.Name)
		case i.Name == r.Name && i.Status != "revoked" && i.Status != "expired":
			return Info{}, admin.Conflict("there is a key %q already; \"caddy scim key rotate\" makes one in its place", r.Name)
		}
	}
	r.Created = time.Now().UTC().Truncate(time.Second)
	if err := o.write(ctx, r.ID()+keySuffix, r); err != nil {
		return Info{}, err
	}
	o.app.log.Info("a key was made", zap.String("organization", o.name), zap.String("key", r.Name), zap.String("id", r.ID()))
	return o.find(r.ID())
}

// Rotate keeps a new key in place of another one, with the same rights. The old one stays valid: until it is revoked, or
// for as long as is said.
func (o *Organization) Rotate(ctx context.Context, which, key, expires string, keep time.Duration) (Info, error) {
	if o.ring == nil {
		return Info{}, errUnnamed()
	}
	o.app.refresh(ctx)
	old, err := o.find(which)
	if err != nil {
		return Info{}, err
	}
	if old.Kind != "key" {
		return Info{}, admin.BadRequest("%s is no key: it is changed in the configuration", old.Name)
	}
	made, err := o.New(ctx, Record{
		Key:      auth.Key{Name: o.next(old.Name), Key: key, Expires: expires, Scope: old.Scope, From: old.From, Limit: old.Limit},
		Replaces: old.ID,
	})
	if err != nil || keep <= 0 {
		return made, err
	}
	return made, o.Revoke(ctx, old.ID, time.Now().Add(keep).UTC().Truncate(time.Second))
}

// next returns the name of the key after another one: entra-2 after entra.
func (o *Organization) next(name string) string {
	base, number := name, 1
	if before, after, ok := cutLast(name, "-"); ok {
		if n, err := strconv.Atoi(after); err == nil && n > 0 && n < 1000 && strconv.Itoa(n) == after {
			base, number = before, n
		}
	}
	taken := map[string]bool{}
	for _, i := range o.infos(time.Now()) {
		taken[i.Name] = true
	}
	for {
		number++
		if next := fmt.Sprintf("%s-%d", base, number); !taken[next] {
			return next
		}
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Revoke has a key refused at every gateway, from a time on or at once. A key of the configuration can be revoked too.
func (o *Organization) Revoke(ctx context.Context, which string, at time.Time) error {
	if o.ring == nil {
		return errUnnamed()
	}
	o.app.refresh(ctx)
	id, name := which, ""
	if !o.damaged(which) {
		i, err := o.find(which)
		if err != nil {
			return err
		}
		if i.ID == "" {
			return admin.BadRequest("%s has no key that could be revoked: it is changed in the configuration", i.Name)
		}
		id, name = i.ID, i.Name
	}
	o.mu.Lock()
	before, was := o.records.revocation(id)
	o.mu.Unlock()
	if was && !before.At.After(at) {
		return nil // it is already, or will be
	}
	now := time.Now().UTC().Truncate(time.Second)
	if err := o.write(ctx, fmt.Sprintf("%s@%d%s", id, latest(at, now).Unix(), revokedSuffix), revocation{name, at, now}); err != nil {
		return err
	}
	o.app.log.Info("a key was revoked", zap.String("organization", o.name), zap.String("key", name), zap.String("id", id), zap.Time("from", latest(at, now)))
	return nil
}

func (o *Organization) damaged(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.records.damaged[id+keySuffix]
	return ok
}
