package provision

import (
	"context"

	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/filter"
)

// page returns up to n of the resources that a filter holds for, in list order, from the one with the index skip on, and how
// many there are in all.
func (rs *resources) page(ctx context.Context, f filter.Filter, skip, n int) (page []*subject, total int, err error) {
	if f == nil && (!rs.IsUser() || rs.config.offersAll()) {
		return rs.browse(ctx, skip, n)
	}
	for sub, err := range rs.matching(ctx, f) {
		if err != nil {
			return nil, 0, err
		}
		if total++; total > skip && len(page) < n {
			page = append(page, sub)
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
