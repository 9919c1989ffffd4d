package console

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-scim/gateway/module/keys"
	"github.com/caddy-scim/gateway/module/provlog"
)

// setup is what the page Organization shows.
type setup struct {
	Now     time.Time
	URL     string
	Profile string
	Keys    []keyInfo
	Fresh   *fresh
	Named   bool // whether keys can be made here
	State   keys.State
	Log     provlog.State
	Records bool
	Guard   []guardKind
	Health  health
}

// keyInfo is a key, with its times as times.
type keyInfo struct {
	keys.Info
	Ends time.Time
	Soon bool
}

// soon is when somebody should think of the next key.
const soon = 30 * 24 * time.Hour

func (p *page) keys(ctx context.Context, now time.Time) (all []keyInfo) {
	for _, k := range p.gateway.KeyRing().List(ctx) {
		info := keyInfo{Info: k}
		if t, err := time.Parse(time.RFC3339, k.Expires); err == nil {
			info.Ends, info.Soon = t, k.Status == "valid" && t.Sub(now) < soon
		}
		all = append(all, info)
	}
	return all
}

func (p *page) organizationPage(ctx context.Context) error { return p.organization(ctx, nil) }

func (p *page) organization(ctx context.Context, made *fresh) error {
	p.Tab, p.Title = "organization", "Organization"
	org := p.gateway.KeyRing()
	s := &setup{
		Now: p.now(), URL: p.gateway.URL(), Profile: p.gateway.Quirks.Profile, Keys: p.keys(ctx, p.now()), Fresh: made,
		Named: org.Ring() != nil, State: org.State(), Records: p.gateway.Records() != nil, Guard: p.guardKinds(),
	}
	s.Health, _ = p.health(ctx)
	if s.Records {
		s.Log = p.gateway.Records().Log().State()
	}
	p.Data = s
	return p.show(http.StatusOK, "organization.html")
}
