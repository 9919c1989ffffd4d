package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caddy-scim/gateway/module/admin"
)

// told is what "caddy scim status" and "caddy scim guard status" tell.
type told struct {
	Problems []string `json:"problems,omitempty"`
	Kinds    []Status `json:"kinds"`
}

func (o *Open) status(context.Context) (any, error) {
	t := told{Kinds: o.Status()}
	for _, s := range t.Kinds {
		if !s.Tripped.IsZero() {
			t.Problems = append(t.Problems, fmt.Sprintf("the guard holds %d %s since %s: look who it is (caddy scim guard status), then release them or mend the provider's assignments",
				len(s.Held)+s.More, s.Kind, s.Tripped.UTC().Format("2006-01-02 15:04 MST")))
		}
	}
	return t, nil
}

// Released is the answer to a release.
type Released struct {
	// Released is how many who were held may go now.
	Released int `json:"released"`

	// Kept reports whether it is remembered over a restart.
	Kept bool `json:"kept"`
}

func (o *Open) actions() map[string]admin.Action {
	return map[string]admin.Action{
		"release": func(ctx context.Context, body json.RawMessage) (any, error) {
			var r Release
			if json.Unmarshal(body, &r) != nil || r.Once < 0 || r.For < 0 {
				return nil, admin.BadRequest("the body is not what this action takes")
			}
			if _, ok := kindOf(r.Kind); r.Kind != "" && !ok {
				return nil, admin.BadRequest("there is no kind %q; there are disables, deletes, member_removals and group_deletes", r.Kind)
			}
			return o.Release(ctx, r)
		},
		"reset": func(ctx context.Context, _ json.RawMessage) (any, error) { return o.Reset(ctx) },
	}
}

// Status is [Guard.Status], after what was kept has been read.
func (o *Open) Status() []Status {
	if o == nil {
		return nil
	}
	if o.keeper != nil {
		o.keeper.ready()
	}
	return o.Guard.Status()
}

// Release is [Guard.Release] where this gateway is the one that counts; what an operator has said is kept at once. Errors are
// made for operators.
func (o *Open) Release(ctx context.Context, r Release) (Released, error) {
	done, err := o.mine(ctx)
	if err != nil {
		return Released{}, err
	}
	defer done()
	n, err := o.Guard.Release(r)
	if errors.Is(err, ErrNotHeld) {
		return Released{}, admin.NotFound("%v", err)
	}
	return Released{n, o.keep()}, err
}

// Reset is [Guard.Reset] where this gateway is the one that counts.
func (o *Open) Reset(ctx context.Context) (Released, error) {
	done, err := o.mine(ctx)
	if err != nil {
		return Released{}, err
	}
	defer done()
	o.Guard.Reset()
	return Released{Kept: o.keep()}, nil
}

// keep writes at once what an operator has said, and reports whether it is kept.
func (o *Open) keep() bool { return o.keeper != nil && o.keeper.write() == nil }
