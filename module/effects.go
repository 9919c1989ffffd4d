package module

import (
	"cmp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The events of Caddy that the gateway emits. A handler of one gets the organization, the resource type and the id; names
// and addresses are for whoever asks.
const (
	eventInvited  = "scim_invited"
	eventRevoked  = "scim_revoked"
	eventRestored = "scim_restored"
	eventRemoved  = "scim_removed"
	eventGroup    = "scim_group_changed"
)

// effects tell what a call of a mapping changes, by the beginning of its name, where the operation that made it succeeds.
var effects = []struct {
	call  string
	kind  trace.Kind
	event string
}{
	{"user.create[", trace.Invited, eventInvited},
	{"user.disable[", trace.Revoked, eventRevoked},
	{"user.enable[", trace.Restored, eventRestored},
	{"user.delete[", trace.Removed, eventRemoved},
	{"group.create[", trace.GroupCreated, eventGroup},
	{"group.delete[", trace.GroupRemoved, eventGroup},
	{"group.update[", "", eventGroup},
	{"group.member_add[", "", eventGroup},
	{"group.member_remove[", "", eventGroup},
	{"group.members_set[", "", eventGroup},
}

// loadEvents finds Caddy's events.
func (h *Handler) loadEvents(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return err
	}
	h.events, _ = app.(*caddyevents.App)
	return nil
}

// effects notes what the operation has changed, and tells whoever listens. An operation that failed is not believed to
// have changed anything: what it may have done shows in its calls.
func (x *exchange) effects(status int, answer *scim.Answer) {
	if status >= 300 || !x.routed || !x.verb.Writes() {
		return
	}
	id := x.route.id
	if id == "" && answer != nil {
		id = idOf(answer.Body)
	}
	emitted := ""
	for _, c := range x.trace.Calls() {
		if c.Status < 200 || c.Status >= 300 {
			continue
		}
		for _, e := range effects {
			if !strings.HasPrefix(c.Name, e.call) {
				continue
			}
			if e.kind != "" {
				x.trace.Note(trace.Note{Kind: e.kind, ID: id})
			}
			if emitted != e.event {
				emitted = e.event
				x.emit(e.event, id)
			}
		}
	}
}

func (x *exchange) emit(event, id string) {
	if x.h.events == nil || !x.h.events.ShouldEmit(event) {
		return
	}
	x.h.events.Emit(x.h.ctx, event, map[string]any{"organization": x.h.organization(), "resource": x.resource(), "id": cmp.Or(id, x.route.id)})
}

func idOf(body []byte) string {
	d, err := doc.Scan(body)
	if err != nil {
		return ""
	}
	id, _ := d.Value().Lookup("id")
	return id.Text()
}
