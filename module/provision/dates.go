package provision

import (
	"context"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/resource"
)

// Organizations seldom say when somebody was changed, and some providers write everybody anew in each cycle unless they are
// told. Where the configuration says so, the ledger keeps meta.created and meta.lastModified (RFC 7643 §3.1): of what the
// gateway itself did, by its own clock. When others did something is not known, and not said.

// date returns what makes a record say that the resource is changed now; made says that it is created now, too.
func (rs *resources) date() func(r *ledger.Record, made bool) {
	now := rs.now().UTC().Truncate(time.Millisecond)
	return func(r *ledger.Record, made bool) {
		if !rs.Dates {
			return
		}
		if r.Modified = now; made {
			r.Created = now
		}
	}
}

// changedNow remembers that a resource is changed now, of which nothing else is to be remembered.
func (rs *resources) changedNow(ctx context.Context, sub *subject) {
	if !rs.Dates {
		return
	}
	date := rs.date()
	rs.book.Keep(ctx, sub.id, func(r *ledger.Record) { date(r, false) })
	if r, _ := rs.book.Recall(sub.id); r != nil {
		resource.ShowDates(sub.res, r)
	}
}
