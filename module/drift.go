package module

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/drift"
	"github.com/caddy-scim/gateway/module/upstream"
)

// comparison is the last comparison of the organization with what the provider said.
type comparison struct {
	one sync.Mutex // is made at a time

	mu     sync.Mutex
	report *drift.Report
	made   time.Time
}

// tellDrift makes the comparison known to the operator. A dry run has nothing to compare, and
// may be beside the gateway that has.
func (h *Handler) tellDrift(ctx caddy.Context) error {
	h.compared = new(comparison)
	if h.run != nil {
		return nil
	}
	return admin.Register(ctx, admin.Part{Name: drift.Part, Organization: h.Name(), Actions: map[string]admin.Action{
		drift.Action: func(ctx context.Context, body json.RawMessage) (any, error) {
			asked := drift.Usual
			if err := json.Unmarshal(body, &asked); err != nil {
				return nil, admin.BadRequest("what is asked for is not understood: %v", err)
			}
			return h.Compare(ctx, asked)
		},
	}})
}

// Compare compares the organization with what the provider last said.
func (h *Handler) Compare(ctx context.Context, asked drift.Asked) (*drift.Report, error) {
	if h.run != nil {
		return nil, admin.Conflict("this gateway is a dry run: it remembers nothing of what the provider says, so that there is nothing to compare the organization with")
	}
	h.compared.one.Lock()
	defer h.compared.one.Unlock()
	r := drift.OfServer()
	if d, ok := h.upstream.(upstream.Drifting); ok {
		var err error
		if r, err = d.Drift(ctx, asked); err != nil {
			return nil, err
		}
	}
	h.compared.mu.Lock()
	defer h.compared.mu.Unlock()
	h.compared.report, h.compared.made = r, time.Now()
	return r, nil
}

// Compared returns the last comparison, and when it was made; nil where there was none.
func (h *Handler) Compared() (*drift.Report, time.Time) {
	h.compared.mu.Lock()
	defer h.compared.mu.Unlock()
	return h.compared.report, h.compared.made
}
