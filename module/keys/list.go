package keys

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

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

// find returns the one key that a name or an id stands for. Of several with one name it is the one that is valid.
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
