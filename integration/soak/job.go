package soak

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// Job is a provisioning job. What was not acknowledged is done again in the next cycle.
type Job struct {
	Directory *Directory
	Clients   []*entra.Client // the gateways; a request goes to one of them
	Trace     *Trace

	// Acknowledged is called when the provider was told success for somebody's deactivation or deletion.
	Acknowledged func(mail string)

	// Impatient are the requests in a thousand whose client is gone before it can be answered.
	Impatient int

	// Later reports whether something in the last cycle was to be tried again later.
	Later bool

	// Beside reports whether users and groups are provisioned at the same time.
	Beside bool

	mu    sync.Mutex
	rng   *rand.Rand
	wrong map[Invariant][]string
}

// NewJob returns the job of a directory.
func NewJob(d *Directory, rng *rand.Rand, trace *Trace, clients ...*entra.Client) *Job {
	return &Job{Directory: d, Clients: clients, Trace: trace, rng: rng, wrong: map[Invariant][]string{}}
}

// Cycle brings everything to the organization that it does not know to be there, and reports whether all of it was
// acknowledged.
func (j *Job) Cycle() (settled bool) {
	j.Later = false
	people, groups := slices.Clone(j.Directory.People), slices.Clone(j.Directory.Groups)
	j.rng.Shuffle(len(people), func(a, b int) { people[a], people[b] = people[b], people[a] })
	j.rng.Shuffle(len(groups), func(a, b int) { groups[a], groups[b] = groups[b], groups[a] })
	users := func() (ok bool) {
		ok = true
		for _, p := range people {
			ok = j.person(p) && ok
		}
		return ok
	}
	teams := func() (ok bool) {
		ok = true
		for _, g := range groups {
			ok = j.group(g) && ok
		}
		return ok
	}
	if !j.Beside {
		return users() && teams()
	}
	var wg sync.WaitGroup
	var first, second bool
	wg.Go(func() { first = users() })
	wg.Go(func() { second = teams() })
	wg.Wait()
	return first && second
}

// ask sends one request. The status is 0 where nobody knows what came of it.
func (j *Job) ask(what string, do func(*entra.Client) (*entra.Response, error)) *entra.Response {
	j.mu.Lock()
	c := *j.Clients[j.rng.IntN(len(j.Clients))]
	impatient := j.rng.IntN(1000) < j.Impatient
	if impatient {
		client := *c.HTTP
		client.Timeout = time.Duration(1+j.rng.IntN(20)) * time.Millisecond
		c.HTTP = &client
	}
	j.mu.Unlock()
	j.Trace.Add("→ %s", what)
	res, err := do(&c)
	if err != nil {
		j.Trace.Add("← %s: %v", what, err)
		if impatient {
			time.Sleep(wayDown) // what is under way ends before the next question
		}
		return &entra.Response{}
	}
	j.Trace.Add("← %s: %d %s", what, res.Status, res.String("detail"))
	if res.Status >= http.StatusInternalServerError {
		j.set(func() { j.Later = true })
	}
	return res
}

// wayDown is how long a request whose client is gone may still be under way.
const wayDown = 100 * time.Millisecond

func ok(res *entra.Response) bool { return res.Status >= 200 && res.Status < 300 }

// draw is a number below n, by the job's generator.
func (j *Job) draw(n int) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rng.IntN(n)
}

// set changes what is remembered.
func (j *Job) set(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
}

// find looks for a resource. known is false where the question was not answered.
func (j *Job) find(endpoint, attribute, value string, l *link) (known bool) {
	res := j.ask(fmt.Sprintf("find %s %s", endpoint, value), func(c *entra.Client) (*entra.Response, error) {
		return c.Find(endpoint, attribute, value)
	})
	if res.Status != http.StatusOK {
		return false
	}
	if first := res.First(); first != nil {
		j.set(func() { l.id, _ = first["id"].(string) })
	}
	return true
}

// remove deletes a resource for good, if the organization may have it.
func (j *Job) remove(endpoint, attribute, value string, l *link) bool {
	if l.id == "" && l.tried && !j.find(endpoint, attribute, value, l) {
		return false
	}
	done := l.id == ""
	if !done {
		res := j.ask(fmt.Sprintf("delete %s %s %s", endpoint, value, l.id), func(c *entra.Client) (*entra.Response, error) {
			return c.Delete(endpoint, l.id)
		})
		done = ok(res) || res.Status == http.StatusNotFound
	}
	j.set(func() { l.removed = done })
	return done
}

// person brings one person to the organization.
func (j *Job) person(p *Person) bool {
	if p.Gone {
		if p.removed {
			return true
		}
		if !j.remove("/Users", "userName", p.UserName, &p.link) {
			return false
		}
		p.lost = p.id == "" && p.tried
		j.Acknowledged(p.Mail)
		return true
	}
	want := said{p.UserName, p.Name, p.Active}
	if p.told != nil && *p.told == want {
		return true
	}
	if p.id == "" {
		if !j.find("/Users", "userName", p.UserName, &p.link) {
			return false
		}
		if p.id == "" {
			return j.create(p, want)
		}
	}
	return j.correct(p, want)
}

func (j *Job) create(p *Person, want said) bool {
	p.tried = true
	res := j.ask(fmt.Sprintf("create %s as %s, active %v", p.Mail, p.UserName, p.Active), func(c *entra.Client) (*entra.Response, error) {
		return c.Create(entra.User{
			UserName: p.UserName, Mail: p.Mail, ExternalID: p.ExternalID, DisplayName: p.Name, GivenName: "A", FamilyName: "B", Inactive: !p.Active,
		})
	})
	if !ok(res) || res.ID() == "" {
		return false
	}
	j.set(func() { p.id = res.ID() })
	j.acknowledge(p, want)
	return true
}

// words are what providers write for active.
var words = map[bool][]any{true: {"True", true, "true"}, false: {"False", false, "false", "FALSE"}}

// correct changes what the organization was not told yet, in one of the forms that providers have for it.
func (j *Job) correct(p *Person, want said) bool {
	values := map[string]any{}
	if p.told == nil || p.told.active != want.active {
		some := words[want.active]
		values["active"] = some[j.draw(len(some))]
	}
	if p.told == nil || p.told.name != want.name {
		values["displayName"] = want.name
	}
	if p.told == nil || p.told.userName != want.userName {
		values["userName"] = want.userName
	}
	form := j.draw(4)
	res := j.ask(fmt.Sprintf("patch %s %s %v, form %d", p.Mail, p.id, values, form), func(c *entra.Client) (*entra.Response, error) {
		switch form {
		case 0:
			return c.Do(http.MethodPut, "/Users/"+url.PathEscape(p.id), map[string]any{
				"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "externalId": p.ExternalID, "displayName": want.name,
				"userName": want.userName, "emails": []any{map[string]any{"type": "work", "primary": true, "value": p.Mail}}, "active": want.active,
			})
		case 1:
			c.Flag = true // one operation without a path
		}
		return c.Replace("/Users", p.id, values)
	})
	if res.Status == http.StatusNotFound {
		j.Wrong(Forgotten, "%s is linked to %s, which is not there any more", p.Mail, p.id)
		j.unlink(p)
		return false
	}
	if !ok(res) {
		p.told = nil // some of it may have been done
		return false
	}
	j.acknowledge(p, want)
	return true
}

func (j *Job) acknowledge(p *Person, want said) {
	p.told = &want
	p.joined = p.joined || want.active
	if !want.active {
		j.Acknowledged(p.Mail)
	}
}

// unlink forgets who somebody is in the organization.
func (j *Job) unlink(p *Person) {
	p.told = nil
	j.set(func() {
		p.id = ""
		for _, g := range j.Directory.Groups {
			if g.told[p] != out {
				g.told[p] = unsure
			}
		}
	})
}

// group brings one group to the organization, and then its members.
func (j *Job) group(g *Group) bool {
	if g.Gone {
		return g.removed || j.remove("/Groups", "displayName", g.Name, &g.link)
	}
	if g.id == "" {
		if !j.find("/Groups", "displayName", g.Name, &g.link) {
			return false
		}
		if g.id == "" {
			g.tried = true
			res := j.ask("create "+g.Name, func(c *entra.Client) (*entra.Response, error) { return c.CreateGroup(g.Name, g.ExternalID) })
			if !ok(res) || res.ID() == "" {
				return false
			}
			j.set(func() { g.id = res.ID() })
		}
		g.toldName = g.Name
	}
	if g.toldName != g.Name {
		res := j.ask(fmt.Sprintf("rename %s to %s %s", g.toldName, g.Name, g.id), func(c *entra.Client) (*entra.Response, error) {
			return c.Replace("/Groups", g.id, map[string]any{"displayName": g.Name})
		})
		if j.lost(g, res) || !ok(res) {
			return false
		}
		g.toldName = g.Name
	}
	added, removed := j.members(g, true), j.members(g, false)
	return added && removed
}

// lost forgets a group that is not there any more.
func (j *Job) lost(g *Group, res *entra.Response) bool {
	if res.Status != http.StatusNotFound {
		return false
	}
	j.Wrong(Forgotten, "%s is linked to %s, which is not there any more", g.Name, g.id)
	j.set(func() {
		g.id, g.toldName = "", ""
		for p, told := range g.told {
			if told == in {
				g.told[p] = unsure
			}
		}
	})
	return true
}

// members puts those into a group, or takes those out of it, of whom that was not acknowledged yet.
func (j *Job) members(g *Group, add bool) (settled bool) {
	var who []*Person
	var ids, mails []string
	settled = true
	j.set(func() {
		for _, p := range j.Directory.People {
			switch {
			case p.removed, g.Members[p] != add, add && g.told[p] == in, !add && g.told[p] == out:
			case p.id == "":
				settled = false // the group waits until the person is linked
			default:
				who, ids, mails = append(who, p), append(ids, p.id), append(mails, p.Mail)
			}
		}
	})
	if len(ids) == 0 || g.id == "" {
		return settled
	}
	word, change, now := "remove", (*entra.Client).RemoveMembers, out
	if add {
		word, change, now = "add", (*entra.Client).AddMembers, in
	}
	res := j.ask(fmt.Sprintf("%s %s %s %v", word, g.Name, g.id, mails), func(c *entra.Client) (*entra.Response, error) { return change(c, g.id, ids...) })
	if j.lost(g, res) {
		return false
	}
	if !ok(res) {
		now, settled = unsure, false
	}
	j.set(func() {
		for _, p := range who {
			g.told[p] = now
		}
	})
	return settled
}
