package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/drift"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func init() { caddy.RegisterModule(new(Organization)) }

// CaddyModule tells Caddy what this is.
func (*Organization) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  upstream.Namespace + ".organization",
		New: func() caddy.Module { return new(Organization) },
	}
}

// Provision checks the configuration and compiles the mapping.
func (o *Organization) Provision(ctx caddy.Context) error {
	if err := o.defaults(); err != nil {
		return err
	}
	set, err := schema.Standard().With(append([]schema.Custom{resource.StateAttribute}, o.CustomAttributes...)...)
	if err != nil {
		return err
	}
	run := dryrun.From(ctx)
	o.dry = run != nil
	lookup := outside
	if o.dry && run.Offline { // nobody is asked, so that no secret is needed
		lookup = orUnset
	}
	compiled, err := mapping.Compile(*o.Mapping, set, lookup)
	if err != nil {
		return err
	}
	if err := o.possible(compiled); err != nil {
		return err
	}
	digest, err := fingerprint(o.Mapping)
	if err != nil {
		return err
	}
	key, err := fingerprint([]any{o.ID, digest, o.Pace, o.PaceWait, o.ViewTTL, run.ID()})
	if err != nil {
		return err
	}
	organization := o.ID
	if organization == "" {
		if organization, err = identity(o.Mapping); err != nil {
			return err
		}
	}
	if o.LocalLocks {
		ctx.Logger().Warn("local_locks has no effect any more: all locks are this process's own")
	}
	registry := ctx.GetMetricsRegistry()
	registerMetrics(registry)
	v, known, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return o.newSeen(compiled, registry, time.Now), nil })
	if err != nil {
		return err
	}
	o.pooled = key
	sn := v.(*seen) //nolint:forcetypeassert // the pool holds nothing else
	if o.ID == "" && !o.dry {
		o.claim = claim{registry, organization}
	}
	if o.ID == "" && !o.dry && (known && sn.load == registry || !o.claim.take(key)) {
		return errors.New("two organizations cannot be told apart: give each a name of its own (organization <name>, id in JSON), or both the same if they are one")
	}
	sn.load = registry
	if o.dry {
		o.seat = run.Seat(organization)
		o.engine = o.newEngine(compiled, sharedBy(o.seat, run), sn, ctx.Logger().Named("dry_run"))
		return nil
	}
	if o.seat, err = cluster.Open(ctx, organization, cluster.Config{Options: o.Cluster, Settings: o.settings(digest)}); err != nil {
		return err
	}
	o.engine = o.newEngine(compiled, sharedBy(o.seat, nil), sn, ctx.Logger())
	return admin.Register(ctx, admin.Part{Name: "ledger", Organization: organization, Status: o.engine.status})
}

// settings are those of what all directives of one organization have in common: the ledger, and what was seen.
func (o *Organization) settings(mapping string) map[string]string {
	return map[string]string{
		"mapping": mapping, "view_ttl": fmt.Sprint(o.ViewTTL), "pace": fmt.Sprint(o.Pace), "pace_wait": fmt.Sprint(o.PaceWait),
		"ledger": strconv.FormatBool(o.Ledger.Off), "store": fmt.Sprint(o.Ledger.Store), "soft_delete": strconv.FormatBool(o.Ledger.SoftDelete),
	}
}

// Clustered implements [upstream.Clustered]. A dry run is in no cluster.
func (o *Organization) Clustered() bool { return o.Cluster != nil && !o.dry }

// Seat implements [upstream.Seated].
func (o *Organization) Seat() *cluster.Seat { return o.seat }

// possible finds policies that the mapping cannot carry out.
func (o *Organization) possible(compiled *plan.Plan) error {
	u := compiled.User
	switch {
	case o.Inactive == InactiveRevoke && len(u.Disable) == 0:
		return errors.New("inactive create_then_revoke needs the mapping's disable calls")
	case o.Delete == DeleteRevoke && len(u.Disable) == 0:
		return errors.New("delete revoke needs the mapping's disable calls")
	case o.Delete == DeleteRemove && len(u.Delete) == 0:
		return errors.New("the mapping cannot delete users: choose delete revoke or delete refuse")
	case o.ReinviteAfter > 0 && len(u.Reinvite) == 0:
		return errors.New("reinvite_after needs the mapping's reinvite calls")
	}
	if o.Ledger.Off && (u.IDChanges || compiled.Group != nil && compiled.Group.IDChanges) {
		return errors.New("id_changes needs the ledger, which is off: it knows the new id")
	}
	for _, path := range o.Ledger.Store {
		if resource.KeepsDates(path) {
			continue
		}
		if uri, name, _ := u.Type.SplitURN(path); u.Type.Attribute(uri, name, "") == nil {
			return fmt.Errorf("store: a user has no attribute %q", path)
		}
		if resource.Never(path) {
			return fmt.Errorf("store: %s is never remembered: the organization alone knows it, or it must not be written down", path)
		}
	}
	return nil
}

// Check finds what is wrong with a configuration that is not to be run here: the Caddyfile adapter asks, on a machine that
// need not have the environment of the one that will run it.
func (o Organization) Check() error {
	if err := o.defaults(); err != nil {
		return err
	}
	set, err := schema.Standard().With(append([]schema.Custom{resource.StateAttribute}, o.CustomAttributes...)...)
	if err != nil {
		return err
	}
	plan, err := mapping.Check(*o.Mapping, set)
	if err != nil {
		return err
	}
	return o.possible(plan)
}

// outside returns what the environment or a file says for a placeholder of a mapping, {env.NAME} or {file.PATH}.
func outside(placeholder string) (string, bool) {
	if name, ok := strings.CutPrefix(placeholder, "env."); ok {
		return os.LookupEnv(name)
	}
	v, _ := caddy.NewReplacer().Get(placeholder)
	text, _ := v.(string)
	return text, text != ""
}

// orUnset is outside where it does not matter what it says.
func orUnset(placeholder string) (string, bool) {
	if v, ok := outside(placeholder); ok {
		return v, true
	}
	return "unset", true
}

// Cleanup gives back what is shared with other loads of the configuration.
func (o *Organization) Cleanup() error {
	claims.Delete(o.claim)
	if o.engine != nil {
		o.engine.shared.leave(o.engine)
	}
	if o.pooled == "" {
		return nil
	}
	_, err := pool.Delete(o.pooled)
	return err
}

// Name implements [upstream.Named].
func (o *Organization) Name() string { return o.ID }

// Drift implements [upstream.Drifting].
func (o *Organization) Drift(ctx context.Context, asked drift.Asked) (*drift.Report, error) {
	turn, err := o.seat.Begin(ctx, cluster.Asked{})
	if err != nil {
		return nil, admin.Conflict("another gateway of the cluster leads this organization and knows it: caddy scim status names it; run the command there (%v)", err)
	}
	defer turn.End()
	return o.engine.drift(turn.With(ctx), asked.Older)
}

// Prepare implements [upstream.Preparer]: it learns who guards the organization, by which rules the provider is answered, and
// who records what nobody asked for.
func (o *Organization) Prepare(g upstream.Gateway) error {
	o.engine.guard, o.engine.quirks, o.engine.settled = g.Guard, g.Quirks, g.Settled
	if o.engine.timeout = g.Timeout; g.Timeout <= 0 {
		o.engine.timeout = upstream.DefaultTimeout
	}
	return nil
}

// Carry implements [upstream.Upstream].
func (o *Organization) Carry(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	return o.engine.carry(ctx, c, op)
}

// Attributes are the attributes beyond RFC 7643 that the organization's resources have, for the gateway's schemas.
func (o *Organization) Attributes() []schema.Custom {
	custom := append([]schema.Custom(nil), o.CustomAttributes...)
	if o.engine.user.HasState() {
		custom = append(custom, resource.StateAttribute)
	}
	return custom
}

// Features implements [upstream.Upstream].
func (o *Organization) Features() scim.Features {
	e := o.engine
	of := func(rt *schema.ResourceType) *kind {
		if rt.Name == "Group" {
			return e.group
		}
		return e.user
	}
	return scim.Features{
		Patch: true, Filter: true, MaxResults: o.MaxResults,
		Keeps: func(rt *schema.ResourceType, uri, name, sub string) bool {
			k := of(rt)
			return k != nil && k.Keeps(uri, name, sub)
		},
		Shape: func(rt *schema.ResourceType, uri, name, sub string, a *schema.Attribute) {
			of(rt).Shape(uri, name, sub, a)
		},
	}
}

var (
	_ caddy.Provisioner  = (*Organization)(nil)
	_ caddy.CleanerUpper = (*Organization)(nil)
	_ upstream.Upstream  = (*Organization)(nil)
	_ upstream.Preparer  = (*Organization)(nil)
	_ upstream.Clustered = (*Organization)(nil)
	_ upstream.Named     = (*Organization)(nil)
	_ upstream.Drifting  = (*Organization)(nil)
)

// identity returns the name of an organization that the operator gave none: made of what says which organization a mapping is
// about, and of nothing else, so that neither a new secret nor a new way of saying the same begins a new ledger. An OAuth 2
// client is known by its id; where there is only a secret, the secret's text has to serve, placeholders as they are written.
func identity(m *mapping.Definition) (string, error) {
	known := caddy.NewReplacer()
	parts := []string{known.ReplaceKnown(m.Base, "")}
	for _, name := range slices.Sorted(maps.Keys(m.Auths)) {
		a := m.Auths[name]
		parts = append(parts, a.Kind, known.ReplaceKnown(a.URL, ""), known.ReplaceKnown(a.User, ""), a.Password, a.Value)
		for _, p := range a.Params {
			switch {
			case p.Name == "client_id":
				parts = append(parts, known.ReplaceKnown(p.Value, ""))
			case a.Kind != "oauth2":
				parts = append(parts, p.Name, p.Value)
			}
		}
	}
	for _, resource := range []*mapping.ResourceDef{m.User, m.Group} {
		if resource == nil {
			continue
		}
		for _, list := range resource.List {
			parts = append(parts, known.ReplaceKnown(list.URL, ""))
		}
	}
	return fingerprint(parts)
}

// claims are the names without an operator's word that are in use, each with the key of who uses it.
var claims sync.Map

// claim is such a name in one configuration, which has a registry of its own.
type claim struct {
	registry *prometheus.Registry
	name     string
}

// take makes the name the organization's with a key, and fails where another one of the same configuration has it.
func (c claim) take(key string) bool {
	owner, _ := claims.LoadOrStore(c, key)
	return owner == key
}
