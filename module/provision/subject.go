package provision

import (
	"context"
	"net/http"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// kind is a resource type of one organization, with what is remembered of it.
type kind struct {
	*resource.Kind
	book *ledger.Book // nil where nothing is remembered
}

// subject is one resource as the gateway knows it: what the upstream holds, what the ledger adds, what the provider sees.
type subject struct {
	id     string         // the provider's
	entry  *view.Entry    // nil for a user who waits to be created
	value  doc.Value      // the upstream's item, where it was read just now
	record *ledger.Record // nil where nothing is remembered
	res    *doc.Node      // the two together, with its id
	merged bool           // whether record has been read
	found  value.Lookup   // by which it was found to stand in the way of a new one

	membership // of a group
}

// membership is who belongs to a group. The ids are the provider's, but for those who are protected.
//
// A user is in one of four states to a group. *Waiting*: the organization does not have the user yet, and the group's record
// names them. *Joining*: the organization has the user by now, and the record still names them. *Joined*: the organization
// has them in the group. *Left*: neither. Who is about to be removed from the organization and may come back is named in
// the record while still joined. All changes of it are made under the group's lock: by what the provider says
// ([groups.setMembers]), and by a user who has been created ([groups.join]).
type membership struct {
	members doc.Strings // who waits or has joined: what the provider is told
	joined  doc.Strings // who is in the organization's group
	joining []string    // whom the group's record names
	guarded []string    // the upstream's ids of members who are protected
	counted bool        // whether all this has been read
}

// upstreamID returns what the upstream calls it; empty where it does not know it yet.
func (s *subject) upstreamID() string {
	if s.entry == nil {
		return ""
	}
	return s.entry.ID
}

// member returns a user as it is judged who is who.
func (s *subject) member() link.Member {
	return link.Member{Entry: s.entry, Record: s.record, User: s.res}
}

// linked reports whether it is somebody or something to the provider already.
func (s *subject) linked() bool { return s.record != nil && s.record.Linked && !s.record.Deleted }

// deleted reports whether the provider has deleted it, though the upstream still holds it.
func (s *subject) deleted() bool { return s.record != nil && s.record.Deleted }

// shown returns what the upstream itself shows; nil where it does not know the resource yet.
func (s *subject) shown() *doc.Node {
	if s.entry == nil {
		return nil
	}
	return s.entry.Resource()
}

// load returns the resource with the provider's id, read from the upstream now. That there is none, or that it was deleted, is
// a 404.
func (rs *resources) load(ctx context.Context, id string) (*subject, error) {
	record, err := rs.record(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := rs.marks(ctx)
	if err != nil {
		return nil, err
	}
	upstreamID := id
	switch {
	case record == nil:
	case record.Deleted:
		return nil, rs.NotFound()
	case record.Deferred != nil:
		return waitingSubject(record)
	case record.Upstream != "":
		upstreamID = record.Upstream
	}
	// An upstream id that stands for another id of the provider's is not an id of its own.
	if owner := m.Owner(id); owner != "" && owner != id {
		return nil, rs.NotFound()
	}
	it, err := rs.items.Fetch(ctx, upstreamID, rs.KeyOf(upstreamID))
	if api.Gone(err) && rs.blind != nil {
		// The id may be one that only the ledger knows to be somebody's.
		return nil, unreadable(rs.blind)
	}
	if err != nil {
		return nil, err
	}
	if it.Protected {
		return nil, rs.protectedError(ctx, id)
	}
	return rs.subject(id, it.Entry, it.Value, record), nil
}

func (k *kind) protectedError(ctx context.Context, id string) error {
	trace.Say(ctx, trace.Protected, id, "mapping")
	return scim.Errorf(http.StatusForbidden, "", "this %s is protected and is not managed through SCIM", k.Name)
}

// subject puts an entry and its record together.
func (k *kind) subject(id string, e *view.Entry, value doc.Value, record *ledger.Record) *subject {
	res := e.Resource()
	res.Set("id", doc.NewString(id))
	k.ShowState(res, e.State())
	k.Overlay(res, record)
	return &subject{id: id, entry: e, value: value, record: record, res: res, merged: true}
}

// waitingSubject returns a user who is created when first active.
func waitingSubject(record *ledger.Record) (*subject, error) {
	d, err := doc.Scan(record.Deferred)
	if err != nil {
		return nil, unreadable(err)
	}
	res := doc.Tree(d.Value())
	res.Set("id", doc.NewString(record.ID))
	res.Set("active", doc.NewBool(false))
	resource.ShowDates(res, record)
	return &subject{id: record.ID, record: record.Clone(), res: res, merged: true}, nil
}
