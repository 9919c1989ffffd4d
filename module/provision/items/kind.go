// Package items is what an organization holds: the items of its API, users or groups, read and written by the calls of a
// mapping. It knows SCIM resources as an item shows them, and nothing of what the provider calls them, of what the gateway
// remembers, or of what is to be done.
//
// A [Kind] is the items of one resource type and what was last seen of them. [Items] is one kind within one operation:
// [Items.Fetch] reads an item, [Items.Candidates] and [Items.Known] find some, [Items.Run] and [Items.Create] make the calls
// that change something.
//
// What others may read at the same time, the view, is always told: of each item that is read, of each that is changed, and
// that what it knows is out of date, where a call had no answer. The organization is believed only what it shows; see
// [Items.ConfirmGone]. In a dry run it is what the organization would show, see [Imagined].
package items

import (
	"net/http"

	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Kind is the items of one resource type of one organization.
type Kind struct {
	*plan.Resource
	View *view.View

	Name     string // for people: "user", "group"
	Identity string // the attribute that a person calls the resource by: userName, displayName
}

// NewKind returns the items that a mapping describes, as v shows them.
func NewKind(r *plan.Resource, v *view.View) *Kind {
	if r.Type.Name == "User" {
		return &Kind{r, v, "user", "userName"}
	}
	return &Kind{r, v, "group", "displayName"}
}

// IsUser reports whether the items are users, and not groups.
func (k *Kind) IsUser() bool { return k.Name == "user" }

// NotFound returns the answer where there is no such resource.
func (k *Kind) NotFound() *scim.Error { return scim.NoSuch(k.Name) }

func (k *Kind) withoutID() error {
	return scim.Errorf(http.StatusBadGateway, "", "the organization showed a %s without an id", k.Name)
}

// KeyOf returns what paths name an item by, as far as the view knows.
func (k *Kind) KeyOf(id string) (key string) {
	k.View.Known(func(t *view.Table) {
		if e := t.Get(id); e != nil {
			key = e.Key
		}
	})
	return key
}
