package keys

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

// Organization is the keys of one organization.
type Organization struct {
	app  *App
	name string
	ring *auth.Ring // nil without a name

	mu       sync.Mutex
	records  *records
	declared []func() []auth.Declared
	warned   map[string]int       // how near its end a key was when that was last looked at, by id
	told     map[string]time.Time // when it was last told that a replaced key is used, by id
	flushed  map[string]time.Time // the last use that was written, by id
}

// Ring returns what the storage has; nil where the organization has no name.
func (o *Organization) Ring() *auth.Ring { return o.ring }

// App returns the app that all organizations share.
func (o *Organization) App() *App { return o.app }

// Declare makes the keys of a configuration known, so that they are listed with the others.
func (o *Organization) Declare(declared func() []auth.Declared) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.declared = append(o.declared, declared)
}

// errUnnamed is that there is nothing of the organization in the storage.
func errUnnamed() error {
	return admin.BadRequest("the organization has no name under which this could be kept: give it one with \"organization <name>\" in the Caddyfile")
}

// State returns whether the organization is served.
func (o *Organization) State() State {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, s := o.records.state()
	if at == "" && o.ring != nil { // not read yet
		known := o.ring.Stored()
		s.Disabled, s.Paused = known.Disabled, known.Paused
	}
	return s
}

// Set changes whether the organization is served, at every gateway, until it is changed again.
func (o *Organization) Set(ctx context.Context, change func(State) State) (State, error) {
	if o.ring == nil {
		return State{}, errUnnamed()
	}
	o.app.refresh(ctx)
	o.mu.Lock()
	at, old := o.records.state()
	o.mu.Unlock()
	s := change(old)
	now := time.Now().UTC()
	s.Since = old.Since
	if s == old {
		return s, nil
	}
	s.Since = now.Truncate(time.Second)
	// Later than what is there, whatever the clock of who wrote that.
	name := max(fmt.Sprintf("%020d", now.UnixNano()), after(at))
	if err := o.write(ctx, name+stateSuffix, s); err != nil {
		return State{}, err
	}
	o.app.log.Warn("an operator changed whether the organization is served", zap.String("organization", o.name), zap.String("state", s.String()))
	return s, nil
}

func after(name string) string {
	n, _ := strconv.ParseInt(name, 10, 64)
	return fmt.Sprintf("%020d", n+1)
}

// write writes a record, and returns when this gateway has it.
func (o *Organization) write(ctx context.Context, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := o.app.store(ctx, path.Join(keysRoot, folder(o.name), name), text); err != nil {
		return fmt.Errorf("it could not be written, and may or may not have come about: %w", err)
	}
	o.app.refresh(ctx)
	return nil
}

func (o *Organization) register(ctx caddy.Context) error {
	name := cmp.Or(o.name, Unnamed)
	if err := admin.Register(ctx, admin.Part{Name: "keys", Organization: name, Status: o.status, Actions: o.actions()}); err != nil {
		return err
	}
	return admin.Register(ctx, admin.Part{Name: "provisioning", Organization: name, Status: o.provisioning, Actions: o.switches()})
}
