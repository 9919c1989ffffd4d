package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/guard"
	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/provision/items"
	"github.com/caddy-scim/gateway/module/provision/link"
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// engine is an organization that is ready to carry operations out.
type engine struct {
	config *Organization
	plan   *plan.Plan
	user   *kind
	group  *kind // nil where the organization has no groups
	shared *shared
	seen   *seen
	links  *link.Rules

	guard   *guard.Open // nil where nothing is guarded
	quirks  *quirks.Normalizer
	settled func(resource string, told *trace.Trace)

	run      *dryrun.Run     // nil where what is said is done
	imagined *items.Imagined // what the run has planned

	onUsers bool          // whether a membership is written on the user
	timeout time.Duration // how long one call may take, or counts as not answered
	log     *zap.Logger
	now     func() time.Time
}

func (o *Organization) newEngine(compiled *plan.Plan, sh *shared, sn *seen, log *zap.Logger) *engine {
	e := &engine{config: o, plan: compiled, shared: sh, seen: sn, links: o.links(compiled.User), log: log, now: time.Now, run: sh.run, imagined: sh.imagined}
	e.user = &kind{Kind: resource.New(compiled.User, sn.users, o.Ledger.memory(o.Ledger.Store))}
	if compiled.Group != nil {
		e.group = &kind{Kind: resource.New(compiled.Group, sn.groups, o.Ledger.memory(nil))}
		e.onUsers = slices.ContainsFunc(slices.Concat(compiled.Group.MemberAdd, compiled.Group.MemberRemove), (*plan.Call).Rewrites)
	}
	if !o.Ledger.Off {
		e.user.book = sh.ledger.Users
		if e.group != nil {
			e.group.book = sh.ledger.Groups
		}
	}
	sh.enter(e)
	return e
}

// memory returns what the configuration says of the ledger.
func (e *engine) memory() ledger.Setting {
	return ledger.Setting{
		Storage: e.shared.seat.Storage(), Log: e.log,
		Turn: e.shared.turn, Away: cluster.Blind, Alive: cluster.Alive, Hold: cluster.Hold,
		UserKeys: e.user.Indexed, GroupKeys: []string{"displayName", "externalId"}, WaitingKeys: e.user.WaitingKeys,
	}
}

func (e *engine) carry(ctx context.Context, c caller, op *scim.Operation) (*scim.Answer, error) {
	leaves := op.Type.Name == "User" && (op.Verb == scim.Delete || op.Verb != scim.Create && op.Deactivates)
	if leaves {
		// Who is to lose access does so whether the client waits for the answer or not.
		ctx = context.WithoutCancel(ctx)
	}
	s := e.begin(c, op, leaves)
	if cluster.Blind(ctx) {
		s.blind = errors.New("nobody could be asked which gateway leads")
	}
	rs := s.of(op.Type.Name)
	if rs == nil {
		return nil, scim.Errorf(404, "", "the organization has no groups")
	}
	defer s.intents.close()
	if s.dry() {
		e.shared.reread(e.now())
	}
	if err := rs.settleOperation(ctx); err != nil {
		return nil, err
	}
	var does interface {
		create(ctx context.Context) (*scim.Answer, error)
		change(ctx context.Context) (*scim.Answer, error)
		delete(ctx context.Context) (*scim.Answer, error)
	} = s.users
	if !rs.IsUser() {
		does = s.groups
	}
	switch op.Verb {
	case scim.List:
		return rs.query(ctx)
	case scim.Read:
		return rs.readOne(ctx)
	case scim.Create:
		return does.create(ctx)
	}
	carry := does.change
	if op.Verb == scim.Delete {
		carry = does.delete
	}
	a, err := carry(ctx)
	if leaves && api.Gone(err) { // the provider takes it for done
		s.users.said(ctx, &subject{id: op.ID, res: doc.NewObject()}, ledger.Deleted)
	}
	return a, err
}

// readOne answers a GET of one resource. What is protected is hidden.
func (rs *resources) readOne(ctx context.Context) (*scim.Answer, error) {
	sub, err := rs.load(ctx, rs.op.ID)
	if e, ok := errors.AsType[*scim.Error](err); ok && e.Status == 403 {
		return nil, rs.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return rs.answer(ctx, sub, 200)
}
