package module

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// events are the events of Caddy that the gateway emits, by the effects that they tell of. A handler of one gets the
// organization, the resource type and the id; names and addresses are for whoever asks.
var events = map[trace.Kind]string{
	trace.Invited:       "scim_invited",
	trace.Revoked:       "scim_revoked",
	trace.Restored:      "scim_restored",
	trace.Removed:       "scim_removed",
	trace.GroupCreated:  "scim_group_changed",
	trace.GroupRenamed:  "scim_group_changed",
	trace.GroupChanged:  "scim_group_changed",
	trace.GroupRemoved:  "scim_group_changed",
	trace.MemberAdded:   "scim_group_changed",
	trace.MemberRemoved: "scim_group_changed",
}

// eventNames are those of the events, each once.
var eventNames = slices.Compact(slices.Sorted(maps.Values(events)))

// loadEvents finds Caddy's events.
func (h *Handler) loadEvents(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return err
	}
	h.events, _ = app.(*caddyevents.App)
	return nil
}

// effects tells whoever listens what the operation has changed. An organization has noted it; of a SCIM server it is what
// was asked for and answered, which later notes for the log where nobody listens.
func (x *exchange) effects(answer *scim.Answer) (later func(answered doc.Value)) {
	heard := x.h.heard()
	if !x.routed || !x.verb.Writes() || x.h.DryRun || !heard && x.h.sink == nil {
		return nil
	}
	if x.h.seat() == nil && answer != nil && answer.Status < http.StatusMultipleChoices {
		c := &carried{op: x.op, trace: x.trace}
		if !heard {
			return c.effects
		}
		answered, _ := doc.Scan(answer.Body)
		c.effects(answered.Value())
	}
	x.h.emit(x.trace.Notes())
	return nil
}

// heard reports whether anybody listens to events.
func (h *Handler) heard() bool {
	return h.events != nil && slices.ContainsFunc(eventNames, h.events.ShouldEmit)
}

// emit emits the events of some effects, each once.
func (h *Handler) emit(notes []trace.Note) {
	type emitted struct{ event, id string }
	var last emitted
	for _, n := range notes {
		e := emitted{events[n.Kind], n.ID}
		if e.event == "" || h.events == nil || !h.events.ShouldEmit(e.event) {
			continue
		}
		resource := "User"
		if e.event == events[trace.GroupChanged] {
			resource = "Group"
			if n.Group != "" {
				e.id = n.Group
			}
		}
		if e != last {
			h.events.Emit(h.ctx, e.event, map[string]any{"organization": h.Name(), "resource": resource, "id": e.id})
			last = e
		}
	}
}

// settled tells what the gateway has found out by itself about a request of earlier.
func (h *Handler) settled(resource string, told *trace.Trace) {
	if h.DryRun {
		return
	}
	h.emit(told.Notes())
	if h.sink != nil {
		id := ""
		for _, n := range told.Notes() {
			id = n.ID
		}
		h.sink.Add(&provlog.Entry{Time: time.Now(), Resource: resource, Verb: provlog.Settled, ID: id, Trace: told})
	}
}

// carried is an operation that a SCIM server has carried out. It holds on to nothing else of the request, which is long
// answered when the log asks for the effects.
type carried struct {
	op    scim.Operation
	trace *trace.Trace
}

// effects notes what the operation says of effects.
func (c *carried) effects(answered doc.Value) {
	say := func(kind trace.Kind, id string) { c.trace.Note(trace.Note{Kind: kind, ID: id}) }
	id, user := c.op.ID, c.op.Type.Name == "User"
	if shown, ok := answered.Lookup("id"); ok && id == "" {
		id = shown.Text()
	}
	shown, _ := answered.Lookup("active")
	isnt := func(active bool) bool { return shown.Kind() == doc.Bool && shown.True() != active }
	switch {
	case c.op.Verb == scim.Create && user:
		say(trace.Invited, id)
	case c.op.Verb == scim.Create:
		say(trace.GroupCreated, id)
		c.members(trace.MemberAdded, id, membersOf(c.op.Body))
	case c.op.Verb == scim.Delete && user:
		say(trace.Removed, id)
	case c.op.Verb == scim.Delete:
		say(trace.GroupRemoved, id)
	case c.op.Deactivates:
		if !isnt(false) {
			say(trace.Revoked, id)
		}
	case user && c.op.Verb == scim.Patch: // a PUT says active every time
		if !isnt(true) && quirks.Activates(c.op.Body) {
			say(trace.Restored, id)
		}
	case !user && c.op.Verb == scim.Patch:
		c.group(id)
	case !user:
		say(trace.GroupChanged, id)
		c.members(trace.MemberAdded, id, membersOf(c.op.Body))
	}
}

// group notes what the PATCH of a group has changed. Whom a filter or a whole list has taken out is not known.
func (c *carried) group(id string) {
	ops, err := patch.Parse(c.op.Body, c.op.Type)
	if err != nil {
		return
	}
	m, err := patch.Members(ops, c.op.Type)
	if err != nil {
		return
	}
	if len(m.Others) > 0 || m.Open || m.Whole {
		c.trace.Note(trace.Note{Kind: trace.GroupChanged, ID: id})
	}
	c.members(trace.MemberRemoved, id, m.Remove)
	c.members(trace.MemberAdded, id, m.Add)
	c.members(trace.MemberAdded, id, m.Set)
}

func (c *carried) members(what trace.Kind, group string, ids []string) {
	for _, id := range ids {
		c.trace.Note(trace.Note{Kind: what, ID: id, Group: group})
	}
}

// membersOf returns the ids of the members in a document.
func membersOf(d doc.Doc) (ids []string) {
	list, _ := d.Value().Lookup("members")
	for item := range list.Items() {
		if id, ok := item.Lookup("value"); ok {
			ids = append(ids, id.Text())
		}
	}
	return ids
}
