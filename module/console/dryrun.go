package console

import (
	"net/http"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/trace"
)

// planned is what the page Dry run shows.
type planned struct {
	*dryrun.Findings
	Sections []dryrun.Section
	Tiles    []tile
}

type tile struct {
	Title string
	Count int
	Loud  bool
}

// Filled returns what is said of a dry run that is full.
func (p *page) Filled() string { return dryrun.Filled }

// DryRun reports whether the organization's gateway changes nothing.
func (p *page) DryRun() bool { return p.gateway != nil && p.gateway.DryRun }

func (p *page) dryRunPage() error {
	p.Tab, p.Title = "dry-run", "Dry run"
	f := p.gateway.DryRunFindings()
	if f == nil {
		return p.refuse(http.StatusNotFound, "This is no dry run", "With dry_run in its configuration the gateway changes nothing, and tells here what it would change.")
	}
	leave := len(f.Of(trace.Revoked, trace.Removed))
	come := len(f.Of(trace.Invited, trace.Created, trace.Restored))
	held := len(f.HeldBy(trace.HeldByGuard)) + len(f.HeldBy(trace.HeldByProtect))
	p.Data = &planned{f, f.Sections(), []tile{
		{"Would lose access", leave, leave > 0},
		{"Would get access", come, false},
		{"Would be held or protected", held, held > 0},
		{"Would be refused", len(f.Refused), len(f.Refused) > 0},
	}}
	return p.show(http.StatusOK, "dryrun.html")
}
