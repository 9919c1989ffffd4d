package provision

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/cluster"
	"github.com/caddy-scim/gateway/module/provision/api"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// settling is the work that is done beside requests: open intents are settled even where nobody asks.
type settling struct {
	underWay map[string]chan struct{} // by intents whose calls are being made: closed when they are over
	looked   bool                     // what an earlier process or another gateway has left is settled, or about to be
	timer    *time.Timer
	engine   *engine // of the most recent request
	caller   caller
}

// settlePause returns how long after a call without an answer the organization is asked what became of it, and how long it is
// until the next time.
func (e *engine) settlePause() time.Duration { return e.timeout / 3 }

// begin tells that the call of an intent is being made. What is returned tells that it is over.
func (sh *shared) begin(key string) (over func()) {
	ended := make(chan struct{})
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.settling.underWay == nil {
		sh.settling.underWay = make(map[string]chan struct{})
	}
	sh.settling.underWay[key] = ended
	return func() {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if sh.settling.underWay[key] == ended {
			delete(sh.settling.underWay, key)
			close(ended)
		}
	}
}

// underWay returns what is closed when the call of an intent is over; nil where it is not being made.
func (sh *shared) underWay(key string) <-chan struct{} {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.settling.underWay[key]
}

// settleLater has open intents settled in the background, by the calls of the most recent request.
func (sh *shared) settleLater(e *engine, c caller) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.settling.engine, sh.settling.caller = e, c
	if sh.settling.timer == nil {
		sh.settling.timer = time.AfterFunc(e.settlePause(), sh.settleNow)
	}
}

// settleFirst has settled what an earlier process or another gateway has left.
func (sh *shared) settleFirst(e *engine, c caller) {
	sh.mu.Lock()
	looked := sh.settling.looked
	sh.settling.looked = true
	sh.mu.Unlock()
	if !looked {
		sh.settleLater(e, c)
	}
}

// lastCaller returns what makes the calls of the most recent request; nil before there was one.
func (sh *shared) lastCaller() caller {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.settling.caller
}

// stopSettling ends it for a configuration that is cleaned up. The next request begins anew.
func (sh *shared) stopSettling(e *engine) {
	if sh.settling.engine != e {
		return
	}
	if sh.settling.timer != nil {
		sh.settling.timer.Stop()
	}
	sh.settling.engine, sh.settling.caller, sh.settling.timer, sh.settling.looked = nil, nil, nil, false
}

func (sh *shared) settleNow() {
	sh.mu.Lock()
	e, c := sh.settling.engine, sh.settling.caller
	sh.settling.timer = nil
	sh.mu.Unlock()
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.settleAfter())
	defer cancel()
	turn, err := sh.seat.Begin(ctx, cluster.Asked{})
	if err != nil {
		return // whoever leads does it
	}
	defer turn.End()
	if left := e.settleAll(turn.With(ctx), c); left {
		sh.settleLater(e, c)
	}
}

// settleAll settles all open intents, and reports whether some are left that may be settled later.
func (e *engine) settleAll(ctx context.Context, c caller) (left bool) {
	s := e.begin(c, &scim.Operation{Type: e.user.Type, Verb: scim.Read}, false)
	s.background = true
	defer s.intents.close()
	records, err := s.intents.all(ctx)
	if err != nil {
		e.log.Error("what is under way cannot be read", zap.Error(err))
		return true
	}
	looks := make(map[string]func() time.Time)
	for _, r := range records {
		st := s.of(r.Intent.Resource)
		if st == nil || r.Intent.Found != "" || s.shared.underWay(r.ID) != nil {
			continue
		}
		if looks[st.Name] == nil {
			looks[st.Name] = st.looking()
		}
		told := new(trace.Trace)
		err := st.settleLocked(trace.With(ctx, told), r, looks[st.Name])
		if e.settled != nil && len(told.Notes()) > 0 {
			e.settled(st.Type.Name, told)
		}
		if err != nil {
			e.log.Warn("what became of a call without an answer cannot be found out yet", zap.String("resource", st.Name), zap.Error(err))
		}
		if r, _ := s.intents.book().Recall(r.ID); r != nil && r.Intent != nil && r.Intent.Found == "" {
			left = true
		}
	}
	return s.users.joinLate(ctx) || left
}

// joinLate puts those into their groups who were created and have not joined, because the call that created them was not
// answered, or the one that was to put them in. It reports whether some are left.
func (u *users) joinLate(ctx context.Context) (left bool) {
	if u.groups == nil {
		return false
	}
	users, err := u.marks(ctx)
	if err != nil {
		return true
	}
	groups, err := u.groups.marks(ctx)
	if err != nil {
		return true
	}
	for _, id := range groups.Joiners() {
		if users.Waits(id) {
			continue
		}
		sub, err := u.load(ctx, id)
		if err == nil {
			err = u.joinAll(ctx, sub)
		}
		if err != nil && !api.Gone(err) {
			u.log.Warn("a user cannot be put yet into the groups that wait for them", zap.String("id", id), zap.Error(err))
			left = true
		}
	}
	return left
}

// status is what "caddy scim status" tells of the ledger.
type status struct {
	// Owed is how many records the storage does not take.
	Owed int `json:"owed,omitempty"`

	// Open are calls whose outcome is not known yet.
	Open []openIntent `json:"open,omitempty"`

	// Unclaimed is what such calls have made, and the provider has not asked for since.
	Unclaimed []openIntent `json:"unclaimed,omitempty"`

	Problems []string `json:"problems,omitempty"`
}

type openIntent struct {
	Resource string    `json:"resource"`
	ID       string    `json:"id,omitempty"`
	Began    time.Time `json:"began"`
}

// status returns what the gateway owes to the storage, and what it does not know of the organization.
func (e *engine) status(ctx context.Context) (any, error) {
	var st status
	if e.user.book == nil {
		return st, nil
	}
	m, err := e.shared.ledger.Intents.Marks(ctx)
	if err != nil {
		st.Problems = append(st.Problems, "the ledger cannot be read: deactivating and deleting a user go on, everything else is refused")
	}
	if st.Owed = e.shared.ledger.Refused(); st.Owed > 0 {
		st.Problems = append(st.Problems, "the storage does not take the ledger: what it lacks is in memory, do not stop Caddy")
	}
	for _, r := range m.All() {
		switch in := r.Intent; {
		case in == nil || e.shared.underWay(r.ID) != nil:
		case in.Found != "":
			st.Unclaimed = append(st.Unclaimed, openIntent{in.Resource, in.Found, in.Began})
		default:
			st.Open = append(st.Open, openIntent{in.Resource, in.ID, in.Began})
		}
	}
	if len(st.Unclaimed) > 0 {
		st.Problems = append(st.Problems, "the organization has what the provider does not ask for: a call created it, and its answer was lost; look at the list \"unclaimed\"")
	}
	return st, nil
}
