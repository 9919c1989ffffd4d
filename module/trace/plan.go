package trace

import (
	"context"
	"slices"
)

// More effects, which only a plan tells apart.
const (
	Created Kind = "created" // a user was created on a SCIM server
	Renamed Kind = "renamed" // a user has a new userName
	Changed Kind = "changed" // attributes have new values
)

// What keeps a planned change from being made, besides the dry run.
const (
	HeldByGuard   = "guard"
	HeldByProtect = "protect"
)

// Step is one change that a dry run plans.
type Step struct {
	Kind       Kind     `json:"kind"`
	Resource   string   `json:"resource"`             // User or Group
	ID         string   `json:"id,omitempty"`         // the provider's
	Name       string   `json:"name,omitempty"`       // userName or displayName
	To         string   `json:"to,omitempty"`         // the new name
	Group      string   `json:"group,omitempty"`      // the id of the group that a user joins or leaves
	GroupName  string   `json:"group_name,omitempty"` // its displayName
	Attributes []string `json:"attributes,omitempty"` // what changes
	Held       string   `json:"held,omitempty"`       // who would keep it from happening: the guard, or protect
}

// maxSteps bounds the plan of one request.
const maxSteps = 10_000

// Plan adds a step to the plan of the request of the context.
func Plan(ctx context.Context, s Step) {
	t := From(ctx)
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.steps) >= maxSteps {
		t.left++
		return
	}
	t.steps = append(t.steps, s)
}

// Steps returns what was planned so far.
func (t *Trace) Steps() []Step {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.steps)
}
