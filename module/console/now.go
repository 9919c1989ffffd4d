package console

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddy-scim/gateway/module/provlog"
)

// overview is what the page Now shows.
type overview struct {
	Now              time.Time
	Requests, Failed int
	Milliseconds     string
	Charts           []*chart
	Rules            []provlog.RuleCount
	Cycle            cycle
	Todo             []todo
	Health           health
	Latest           []*provlog.Record
	State            provlog.State
}

// todo is something that needs a person.
type todo struct {
	Loud        bool
	Title, Text string
	Link        string
}

func (t todo) urgency() int {
	if t.Loud {
		return 1
	}
	return 0
}

// oldInvitation is how long somebody may be invited before a person should ask.
const oldInvitation = 7 * 24 * time.Hour

func (p *page) nowPage(ctx context.Context) error {
	p.Tab, p.Title = "now", "Now"
	now := p.now()
	o := &overview{Now: now}
	p.Data = o
	if p.gateway.Records() != nil {
		o.State = p.gateway.Records().Log().State()
	}
	o.Health, o.Todo = p.health(ctx)
	o.Todo = append(p.guardTodos(now), o.Todo...)
	if dropped := o.State.Dropped; dropped > 0 {
		o.Todo = append(o.Todo, todo{
			Title: count(int(dropped), "record of the log is missing", "records of the log are missing"),
			Text:  "The file could not be written, or too many came at once. Look for room on the disk and for the rights of the file.",
		})
	}
	if p.reader == nil {
		return p.show(http.StatusOK, "now.html")
	}
	buckets, err := p.reader.Histogram(ctx, p.Org, now.Add(-24*time.Hour), now, 30*time.Minute)
	if err != nil {
		return p.fail(err)
	}
	sum := 0.0
	for _, b := range buckets {
		o.Requests, o.Failed = o.Requests+b.Requests, o.Failed+b.Failed
		sum += b.Milliseconds * float64(b.Requests)
	}
	o.Milliseconds = fmt.Sprintf("%.0f ms", sum/float64(max(o.Requests, 1)))
	o.Charts = slices.DeleteFunc([]*chart{drawRequests(buckets), drawUpstream(buckets), drawRules(buckets)}, func(c *chart) bool { return c == nil })
	if o.Rules, err = p.reader.Rules(ctx, p.Org, now.Add(-24*time.Hour)); err != nil {
		return p.fail(err)
	}
	o.Rules = o.Rules[:min(len(o.Rules), 8)]
	recent, err := p.reader.Records(ctx, provlog.Search{Organization: p.Org, Limit: 500})
	if err != nil {
		return p.fail(err)
	}
	o.Cycle, o.Latest = rhythmOf(recent), recent[:min(len(recent), 8)]
	logged, err := p.todos(ctx, now)
	if err != nil {
		return p.fail(err)
	}
	o.Todo = append(o.Todo, logged...)
	slices.SortStableFunc(o.Todo, func(a, b todo) int { return cmp.Compare(b.urgency(), a.urgency()) })
	return p.show(http.StatusOK, "now.html")
}

// todos returns what needs a person, the most urgent first, each with what to do.
func (p *page) todos(ctx context.Context, now time.Time) ([]todo, error) {
	var all []todo
	leavers, err := p.reader.Leavers(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	held := p.held()
	for _, r := range leavers {
		if held[r.Subject] { // the guard's entry tells of them
			continue
		}
		t := todo{
			Loud: true, Title: about(r.Name, r.Subject) + " still has access",
			Text: "The provider wanted to take the access away, and was refused: " + plain(r.Error) + ". Take it away in the organization itself, or mend what is in the way; the provider asks again in its next cycle.",
			Link: fmt.Sprintf("%s/log/%d", p.Base(), r.ID),
		}
		if r.Unclear {
			t.Title = about(r.Name, r.Subject) + " may be meant to have no access any more"
			t.Text = "The provider said something of “active” that cannot be read, and was refused: " + plain(r.Error) + ". Look at the request. If it was to take the access away, take it away in the organization itself, and mend the mapping of “active” in the provider."
		}
		all = append(all, t)
	}
	waiting, err := p.reader.Invited(ctx, p.Org, now.Add(-oldInvitation))
	if err != nil {
		return nil, err
	}
	for _, s := range waiting {
		all = append(all, todo{
			Title: about(s.Name, s.Login) + " was invited " + ago(s.Since, now) + " and has not accepted",
			Text:  "Ask whether the mail arrived, and send the invitation again in the organization.", Link: p.Base() + "/people/" + url.PathEscape(s.ID),
		})
	}
	repeats, err := p.reader.Repeats(ctx, p.Org, now.Add(-repeatedWithin))
	if err != nil {
		return nil, err
	}
	for _, r := range repeats {
		all = append(all, todo{
			Title: fmt.Sprintf("%s is sent again and again, with the same value: %s", plain(r.Attribute), count(r.Subjects, "person or group", "people and groups")),
			Text:  "Whoever is behind the gateway does not keep the value as the provider sends it, so that the provider corrects it in each cycle. Take the attribute out of the provider’s mappings, or have the gateway remember it (store).",
			Link:  fmt.Sprintf("%s/log/%d", p.Base(), r.Last),
		})
	}
	return all, nil
}

// repeatedWithin is how far back it is looked for corrections without an end.
const repeatedWithin = 3 * 24 * time.Hour
