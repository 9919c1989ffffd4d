package provision

import (
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// caller makes the calls of a request; *upstream.Caller is one.
type caller interface {
	api.Caller
	Account() *quirks.Account
}

// session carries out one operation.
type session struct {
	*engine
	caller caller
	talk   *api.Talk
	op     *scim.Operation
	users  *users
	groups *groups // nil where the organization has none
	leaves bool    // somebody is to lose access by it
	blind  error   // why the ledger cannot be read, where the operation goes on all the same

	intents    *intents
	background bool // nobody asked for it
}

// resources are the users, or the groups, of an organization within one operation: what it holds of them, together with
// what the ledger remembers of them.
type resources struct {
	*kind
	*session
	items   *items.Items
	adopted []string // the provider's ids of what was made by calls whose answers were lost, see settle.go
}

// users decides what is to be done about users.
type users struct{ *resources }

// groups decides what is to be done about groups and their members.
type groups struct{ *resources }

// begin returns a session for an operation. leaves says that somebody is to lose access by it.
func (e *engine) begin(c caller, op *scim.Operation, leaves bool) *session {
	talk := &api.Talk{Access: e.seen.access, Auths: e.plan.Auths, Caller: c, Now: e.now, Urgent: leaves, Rehearsed: e.run}
	s := &session{engine: e, caller: c, talk: talk, op: op, leaves: leaves}
	s.intents = &intents{s: s}
	s.users = &users{s.resourcesOf(e.user)}
	if e.group != nil {
		s.groups = &groups{s.resourcesOf(e.group)}
	}
	return s
}

// resourcesOf returns those of a kind. That a user is not there is believed at once only where nobody loses access by it, as
// somebody may by a DELETE, PATCH or PUT; that a group is not there never: a provider that is told so gives it up, with the
// memberships that it was about to end or to make.
func (s *session) resourcesOf(k *kind) *resources {
	believes := s.op == nil || s.op.Type.Name != k.Type.Name || s.op.Verb == scim.List || s.op.Verb == scim.Read || s.op.Verb == scim.Create
	return &resources{kind: k, session: s, items: &items.Items{
		Kind: k.Kind.Kind, Talk: s.talk, Imagined: s.imagined, Doubts: !k.IsUser() || !believes, SoftDelete: s.config.Ledger.SoftDelete,
	}}
}

// of returns the resources of a type; nil where the organization has none such.
func (s *session) of(resource string) *resources {
	switch {
	case resource == s.users.Type.Name:
		return s.users.resources
	case s.groups != nil:
		return s.groups.resources
	}
	return nil
}
