package keys

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

// Organization is the keys of one organization.
type Organization struct {
	app  *App
	name string
	ring *auth.Ring // nil without a name

	mu       sync.Mutex
	records  *records
	declared []func() []auth.Declared
	warned   map[string]int       // how near its end a key was when that was last told, by id
	told     map[string]time.Time // when it was last told that a replaced key is used, by id
	flushed  map[string]time.Time // the last use that was written, by id
}

// Ring returns what the storage has; nil where the organization has no name.
func (o *Organization) Ring() *auth.Ring { return o.ring }

// App returns the app that all organizations share.
func (o *Organization) App() *App { return o.app }

// Declare makes the keys of a configuration known, so that they are listed with the others.
func (o *Organization) Declare(declared func() []auth.Declared) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.declared = append(o.declared, declared)
}

// Info is what may be shown of a key.
type Info struct {
	Name       string     `json:"name"`
	ID         string     `json:"id,omitempty"`
	Kind       string     `json:"kind"`   // key, client or entra_token
	Source     string     `json:"source"` // configuration or storage
	Status     string     `json:"status"` // valid, not yet valid, expired or revoked
	Scope      []string   `json:"scope,omitempty"`
	From       []string   `json:"from,omitempty"`
	Limit      *auth.Rate `json:"limit,omitempty"`
	NotBefore  string     `json:"not_before,omitempty"`
	Expires    string     `json:"expires,omitempty"`
	Created    time.Time  `json:"created,omitzero"`
	LastUse    time.Time  `json:"last_use,omitzero"`
	Revoked    time.Time  `json:"revoked,omitzero"` // from when on
	Replaces   string     `json:"replaces,omitempty"`
	ReplacedBy string     `json:"replaced_by,omitempty"`
}

// List returns all keys of the organization: those that are declared, and those of the storage.
func (o *Organization) List(ctx context.Context) []Info {
	all := o.infos(time.Now())
	for i := range all {
		if id := all[i].ID; id != "" && o.ring != nil {
			all[i].LastUse = latest(all[i].LastUse, o.writtenUse(ctx, id))
		}
	}
	return all
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// infos is List without what only the storage knows of uses at other gateways.
func (o *Organization) infos(now time.Time) (all []Info) {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := map[string]bool{}
	for _, declared := range o.declared {
		for _, d := range declared() {
			if d.ID == "" || !seen[d.ID] {
				seen[d.ID] = true
				all = append(all, o.info(d.Kind, "configuration", d.ID, d.Key, d.Used(), now))
			}
		}
	}
	stored := len(all)
	for id, r := range o.records.keys {
		if !seen[id] {
			i := o.info("key", "storage", id, r.Key, o.ring.LastUse(id), now)
			i.Created, i.Replaces = r.Created, r.Replaces
			all = append(all, i)
		}
	}
	slices.SortFunc(all[stored:], func(a, b Info) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	for i := range all {
		for _, other := range all {
			if all[i].ID != "" && other.Replaces == all[i].ID && other.Status == "valid" {
				all[i].ReplacedBy = other.Name
			}
		}
	}
	return all
}

func (o *Organization) info(kind, source, id string, k auth.Key, used, now time.Time) Info {
	i := Info{
		Name: k.Name, ID: id, Kind: kind, Source: source, Status: "valid", Scope: k.Scope, From: k.From, Limit: k.Limit,
		NotBefore: k.NotBefore, Expires: k.Expires, LastUse: used,
	}
	if v, ok := o.records.revocation(id); ok && id != "" {
		i.Revoked = cmp.Or(v.At, v.Noted, time.Unix(0, 0).UTC()) // a damaged one says no time
	}
	from, _ := time.Parse(time.RFC3339, k.NotBefore)
	until, _ := time.Parse(time.RFC3339, k.Expires)
	switch {
	case !i.Revoked.IsZero() && !now.Before(i.Revoked):
		i.Status = "revoked"
	case !until.IsZero() && !now.Before(until):
		i.Status = "expired"
	case now.Before(from):
		i.Status = "not yet valid"
	}
	return i
}

// errUnnamed is that there is nothing of the organization in the storage.
func errUnnamed() error {
	return admin.BadRequest("the organization has no name under which this could be kept: give it one with \"organization <name>\" in the Caddyfile")
}

// find is the one key that a name or an id stands for. Of several with one name it is the one that is valid.
func (o *Organization) find(which string) (Info, error) {
	var found []Info
	for _, i := range o.infos(time.Now()) {
		if i.ID == which && which != "" {
			return i, nil
		}
		if i.Name == which {
			found = append(found, i)
		}
	}
	if valid := slices.DeleteFunc(slices.Clone(found), func(i Info) bool { return i.Status == "revoked" || i.Status == "expired" }); len(valid) > 0 {
		found = valid
	}
	switch len(found) {
	case 0:
		return Info{}, admin.NotFound("there is no key %q", which)
	case 1:
		return found[0], nil
	}
	return Info{}, admin.BadRequest("several keys are called %q: say which by its id", which)
}

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

// next is the name of the key after another one: entra-2 after entra.
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

// State returns whether the organization is served.
func (o *Organization) State() State {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, s := o.records.state()
	return s
}

// Set changes whether the organization is served, at every gateway, until it is changed again.
func (o *Organization) Set(ctx context.Context, change func(State) State) (State, error) {
	if o.ring == nil {
		return State{}, errUnnamed()
	}
	o.app.refresh(ctx)
	o.mu.Lock()
	at, old := o.records.state()
	o.mu.Unlock()
	s := change(old)
	now := time.Now().UTC()
	s.Since = old.Since
	if s == old {
		return s, nil
	}
	s.Since = now.Truncate(time.Second)
	// Later than what is there, whatever the clock of who wrote that.
	name := max(fmt.Sprintf("%020d", now.UnixNano()), after(at))
	if err := o.write(ctx, name+stateSuffix, s); err != nil {
		return State{}, err
	}
	o.app.log.Warn("an operator changed whether the organization is served", zap.String("organization", o.name), zap.String("state", s.String()))
	return s, nil
}

func after(name string) string {
	n, _ := strconv.ParseInt(name, 10, 64)
	return fmt.Sprintf("%020d", n+1)
}

// write writes a record, and returns when this gateway has it.
func (o *Organization) write(ctx context.Context, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := o.app.store(ctx, path.Join(keysRoot, folder(o.name), name), text); err != nil {
		return fmt.Errorf("it could not be written, and may or may not have come about: %w", err)
	}
	o.app.refresh(ctx)
	return nil
}

// writtenUse is when a key was last used, as far as any gateway has written it down.
func (o *Organization) writtenUse(ctx context.Context, id string) time.Time {
	text, err := within(ctx, time.Second, func(ctx context.Context) ([]byte, error) {
		return o.app.storage.Load(ctx, path.Join(usedRoot, folder(o.name), id))
	})
	if err != nil {
		return time.Time{} // it was not used, or that cannot be told now
	}
	t, _ := time.Parse(time.RFC3339, string(text))
	return t
}

func (o *Organization) register(ctx caddy.Context) error {
	name := cmp.Or(o.name, Unnamed)
	if err := admin.Register(ctx, admin.Part{Name: "keys", Organization: name, Status: o.status, Actions: o.actions()}); err != nil {
		return err
	}
	return admin.Register(ctx, admin.Part{Name: "provisioning", Organization: name, Status: o.provisioning, Actions: o.switches()})
}
