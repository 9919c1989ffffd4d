package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/guard"
)

// guardKind is one kind of removal that the guard counts.
type guardKind struct {
	guard.Status
	Label string
	Total int // of those who are held
}

// removals are the kinds of the guard in words.
var removals = map[string]string{
	"disables": "Deactivations", "deletes": "Deletions of people", "member_removals": "Removals from groups", "group_deletes": "Deletions of groups",
}

// keeping says what whoever is held keeps, by the kind.
var keeping = map[string]string{
	"disables": "They still have access: ", "deletes": "They still have access: ", "member_removals": "They are still in their groups: ", "group_deletes": "These groups are still there: ",
}

func (p *page) guardKinds() (all []guardKind) {
	for _, s := range p.gateway.Removals().Status() {
		all = append(all, guardKind{s, removals[s.Kind], len(s.Held) + s.More})
	}
	return all
}

// held returns the ids of those whom the guard keeps from losing access.
func (p *page) held() map[string]bool {
	ids := map[string]bool{}
	for _, s := range p.gateway.Removals().Status() {
		if s.Kind != guard.Disables.String() && s.Kind != guard.Deletes.String() {
			continue
		}
		for _, h := range s.Held {
			ids[h.ID] = true
		}
	}
	return ids
}

// mostNamed is how many of those who are held are named on the first page.
const mostNamed = 5

// names returns the names of those who are held, of a few.
func (k *guardKind) names() string {
	var names []string
	for _, h := range k.Held[:min(len(k.Held), mostNamed)] {
		names = append(names, about(h.Name, h.ID))
	}
	if more := k.Total - len(names); more > 0 {
		names = append(names, fmt.Sprint(more, " more"))
	}
	return strings.Join(names, ", ")
}

func (p *page) guardTodos(now time.Time) (all []todo) {
	for _, k := range p.guardKinds() {
		if k.Tripped.IsZero() {
			continue
		}
		all = append(all, todo{
			Loud: true, Title: fmt.Sprintf("The guard holds %d: %s", k.Total, k.Label),
			Text: keeping[k.Kind] + k.names() + ". More were to be removed than on a normal day; that began " + ago(k.Tripped, now) + ". Look who it is. If they are leavers, let them go; if not, mend the assignments in the provider, let a cycle pass, and have the guard count anew.",
			Link: p.Base() + "/organization#guard",
		})
	}
	return all
}

// maxReleaseFor is how long the guard may be open at most.
const maxReleaseFor = 24 * time.Hour

// release does what a form of the guard says: one person, all who are held, the next ones, everything for a time, or to
// count anew.
func (p *page) release(ctx context.Context) error {
	form := p.r.PostFormValue
	r := guard.Release{Kind: form("kind")}
	if removals[r.Kind] == "" && r.Kind != "" {
		return admin.BadRequest("there is no such kind")
	}
	switch form("what") {
	case "subject":
		if r.Subject = form("subject"); r.Subject == "" {
			return admin.BadRequest("nobody is named")
		}
	case "once":
		n, err := strconv.Atoi(form("once"))
		if err != nil || n < 1 || n > 100_000 {
			return admin.BadRequest("how many is a number from 1 to 100000")
		}
		r.Once = n
	case "for":
		d, err := time.ParseDuration(form("for"))
		if err != nil || d <= 0 || d > maxReleaseFor {
			return admin.BadRequest("for how long is a time of at most a day, such as 1h")
		}
		r.For = d
	case "held": // all who are held now
	case "reset":
		_, err := p.gateway.Removals().Reset(ctx)
		return err
	default:
		return admin.BadRequest("the form does not say what is to be done")
	}
	_, err := p.gateway.Removals().Release(ctx, r)
	return err
}
