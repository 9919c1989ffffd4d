package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/locks"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/quirks"
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

// engine is an organization that is ready to carry operations out.
type engine struct {
	config *Organization
	plan   *plan.Plan
	user   *kind
	group  *kind // nil where the organization has no groups
	shared *shared
	seen   *seen

	guard   *guard.Open // nil where nothing is guarded
	quirks  *quirks.Normalizer
	settled func(resource string, told *trace.Trace)

	rehearsal *rehearsal // of a dry run

	onUsers bool // whether a membership is written on the user
	log     *zap.Logger
	now     func() time.Time
}

// shared is what belongs to an organization, whichever configurations speak of it: it outlives a reload.
type shared struct {
	seat   *cluster.Seat
	locks  locks.Locks
	ledger *ledger.Ledger

	rehearsal *rehearsal // nil where what is said is done

	mu       sync.Mutex
	settling settling
	engines  []*engine // of the configurations that were loaded and not cleaned up, the newest one last
}

// sharedBy returns what the organization of a seat has.
func sharedBy(seat *cluster.Seat, run *dryrun.Run) *shared {
	return seat.Shared("provision", func() any { //nolint:forcetypeassert // nobody else uses the key
		sh := &shared{seat: seat, ledger: ledger.New(seat.Name())}
		if run != nil {
			sh.rehearsal = &rehearsal{run: run}
		}
		seat.OnTakeover(sh.forget)
		seat.Busy(func() bool { return sh.ledger.Owed() > 0 })
		return sh
	}).(*shared)
}

// forget makes everything be read again, because somebody else may have provisioned the organization since.
func (sh *shared) forget() {
	sh.ledger.Forget()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.settling.looked = false
	for _, e := range sh.engines {
		e.user.view.Forget()
		if e.group != nil {
			e.group.view.Forget()
		}
	}
}

// turn waits until this gateway may work on the organization in the background.
func (sh *shared) turn(ctx context.Context) (done func(), err error) {
	t, err := sh.seat.Begin(ctx, cluster.Asked{})
	if err != nil {
		return nil, err
	}
	return t.End, nil
}

// enter makes the ledger work for a configuration.
func (sh *shared) enter(e *engine) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.engines = append(sh.engines, e)
	engines.Store(e, nil)
	sh.ledger.Use(e.memory())
}

// leave makes the ledger work for the configurations that are left.
func (sh *shared) leave(e *engine) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.stopSettling(e)
	engines.Delete(e)
	sh.engines = slices.DeleteFunc(sh.engines, func(other *engine) bool { return other == e })
	if n := len(sh.engines); n > 0 {
		sh.ledger.Use(sh.engines[n-1].memory())
	} else {
		sh.ledger.Close()
	}
}

// seen is what a mapping showed of an organization. With another mapping it begins anew.
type seen struct {
	credentials   credentials
	pace          *pacer
	users, groups *view.View           // groups is nil where the organization has none
	load          *prometheus.Registry // of the configuration that made it, to tell two organizations from a reload
}

// Destruct has nothing to give back.
func (*seen) Destruct() error { return nil }

var pool = caddy.NewUsagePool()

// Provision checks the configuration and compiles the mapping.
func (o *Organization) Provision(ctx caddy.Context) error {
	if err := o.defaults(); err != nil {
		return err
	}
	set, err := schema.Standard().With(append([]schema.Custom{StateAttribute}, o.CustomAttributes...)...)
	if err != nil {
		return err
	}
	compiled, err := mapping.Compile(*o.Mapping, set, outside)
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
	run := dryrun.From(ctx)
	o.dry = run != nil
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
		if keepsDates(path) {
			continue
		}
		if uri, name, _ := u.Type.SplitURN(path); u.Type.Attribute(uri, name, "") == nil {
			return fmt.Errorf("store: a user has no attribute %q", path)
		}
		if slices.ContainsFunc(never, func(name string) bool { return doc.FoldEqual(name, path) }) {
			return fmt.Errorf("store: %s is never remembered: the organization alone knows it, or it must not be written down", path)
		}
	}
	return nil
}

func (o *Organization) newSeen(compiled *plan.Plan, load *prometheus.Registry, now func() time.Time) *seen {
	sn := &seen{pace: newPacer(o.Pace, time.Duration(o.PaceWait)), load: load}
	sn.users = view.New(indexed(compiled.User), time.Duration(o.ViewTTL), now)
	if compiled.Group != nil {
		sn.groups = view.New(indexed(compiled.Group), time.Duration(o.ViewTTL), now)
	}
	return sn
}

func (o *Organization) newEngine(compiled *plan.Plan, sh *shared, sn *seen, log *zap.Logger) *engine {
	e := &engine{config: o, plan: compiled, shared: sh, seen: sn, log: log, now: time.Now, rehearsal: sh.rehearsal}
	e.user = newKind(compiled.User, sn.users)
	if compiled.Group != nil {
		e.group = newKind(compiled.Group, sn.groups)
		e.onUsers = slices.ContainsFunc(slices.Concat(compiled.Group.MemberAdd, compiled.Group.MemberRemove), (*plan.Call).Rewrites)
	}
	e.user.store = o.Ledger.Store
	if !o.Ledger.Off {
		e.user.book = sh.ledger.Users
		e.user.dates = slices.ContainsFunc(o.Ledger.Store, keepsDates)
		if e.group != nil {
			e.group.book, e.group.dates = sh.ledger.Groups, e.user.dates
		}
	}
	sh.enter(e)
	return e
}

// memory returns what the configuration says of the ledger.
func (e *engine) memory() ledger.Setting {
	return ledger.Setting{
		Storage: e.shared.seat.Storage(), Log: e.log,
		Turn: e.shared.turn, Away: cluster.Blind,
		UserKeys: e.user.indexed, GroupKeys: []string{"displayName", "externalId"}, WaitingKeys: e.user.waitingKeys,
	}
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

// Carry implements [upstream.Upstream].
func (o *Organization) Carry(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	return o.engine.carry(ctx, c, op)
}

func (e *engine) carry(ctx context.Context, c caller, op *scim.Operation) (*scim.Answer, error) {
	s := &session{engine: e, caller: c, op: op}
	k := e.user
	if op.Type.Name == "User" && (op.Verb == scim.Delete || op.Verb != scim.Create && quirks.Deactivates(op.Body)) {
		// Who is to lose access does so whether the client waits for the answer or not.
		s.leaves, ctx = true, context.WithoutCancel(ctx)
	}
	if cluster.Blind(ctx) {
		s.blind = errors.New("nobody could be asked which gateway leads")
	}
	if op.Type.Name == "Group" {
		k = e.group
	}
	if k == nil {
		return nil, scim.Errorf(404, "", "the organization has no groups")
	}
	defer func() {
		for _, over := range s.over { // whatever happened, nobody waits for ever
			over()
		}
	}()
	if err := s.settleOperation(ctx, k); err != nil {
		return nil, err
	}
	switch op.Verb {
	case scim.List:
		return s.query(ctx, k)
	case scim.Read:
		return s.readOne(ctx, k)
	}
	if k == e.group {
		switch op.Verb {
		case scim.Create:
			return s.createGroup(ctx)
		case scim.Delete:
			return s.deleteGroup(ctx)
		}
		return s.changeGroup(ctx)
	}
	switch op.Verb {
	case scim.Create:
		return s.createUser(ctx)
	case scim.Delete:
		return s.deleteUser(ctx)
	}
	return s.changeUser(ctx)
}

// readOne answers a GET of one resource. What is protected is hidden.
func (s *session) readOne(ctx context.Context, k *kind) (*scim.Answer, error) {
	sub, err := s.load(ctx, k, s.op.ID)
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Status == 403 {
		return nil, notFound(k)
	}
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, k, sub, 200)
}

// Attributes are the attributes beyond RFC 7643 that the organization's resources have, for the gateway's schemas.
func (o *Organization) Attributes() []schema.Custom {
	custom := append([]schema.Custom(nil), o.CustomAttributes...)
	if o.engine.user.HasState() {
		custom = append(custom, StateAttribute)
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
			return k != nil && k.keeps(uri, name, sub)
		},
		Shape: func(rt *schema.ResourceType, uri, name, sub string, a *schema.Attribute) {
			of(rt).shape(uri, name, sub, a)
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
)
