package integration

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/soak"
)

// soakSeeds are the seeds of a soak: SEED alone, or as many as SEEDS says.
func soakSeeds(t *testing.T, few int) []uint64 {
	t.Helper()
	number := func(name string) (uint64, bool) {
		text := os.Getenv(name)
		n, err := strconv.ParseUint(text, 10, 64)
		if text != "" && err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n, text != ""
	}
	if seed, ok := number("SEED"); ok {
		return []uint64{seed}
	}
	n, ok := number("SEEDS")
	if !ok {
		n = uint64(few)
	}
	var seeds []uint64
	for i := range n {
		seeds = append(seeds, i+1)
	}
	return seeds
}

// soakAsked reports whether a soak was asked for; the other tests have a few seeds of it only.
func soakAsked() bool { return os.Getenv("SEED") != "" || os.Getenv("SEEDS") != "" }

// TestSoak provisions what changes at random while calls go wrong in every way, and then looks at what the organization
// itself shows. While things go wrong, who is told that somebody's access was taken away finds it taken away.
func TestSoak(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onGitea, onVaultwarden, onDesk} {
		t.Run(p.name, func(t *testing.T) {
			seeds := soakSeeds(t, 10)
			runs := make([]*soakRun, len(seeds))
			for i, seed := range seeds {
				runs[i] = newSoakRun(seed)
			}
			open := p.open(t, len(runs), func(i int, org http.Handler) http.Handler { return runs[i].between(org) })
			t.Run("seeds", func(t *testing.T) {
				for i, run := range runs {
					t.Run(fmt.Sprint(run.seed), func(t *testing.T) {
						w := open(t, i)
						t.Parallel()
						run.play(t, w)
					})
				}
			})
			var all []map[soak.Invariant][]string
			for _, run := range runs {
				all = append(all, run.wrong)
			}
			t.Logf("%d seeds: %s", len(runs), soak.Count(all...))
		})
	}
}

// soakRun is the life of one organization under one seed.
type soakRun struct {
	seed  uint64
	rng   *rand.Rand
	trace *soak.Trace
	proxy *soak.Proxy
	wrong map[soak.Invariant][]string
}

func newSoakRun(seed uint64) *soakRun {
	return &soakRun{seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), trace: &soak.Trace{}}
}

// between puts the proxy before the organization. A fifth of the calls goes wrong at most.
func (r *soakRun) between(org http.Handler) http.Handler {
	r.proxy = soak.NewProxy(org, rand.New(rand.NewPCG(r.seed, 1)), r.trace, 40+r.rng.IntN(160))
	switch r.seed % 3 {
	case 0:
		r.proxy.Late = 60
	case 1:
		r.proxy.Stale = 60
	}
	return r.proxy
}

const soakRounds = 12

func (r *soakRun) play(t *testing.T, w *world) { r.playOn(t, w, w.c) }

// calm waits until all gateways work again: one that was killed starts anew, one of a cluster waits for the lease.
func calm(t *testing.T, clients []*entra.Client) {
	deadline := time.Now().Add(2 * time.Minute)
	for _, c := range clients {
		for {
			res, err := c.Find("/Users", "userName", "nobody@example.com")
			if err == nil && res.Status == http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the gateways do not work again: %v %v", res, err)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
}

// loginPause is longer than a login that was refused is not tried again.
const loginPause = 16 * time.Second

// playOn plays with several gateways.
func (r *soakRun) playOn(t *testing.T, w *world, clients ...*entra.Client) {
	before := everything(t, w.org)
	others := r.others(t, w)
	d := soak.NewDirectory(r.rng)
	d.AddressesStay = w.platform != onGitea && w.platform != onDesk
	job := soak.NewJob(d, rand.New(rand.NewPCG(r.seed, 2)), r.trace, clients...)
	job.Impatient, job.Beside = 20, r.seed%4 == 0
	job.Acknowledged = func(mail string) {
		active := func() bool { return others.members(t, w.org)[mail] }
		if active() && !r.takenAgain(active) {
			job.Wrong(soak.LeaverActive, "%s has access although the provider was told otherwise", mail)
		}
	}
	r.proxy.Trouble(true)
	for range soakRounds {
		for range 1 + r.rng.IntN(4) {
			r.trace.Add("%s", d.Change())
		}
		job.Cycle()
	}
	r.proxy.Trouble(false)
	r.trace.Add("peace")
	calm(t, clients)
	job.Impatient, job.Beside = 0, false
	for cycle := 1; !job.Cycle(); cycle++ {
		if cycle == 3 {
			job.Wrong(soak.Unsettled, "%d cycles in peace are not enough", cycle)
			break
		}
		if job.Later {
			time.Sleep(loginPause / 2) // a provider's next cycle is longer away
		}
	}
	r.takenAgain(func() bool { return job.HasLeavers(others.members(t, w.org)) })
	job.Judge(others.of(t, w.org))
	if r.wrong = job.States(); len(r.wrong) > 0 {
		if r.excused() {
			t.Logf("seed %d, excused: %v", r.seed, r.wrong)
			return
		}
		t.Errorf("seed %d: %v", r.seed, r.wrong)
		if os.Getenv("SEED") != "" {
			t.Logf("what happened:\n%s", r.trace)
		}
	}
	// Whom nobody asked for is as before.
	now := everything(t, w.org)
	for what, was := range before {
		if now[what] != was {
			t.Errorf("seed %d: %s was %s and is %s", r.seed, what, was, now[what])
		}
	}
}

// takenAgain waits until a leaver to whom a call gave access that was carried out late has lost it, and reports whether that
// is so.
func (r *soakRun) takenAgain(active func() bool) bool {
	for end := time.Now().Add(2 * tenantTimeout); r.proxy.Landed() && time.Now().Before(end); time.Sleep(time.Second) {
		if !active() {
			return true
		}
	}
	return false
}

// excused reports whether all that is wrong came of calls that were carried out after the provider had gone on, or of members
// that were read as they had been before. A leaver who has access is never excused.
func (r *soakRun) excused() bool {
	late := r.proxy.Landed()
	for what := range r.wrong {
		switch what {
		case soak.LeaverActive, soak.Unsettled:
			return false
		case soak.MemberLost, soak.MemberTooMany, soak.Forgotten: // all that was read was as before
			if !late && r.proxy.Stale == 0 {
				return false
			}
		default:
			if !late {
				return false
			}
		}
	}
	return true
}

// strangers are the people and groups that an organization had before.
type strangers struct{ people, groups map[string]bool }

func (r *soakRun) others(t *testing.T, w *world) strangers {
	s := strangers{map[string]bool{}, map[string]bool{}}
	for _, p := range w.org.people(t) {
		s.people[p.mail] = true
	}
	for _, g := range w.org.groups(t) {
		s.groups[g.name] = true
	}
	return s
}

// members tells who has access, by address, of those whom an organization shows beside them.
func (s strangers) members(t *testing.T, org backend) map[string]bool {
	access := map[string]bool{}
	for _, p := range org.people(t) {
		if !s.people[p.mail] {
			access[strings.ToLower(p.mail)] = p.state != "revoked"
		}
	}
	return access
}

// of is what an organization shows beside them.
func (s strangers) of(t *testing.T, org backend) soak.Organization {
	shown := soak.Organization{Members: s.members(t, org), Groups: map[string][]string{}}
	mails := map[string]string{}
	for _, p := range org.people(t) {
		mails[p.id] = p.mail
	}
	for _, g := range org.groups(t) {
		if s.groups[g.name] {
			continue
		}
		in := []string{}
		for _, id := range g.members {
			in = append(in, mails[id])
		}
		shown.Groups[g.name] = in
	}
	return shown
}

// everything is each person and group of an organization, in words.
func everything(t *testing.T, org backend) map[string]string {
	all := map[string]string{}
	for _, p := range org.people(t) {
		all[p.mail] = fmt.Sprint(p)
	}
	for _, g := range org.groups(t) {
		all[g.name] = fmt.Sprint(g)
	}
	return all
}
