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
	if o.keeper != nil {
		o.keeper.ready()
	}
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

	// Kept tells whether it is remembered over a restart.
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
			done, err := o.mine(ctx)
			if err != nil {
				return nil, err
			}
			defer done()
			n, err := o.Release(r)
			if errors.Is(err, ErrNotHeld) {
				return nil, admin.NotFound("%v", err)
			}
			return Released{n, o.keep()}, err
		},
		"reset": func(ctx context.Context, _ json.RawMessage) (any, error) {
			done, err := o.mine(ctx)
			if err != nil {
				return nil, err
			}
			defer done()
			o.Reset()
			return Released{Kept: o.keep()}, nil
		},
	}
}

// keep writes at once what an operator has said, and reports whether it is kept.
func (o *Open) keep() bool { return o.keeper != nil && o.keeper.write() == nil }
