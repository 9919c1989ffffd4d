// Package provision carries SCIM operations out on an organization: an API of members and groups that knows nothing of
// SCIM. What the API looks like is said by a mapping (transforms/mapping); what has to happen is said here, and is the same
// for every API: who is invited, linked, revoked, restored or removed, how a membership is changed without losing another
// one, what is answered.
//
// Begin to read at engine.go, where an operation comes in, and session.go, which names who takes part: users and groups
// decide, and resources are what the organization holds (package items, which speaks by package api) together with what is
// remembered (module/ledger). What is known of a kind without a call is in package resource, and package link decides whether a
// member who was there before is a user of the provider.
package provision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// What happens to a user who is created although such a member exists.
const (
	ExistingConflict = "conflict"
	ExistingLink     = "link"
)

// What happens to a user who is created with active false.
const (
	InactiveDefer  = "defer"
	InactiveRevoke = "create_then_revoke"
	InactiveReject = "reject"
)

// What happens to a user who is deleted.
const (
	DeleteRemove = "remove"
	DeleteRevoke = "revoke"
	DeleteRefuse = "refuse"
)

// Organization carries operations out on an API of members and groups, as a mapping describes it.
//
// New users are invited. A user who is deactivated is revoked and keeps the memberships; one who is activated again is
// restored. A user who leaves a group stays a member of the organization. Nothing is written that is so already.
//
// The members of groups are read where a request asks for them, which takes one call for each group of a list: a provider
// that lists groups should say excludedAttributes=members, as Entra does.
type Organization struct {
	// The name of the organization in the gateway's own memory: the ledger and the locks are kept under it. Gateways that
	// share a storage and provision the same organization must use the same name. The default is made of the mapping's base,
	// the URLs of its lists and its OAuth 2 client id, or its key where it has no client id; when one of them changes, the
	// ledger starts anew, which costs a round of corrections.
	ID string `json:"id,omitempty"`

	// How operations become calls of the organization's API. Required.
	Mapping *mapping.Definition `json:"mapping,omitempty"`

	// Attributes that RFC 7643 does not define and that the mapping uses. The default is none.
	CustomAttributes []schema.Custom `json:"custom_attributes,omitempty"`

	// What happens when a user or group is created that the organization has already: "conflict" answers 409 uniqueness,
	// and the provider looks the resource up and links it itself; "link" answers 201 with the one that exists, whose name
	// and externalId stay as they are. A member whom the provider knows under another userName already is a conflict in any
	// case. The default is conflict.
	Existing string `json:"existing,omitempty"`

	// What links a member whom the provider has nothing to do with yet to a user of the provider: "userName", "externalId",
	// "email". A list shows such a member only where it is searched by one of these (or by id), and a user who is created and
	// has only something else in common with one is a conflict. It needs the ledger. The default is userName and email where
	// a user is created, and no restriction of what lists show.
	LinkBy []string `json:"link_by,omitempty"`

	// The domains of the organization's own people, such as example.com; a subdomain is another one. A member whom the
	// provider has nothing to do with yet, and whose address is elsewhere, is not linked by the address alone: no list shows
	// them but where it is searched by externalId, by a userName that is no address, or by id, and to create a user of that
	// address is a conflict. It needs the ledger. The default is that all domains are.
	EmailDomains []string `json:"email_domains,omitempty"`

	// What happens when a user is created with active false: "defer" remembers the user and creates the member when the
	// user is first active, so that nobody is invited before; "create_then_revoke" invites and revokes at once; "reject"
	// answers 400. The default is defer, and reject where the ledger is off.
	Inactive string `json:"inactive,omitempty"`

	// What happens when a user is deleted: "remove" removes the member from the organization, "revoke" only revokes it,
	// "refuse" answers 403. The default is remove.
	Delete string `json:"delete,omitempty"`

	// Whether a userName that is the user's e-mail address changes with the address when the provider changes only that. The
	// default is false: a userName changes when the provider says so.
	UserNameFollowsEmail bool `json:"user_name_follows_email,omitempty"`

	// What the gateway itself remembers for the organization.
	Ledger LedgerConfig `json:"ledger,omitzero"`

	// Where an invitation has not been accepted for this long, the member is invited again when the provider next asks for
	// the user. It needs the mapping's reinvite calls and the ledger. The default is never.
	ReinviteAfter caddy.Duration `json:"reinvite_after,omitempty"`

	// How long what was read of the organization is taken for current. Changes made by the gateway itself show at once, and
	// nothing is changed or removed without reading it again. The default is 1m; a negative value turns it off, and every
	// search lists the whole organization.
	ViewTTL caddy.Duration `json:"view_ttl,omitempty"`

	// The limits that the API puts on its callers. The default is none.
	Pace []api.Pace `json:"pace,omitempty"`

	// How long an operation waits for the limits of `pace` before it is refused with 429 and Retry-After. The default is
	// 10s.
	PaceWait caddy.Duration `json:"pace_wait,omitempty"`

	// How many resources an answer holds where the request does not say. The default is 100.
	PageSize int `json:"page_size,omitempty"`

	// How many resources an answer holds at most. The default is 1000.
	MaxResults int `json:"max_results,omitempty"`

	// Without effect, and warned of: the locks of users and groups are always this process's own. The default is false.
	LocalLocks bool `json:"local_locks,omitempty"`

	// Whether several gateways provision the organization, of which one leads. It needs the organization's name, since the
	// one that it gets by default changes with the mapping. The default is that there is one gateway.
	Cluster *cluster.Options `json:"cluster,omitempty"`

	engine *engine
	seat   *cluster.Seat
	dry    bool   // nothing is changed
	pooled string // key in the pool
	claim  claim  // the name that it got by default
}

// LedgerConfig says what the gateway itself remembers, in Caddy's storage.
type LedgerConfig struct {
	// Whether nothing at all is remembered. It suits organizations that have a place for userName and externalId. The
	// default is false.
	Off bool `json:"off,omitempty"`

	// The attributes of users that are remembered where the organization has no place for them, or spells them otherwise,
	// so that the provider reads what it wrote: names such as displayName, name, title or
	// urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department, or * for all. userName and externalId, and
	// displayName and externalId of groups, are always remembered. With meta, or *, it is also remembered when the gateway
	// created and last changed a user or group, which is meta.created and meta.lastModified. The default is displayName.
	Store []string `json:"store,omitempty"`

	// Whether the API keeps what it deletes and goes on showing it, so that the gateway has to remember what is gone. The
	// default is false.
	SoftDelete bool `json:"soft_delete,omitempty"`
}

// memory returns what is remembered of a resource type besides what always is; nil where nothing is.
func (c *LedgerConfig) memory(store []string) *resource.Memory {
	if c.Off {
		return nil
	}
	return &resource.Memory{Store: store, Dates: slices.ContainsFunc(c.Store, resource.KeepsDates)}
}

// defaults fills in what the configuration leaves out and finds what is wrong with it.
func (o *Organization) defaults() error {
	if o.Mapping == nil {
		return errors.New("there is no mapping")
	}
	o.Existing = cmp.Or(o.Existing, ExistingConflict)
	o.Delete = cmp.Or(o.Delete, DeleteRemove)
	if o.Inactive == "" {
		o.Inactive = InactiveDefer
		if o.Ledger.Off {
			o.Inactive = InactiveReject
		}
	}
	for _, c := range []struct {
		field, value string
		known        []string
	}{
		{"existing", o.Existing, []string{ExistingConflict, ExistingLink}},
		{"inactive", o.Inactive, []string{InactiveDefer, InactiveRevoke, InactiveReject}},
		{"delete", o.Delete, []string{DeleteRemove, DeleteRevoke, DeleteRefuse}},
	} {
		if !slices.Contains(c.known, c.value) {
			return fmt.Errorf("%s: unknown word %q; one of %q", c.field, c.value, c.known)
		}
	}
	switch {
	case o.Ledger.Off && o.Inactive == InactiveDefer:
		return errors.New("inactive defer needs the ledger, which is off")
	case o.Ledger.Off && o.ReinviteAfter > 0:
		return errors.New("reinvite_after needs the ledger, which is off")
	case o.Ledger.Off && (len(o.Ledger.Store) > 0 || o.Ledger.SoftDelete):
		return errors.New("the ledger is off and cannot store anything")
	case o.Ledger.Off && len(o.LinkBy) > 0:
		return errors.New("link_by needs the ledger, which is off: it knows who is linked already")
	case o.Ledger.Off && len(o.EmailDomains) > 0:
		return errors.New("email_domains needs the ledger, which is off: it knows who is linked already")
	case o.Cluster != nil && o.ID == "":
		return errors.New("cluster needs the organization's name: organization <name>")
	case o.ReinviteAfter < 0, o.PaceWait < 0, o.PageSize < 0, o.MaxResults < 0:
		return errors.New("reinvite_after, pace_wait, page_size and max_results must not be negative")
	}
	if err := o.links(nil).Check(); err != nil {
		return err
	}
	if o.Ledger.Store == nil && !o.Ledger.Off {
		o.Ledger.Store = []string{"displayName"}
	}
	for i := range o.Pace {
		if err := o.Pace[i].Validate(); err != nil {
			return err
		}
	}
	o.ViewTTL = cmp.Or(o.ViewTTL, caddy.Duration(time.Minute))
	o.PaceWait = cmp.Or(o.PaceWait, caddy.Duration(10*time.Second))
	o.MaxResults = cmp.Or(o.MaxResults, 1000)
	o.PageSize = min(cmp.Or(o.PageSize, 100), o.MaxResults)
	return nil
}

// links returns what the configuration says about who is who.
func (o *Organization) links(users *plan.Resource) *link.Rules {
	return &link.Rules{Resource: users, By: o.LinkBy, Domains: o.EmailDomains}
}

// fingerprint returns a short name for a value, the same for equal values.
func fingerprint(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
