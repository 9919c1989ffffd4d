package provision

import (
	"context"
	"time"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/transforms/doc"
)

// Organizations seldom say when somebody was changed, and some providers write everybody anew in each cycle unless they are
// told. Where the configuration says so, the ledger keeps meta.created and meta.lastModified (RFC 7643 §3.1): of what the
// gateway itself did, by its own clock. When others did something is not known, and not said.

// keepsDates reports whether a word of the configuration says so.
func keepsDates(store string) bool { return store == "*" || doc.FoldEqual(store, "meta") }

// date returns what makes a record say that the resource is changed now; made says that it is created now, too.
func (w *writer) date() func(r *ledger.Record, made bool) {
	now := w.now().UTC().Truncate(time.Millisecond)
	return func(r *ledger.Record, made bool) {
		if !w.dates {
			return
		}
		if r.Modified = now; made {
			r.Created = now
		}
	}
}

// changedNow remembers that a resource is changed now, of which nothing else is to be remembered.
func (w *writer) changedNow(ctx context.Context, sub *subject) {
	if !w.dates {
		return
	}
	date := w.date()
	w.book.Keep(ctx, sub.id, func(r *ledger.Record) { date(r, false) })
	if r, _ := w.book.Recall(sub.id); r != nil {
		showDates(sub.res, r)
	}
}

// showDates puts what a record knows of it into a resource.
func showDates(res *doc.Node, r *ledger.Record) {
	meta := doc.NewObject()
	show := func(name string, t time.Time) {
		if !t.IsZero() {
			meta.Set(name, doc.NewString(t.UTC().Format("2006-01-02T15:04:05.000Z")))
		}
	}
	show("created", r.Created)
	show("lastModified", r.Modified)
	if meta.Len() > 0 {
		res.Set("meta", meta)
	}
}
