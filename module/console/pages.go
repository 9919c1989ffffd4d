package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

const perPage = 50

// found is what the page Log shows.
type found struct {
	Now     time.Time
	Query   url.Values
	Records []*provlog.Record
	Rules   []quirks.Rule
	Older   string // the query of the next page
	Live    bool   // whether what comes belongs to this list

	Narrowed bool // whether more is asked for than a name
}

func (p *page) logPage(ctx context.Context) error {
	p.Tab, p.Title = "log", "Log"
	q := p.r.URL.Query()
	f := &found{Now: p.now(), Query: q, Rules: quirks.Rules()}
	p.Data = f
	if p.reader == nil {
		f.Live = p.gateway.Records() != nil
		return p.show(http.StatusOK, "log.html")
	}
	s := provlog.Search{
		Organization: p.Org, Text: p.gateway.Records().Spellings(strings.TrimSpace(q.Get("q"))), Verb: q.Get("verb"), Resource: q.Get("resource"), Rule: q.Get("rule"),
		Failed: q.Get("failed") != "", Limit: perPage + 1,
	}
	s.Status, _ = strconv.Atoi(q.Get("status"))
	s.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64)
	if t, err := time.ParseInLocation("2006-01-02T15:04", q.Get("since"), time.Local); err == nil {
		s.Since = t
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04", q.Get("until"), time.Local); err == nil {
		s.Until = t
	}
	var err error
	if f.Records, err = p.reader.Records(ctx, s); err != nil {
		return p.fail(err)
	}
	if len(f.Records) > perPage {
		f.Records = f.Records[:perPage]
		q.Set("before", strconv.FormatInt(f.Records[perPage-1].ID, 10))
		f.Older = q.Encode()
		q.Del("before")
	}
	f.Narrowed = s.Verb+s.Resource+s.Rule != "" || s.Failed || s.Status != 0 || !s.Since.IsZero() || !s.Until.IsZero()
	f.Live = s.Before == 0 && len(s.Text) == 0 && !f.Narrowed
	return p.show(http.StatusOK, "log.html")
}

// whole is what the page of one request shows.
type whole struct {
	*provlog.Record
	Now     time.Time
	Changes []change
	Rules   []application
	Decided []decision
}

// decision is a decision or an effect, and the name of whom it is about.
type decision struct {
	trace.Note
	Name string
}

// mostNamedNotes is how many decisions of a request are told with names.
const mostNamedNotes = 100

// application is one rule that was applied, and what it is for.
type application struct {
	quirks.Correction
	Summary string
}

func (p *page) recordPage(ctx context.Context, id string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || p.reader == nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is no such request in the log; the oldest go when it is full.")
	}
	r, err := p.reader.Record(ctx, n)
	if err != nil {
		return p.fail(err)
	}
	if r == nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is no such request in the log; the oldest go when it is full.")
	}
	p.Tab, p.Title = "log", did(r.Resource, r.Verb)
	w := &whole{Record: r, Now: p.now()}
	if r.Received != nil && r.Canonical != nil {
		w.Changes = compare(r.Received.Body, r.Canonical.Body)
	}
	summaries := map[string]string{}
	for _, rule := range quirks.Rules() {
		summaries[rule.ID] = rule.Summary
	}
	for _, a := range r.Rules {
		w.Rules = append(w.Rules, application{a, summaries[a.Rule]})
	}
	for i, n := range r.Notes {
		d := decision{Note: n}
		if n.ID != "" && n.ID != r.Subject && i < mostNamedNotes {
			d.Name = p.nameOf(ctx, n.ID)
		}
		w.Decided = append(w.Decided, d)
	}
	p.Data = w
	return p.show(http.StatusOK, "record.html")
}

// directory is what the pages People and Groups show.
type directory struct {
	Now      time.Time
	Q        string
	Subjects []provlog.Subject
	Folder   string
	Page     int
	More     bool
}

func (p *page) listPage(ctx context.Context, resource string) error {
	p.Tab, p.Title = folder(resource), "People"
	if resource == "Group" {
		p.Title = "Groups"
	}
	d := &directory{Now: p.now(), Q: strings.TrimSpace(p.r.URL.Query().Get("q")), Folder: p.Tab}
	d.Page, _ = strconv.Atoi(p.r.URL.Query().Get("page"))
	d.Page = min(max(d.Page, 1), 1_000_000)
	p.Data = d
	if p.reader == nil {
		return p.show(http.StatusOK, "people.html")
	}
	all, err := p.reader.Subjects(ctx, p.Org, resource, p.gateway.Records().Spellings(d.Q), perPage+1, (d.Page-1)*perPage)
	if err != nil {
		return p.fail(err)
	}
	d.More = len(all) > perPage
	d.Subjects = all[:min(len(all), perPage)]
	return p.show(http.StatusOK, "people.html")
}

// story is all that happened to somebody.
type story struct {
	Now     time.Time
	Subject provlog.Subject
	Folder  string
	Groups  []membership
	Members []membership  // of a group
	Why     *provlog.Line // the last request that decided about the access
	Lines   []provlog.Line
	All     bool
}

// membership is a group that somebody is in as far as the log tells, or a member of a group.
type membership struct {
	ID, Name string
	Line     provlog.Line
}

const maxStory = 1000

// nameOf returns the name of somebody or of a group; empty where the log does not know it.
func (p *page) nameOf(ctx context.Context, id string) string {
	sub, err := p.reader.Subject(ctx, p.Org, id)
	if err != nil || sub == nil {
		return ""
	}
	return sub.Name
}

func (p *page) storyPage(ctx context.Context, folder, id string) error {
	nobody := func() error {
		return p.refuse(http.StatusNotFound, "Not found", "The log knows of nobody with this id. It shows who was in a request that is still in it.")
	}
	if p.reader == nil {
		return nobody()
	}
	sub, err := p.reader.Subject(ctx, p.Org, id)
	if err != nil {
		return p.fail(err)
	}
	lines, err := p.reader.Timeline(ctx, p.Org, id, maxStory)
	if err != nil {
		return p.fail(err)
	}
	if sub == nil && len(lines) == 0 {
		return nobody()
	}
	s := &story{Now: p.now(), Folder: folder, All: p.r.URL.Query().Get("all") != ""}
	if s.Subject = (provlog.Subject{ID: id, Active: -1}); sub != nil {
		s.Subject = *sub
	}
	if s.Subject.Name == "" {
		s.Subject.Name = s.Subject.Login
	}
	seen := map[string]bool{}
	for _, l := range lines {
		reads := l.Verb == "read" || l.Verb == "list"
		if !reads || s.All {
			s.Lines = append(s.Lines, l)
		}
		if l.Subject == id && !reads && !l.Failed && l.Resource == "User" && (s.Why == nil || !decides(*s.Why) && decides(l)) {
			s.Why = &l
		}
		for _, w := range l.Words() {
			m := membership{ID: cmp.Or(w.Group, l.Subject), Line: l}
			is := w.What == string(trace.MemberAdded)
			if m.ID == id || seen[m.ID] || !is && w.What != string(trace.MemberRemoved) {
				continue
			}
			if seen[m.ID] = true; !is { // the newest word about a group counts
				continue
			}
			if m.Name = l.Name; w.Group != "" {
				m.Name = p.nameOf(ctx, w.Group)
			}
			s.Groups = append(s.Groups, m)
		}
	}
	if folder == "groups" {
		if s.Members, err = p.members(ctx, id, lines); err != nil {
			return p.fail(err)
		}
	}
	p.Tab, p.Title, p.Data = folder, about(s.Subject.Name, id), s
	return p.show(http.StatusOK, "story.html")
}

// decides reports whether a request about a user decided about the access.
func decides(l provlog.Line) bool {
	for _, n := range noted(l.Notes) {
		switch n.Kind {
		case trace.Created, trace.Invited, trace.Revoked, trace.Restored, trace.Removed, trace.Linked, trace.Adopted, trace.Waiting:
			return true
		}
	}
	return l.Verb == "create" || l.Verb == "delete"
}

// mostChanges is how many changes of a group's members are looked at.
const mostChanges = 200

// members returns the members of a group as far as the lines of its timeline tell.
func (p *page) members(ctx context.Context, group string, lines []provlog.Line) (all []membership, err error) {
	known, looked := map[string]bool{}, 0
	for _, l := range lines {
		if !strings.Contains(l.What+l.Notes, "member_") || looked == mostChanges {
			continue
		}
		looked++
		r, err := p.reader.Record(ctx, l.ID)
		if err != nil {
			return nil, err
		}
		if r == nil { // it has gone meanwhile
			continue
		}
		for _, n := range slices.Backward(r.Notes) {
			if n.Group != group || known[n.ID] || n.Kind != trace.MemberAdded && n.Kind != trace.MemberRemoved {
				continue
			}
			if known[n.ID] = true; n.Kind == trace.MemberAdded { // the newest word about somebody counts
				all = append(all, membership{n.ID, p.nameOf(ctx, n.ID), l})
			}
		}
	}
	return all, nil
}
