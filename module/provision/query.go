package provision

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// query answers a list request (RFC 7644 §3.4.2).
//
// Filters are evaluated here, on what the provider is shown: organization APIs have no filters, or such that find too
// much. One that compares an indexed attribute looks only at the few resources that may fit.
func (rs *resources) query(ctx context.Context) (*scim.Answer, error) {
	q := rs.op.Query
	if err := rs.Supports(q.Filter); err != nil {
		return nil, err
	}
	count := q.Count
	if count < 0 {
		count = rs.config.PageSize
	}
	count = min(count, rs.config.MaxResults)

	page, total, err := rs.page(ctx, q.Filter, q.StartIndex-1, count)
	if err != nil {
		return nil, err
	}
	resources := make([]*doc.Node, 0, len(page))
	for _, sub := range page {
		res, err := rs.shown(ctx, sub)
		if api.Gone(err) { // since the view was made; the others are there
			total--
			continue
		}
		if err != nil {
			return nil, err
		}
		resources = append(resources, res)
	}
	if rs.IsUser() && total == 0 && q.Filter != nil {
		// So does a provider's connection test, and a search before somebody is invited: a login that only the invitation needs
		// is found to be wrong now.
		if err := rs.talk.Prove(ctx); err != nil {
			return nil, err
		}
	}
	if rs.IsUser() && len(page) == 1 && q.Filter != nil { // the provider looks for this one user
		if sub, err := rs.withLedger(ctx, page[0]); err == nil {
			rs.reinvite(ctx, sub)
		}
	}
	return &scim.Answer{Status: http.StatusOK, Body: scim.ListResponse(total, q.StartIndex, resources)}, nil
}

// page returns up to n of the resources that a filter holds for, in list order, from the one with the index skip on, and how
// many there are in all.
func (rs *resources) page(ctx context.Context, f filter.Filter, skip, n int) (page []*subject, total int, err error) {
	if f == nil && (!rs.IsUser() || !rs.links.Restrict()) {
		return rs.browse(ctx, skip, n)
	}
	entries, few, err := rs.entriesFor(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	marks, err := rs.marks(ctx)
	if err != nil {
		return nil, 0, err
	}
	take := func(sub *subject) {
		if total++; total > skip && len(page) < n {
			page = append(page, sub)
		}
	}
	merge := few || rs.AsksLedger(f)
	for _, e := range entries {
		id := marks.ID(e.ID)
		if e.Protected || marks.Hidden(id) {
			continue
		}
		sub, err := rs.matching(ctx, &subject{id: id, entry: e}, merge, f)
		if err != nil {
			return nil, 0, err
		}
		if sub != nil {
			take(sub)
		}
	}
	lookups, _ := rs.Lookups(f)
	for _, sub := range waiting(marks, lookups) {
		if rs.complete(sub, f); f == nil || filter.Match(f, sub.res, rs.Type) {
			take(sub)
		}
	}
	return page, total, nil
}

// browse is page where everybody is shown: those whom the upstream shows, and then those who wait. What it costs does not grow with
// them, and while somebody lists it goes on with what was last known: it decides nothing.
func (rs *resources) browse(ctx context.Context, skip, n int) (page []*subject, total int, err error) {
	marks, err := rs.marks(ctx)
	if err != nil {
		return nil, 0, err
	}
	var entries []*view.Entry
	err = rs.items.Browse(ctx, func(t *view.Table) { entries, total = t.Page(skip, n, marks.Deleted()) })
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		page = append(page, &subject{id: marks.ID(e.ID), entry: e})
	}
	records, waits := marks.WaitingPage(skip-total, n-len(page))
	for _, record := range records {
		sub, err := waitingSubject(record)
		if err != nil {
			waits-- // a torn record is a lost record
			continue
		}
		page = append(page, sub)
	}
	return page, total + waits, nil
}

// matching returns a subject of which the view knows the entry, where a filter holds for it and the provider may see it; nil
// otherwise. What the ledger has to say is read where the filter asks for it (merge); [resources.shown] adds it to the others.
func (rs *resources) matching(ctx context.Context, sub *subject, merge bool, f filter.Filter) (*subject, error) {
	if f != nil {
		full, err := rs.completeFor(ctx, sub, merge, f)
		if api.Gone(err) {
			return nil, nil
		}
		if err != nil || !filter.Match(f, full.res, rs.Type) {
			return nil, err
		}
		sub = full
	}
	if rs.IsUser() && !rs.links.Offers(sub.member(), f) {
		full, err := rs.withLedger(ctx, sub)
		if err != nil || full.member().Stranger() {
			return nil, err
		}
	}
	return sub, nil
}

// completeFor returns a subject with all that a filter may ask about.
func (rs *resources) completeFor(ctx context.Context, sub *subject, merge bool, f filter.Filter) (*subject, error) {
	if !merge {
		part := rs.subject(sub.id, sub.entry, sub.value, nil)
		part.merged = false
		rs.complete(part, f)
		return part, nil
	}
	full, err := rs.withLedger(ctx, sub)
	if err != nil {
		return nil, err
	}
	if !rs.IsUser() && resource.Asks(f, "members") {
		if err := rs.groups.loadMembers(ctx, full); err != nil {
			return nil, err
		}
		full.res.Set("members", rs.groups.members(full.members))
	}
	rs.complete(full, f)
	return full, nil
}

// complete puts what is made for answers into a resource, where a filter asks about that.
func (rs *resources) complete(sub *subject, f filter.Filter) {
	if resource.Asks(f, "meta") || resource.Asks(f, "schemas") {
		scim.Complete(sub.res, rs.Type, rs.op.Base)
	}
}

// withLedger returns the subject with what the ledger has to say.
func (rs *resources) withLedger(ctx context.Context, sub *subject) (*subject, error) {
	if sub.merged {
		return sub, nil
	}
	record, err := rs.record(ctx, sub.id)
	if err != nil {
		return nil, err
	}
	return rs.subject(sub.id, sub.entry, sub.value, record), nil
}

// entriesFor returns the entries that a filter may hold for; few reports that they were looked up and are not simply all.
func (rs *resources) entriesFor(ctx context.Context, f filter.Filter) (entries []*view.Entry, few bool, err error) {
	lookups, ok := rs.Lookups(f)
	if !ok {
		err = rs.items.Known(ctx, func(t *view.Table) { entries = t.All() })
		return entries, false, err
	}
	for _, l := range lookups {
		found, err := rs.entriesWith(ctx, l)
		if err != nil {
			return nil, true, err
		}
		for _, e := range found {
			if !slices.ContainsFunc(entries, func(o *view.Entry) bool { return o.ID == e.ID }) {
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b *view.Entry) int { return strings.Compare(a.ID, b.ID) })
	return entries, true, nil
}

// entriesWith returns the entries that the upstream or the ledger knows under a value.
func (rs *resources) entriesWith(ctx context.Context, l value.Lookup) ([]*view.Entry, error) {
	marks, err := rs.marks(ctx)
	if err != nil {
		return nil, err
	}
	if l.Attribute == "id" {
		return rs.items.Candidates(ctx, "id", marks.Upstream(l.Value))
	}
	entries, err := rs.items.Candidates(ctx, l.Attribute, l.Value)
	if err != nil {
		return nil, err
	}
	id, err := asked(ctx, rs.session, func(ctx context.Context) (string, error) { return rs.book.Find(ctx, l.Attribute, l.Value) }, nil)
	if err != nil || id == "" {
		return entries, err
	}
	more, err := rs.items.Candidates(ctx, "id", marks.Upstream(id))
	return append(entries, more...), err
}
