package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/drift"
)

// differences is what the page Drift shows: the last comparison.
type differences struct {
	*drift.Report
	Now, Made time.Time
	Parts     []part
}

// part is one part of a comparison, with as many of it as a page can show.
type part struct {
	drift.Section
	Shown []drift.One
	More  int
}

// mostShown is how many users or groups each part shows.
const mostShown = 200

func (p *page) driftPage() error {
	p.Tab, p.Title = "drift", "Drift"
	if p.DryRun() {
		return p.refuse(http.StatusNotFound, "This is a dry run", "A dry run remembers nothing of what the provider says, so that there is nothing to compare the organization with.")
	}
	d := &differences{Now: p.now()}
	d.Report, d.Made = p.gateway.Compared()
	if d.Report != nil {
		for _, s := range d.Sections() {
			shown := s.All[:min(len(s.All), mostShown)]
			d.Parts = append(d.Parts, part{s, shown, len(s.All) - len(shown)})
		}
	}
	p.Data = d
	return p.show(http.StatusOK, "drift.html")
}

// compare makes the comparison anew, and shows it.
func (p *page) compare(ctx context.Context) error {
	_, err := p.gateway.Compare(ctx, drift.Usual)
	p.logger.Info("the console compared the organization with what the provider said", zap.String("organization", p.Org), zap.String("user", p.User), zap.Error(err))
	status := http.StatusInternalServerError
	if known, ok := errors.AsType[caddy.APIError](err); ok {
		status = known.HTTPStatus
	}
	return p.acted(err, status, "/drift")
}
