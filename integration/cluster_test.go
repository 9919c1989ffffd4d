package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// clusterTTL is short, so that a test need not wait long, and long enough for a machine that is busy with other tests.
const clusterTTL = 3 * time.Second

// clustered are gateways, each a process of its own, over one storage and in front of one organization.
type clustered struct {
	t        *testing.T
	org      *publicAPI
	gateways []*member
}

type member struct {
	*process
	addr   string
	client *entra.Client
	site   string
}

func newCluster(t *testing.T, n int, block string) *clustered {
	t.Helper()
	org := freeAddr(t)
	s := start(t, `
	respond "unused"`+anotherSite(org, organization))
	c := &clustered{t: t, org: newPublicAPI(t, &server{addr: org, http: s.http}, "")}
	storage := t.TempDir()
	for range n {
		m := &member{addr: freeAddr(t)}
		m.site = "http://" + m.addr + " {" + gateway(org, bitwarden+`
		organization example
		cluster {
			`+strings.ReplaceAll(block, "{ADDR}", m.addr)+`
			ttl `+clusterTTL.String()+`
		}`) + "\n}\n"
		m.process = runProcess(t, storage, m.site)
		m.client = &entra.Client{TenantURL: "http://" + m.addr + "/scim", Secret: testKey, HTTP: s.http}
		c.gateways = append(c.gateways, m)
	}
	return c
}

const advertised = "advertise http://{ADDR}"

// create makes an active member through a gateway.
func (c *clustered) create(m *member, name string) (id string) {
	c.t.Helper()
	mail := name + "@example.com"
	res, err := m.client.Create(entra.User{UserName: mail, Mail: mail, ExternalID: name})
	if err != nil || res.Status != http.StatusCreated {
		c.t.Fatalf("create %s: %+v %v", name, res, err)
	}
	return res.ID()
}

// within repeats what a provider would repeat, as it is told to, until it is done.
func (c *clustered) within(limit time.Duration, what string, do func() (*entra.Response, error)) *entra.Response {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), limit)
	defer cancel()
	for {
		res, err := do()
		switch {
		case err == nil && res.Status < 300:
			return res
		case err == nil && res.Status != http.StatusServiceUnavailable:
			c.t.Fatalf("%s: %+v", what, res)
		case err == nil && res.Header.Get("Retry-After") == "":
			c.t.Fatalf("%s: 503 without Retry-After: %+v", what, res)
		case ctx.Err() != nil:
			c.t.Fatalf("%s: not done after %s: %+v %v\n%s", what, limit, res, err, c.logs())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (c *clustered) logs() string {
	var all strings.Builder
	for i, m := range c.gateways {
		fmt.Fprintf(&all, "gateway %d:\n%s", i, m.log())
	}
	return all.String()
}

// state is how the organization itself shows somebody.
func (c *clustered) state(name string) string {
	c.t.Helper()
	return personWith(c.t, c.org, name+"@example.com").state
}

func (c *clustered) health(m *member) int {
	c.t.Helper()
	res, err := m.client.HTTP.Get("http://" + m.addr + "/scim/health")
	if err != nil {
		c.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestClusterForwards is a provider that comes to any of two gateways: one leads, the other one forwards to it, and
// whatever was done through one shows at once through the other.
func TestClusterForwards(t *testing.T) {
	c := newCluster(t, 2, advertised)
	a, b := c.gateways[0], c.gateways[1]
	if c.health(a) != 200 || c.health(b) != 200 {
		t.Error("while nobody leads, requests may come to everybody")
	}
	id := c.create(a, "jane")
	for range 3 {
		if res, err := b.client.Find("/Users", "userName", "jane@example.com"); err != nil || res.Total() != 1 {
			t.Fatalf("through the other gateway: %+v %v\n%s", res, err, c.logs())
		}
	}
	if c.health(a) != 200 || c.health(b) != 503 {
		t.Errorf("health: leader %d, standby %d", c.health(a), c.health(b))
	}
	res, err := b.client.SetActive(id, false)
	if err != nil || res.Status != 200 || c.state("jane") != "revoked" {
		t.Fatalf("a deactivation on standby: %+v %v; the organization says %s", res, err, c.state("jane"))
	}
	if !strings.Contains(string(res.Raw), b.addr) {
		t.Errorf("the location is of another host than was asked: %s", res.Raw)
	}
	if res, err := a.client.Find("/Users", "userName", "jane@example.com"); err != nil || res.First()["active"] != false {
		t.Errorf("the leader does not know what was done through the other: %+v %v", res, err)
	}
	if log := b.log(); strings.Contains(log, "provisions the organization now") {
		t.Errorf("two lead:\n%s", log)
	}
	// Many at once, through both.
	group, ids := crowd(t, a.client, 16)
	mixed(t, ids, func(i int) *entra.Client { return c.gateways[i%2].client }, group)
	for _, m := range c.gateways {
		exactly(t, m.client, group, ids[:8])
	}
	// What only peers may say is not believed from anybody else.
	req, err := http.NewRequest(http.MethodGet, "http://"+a.addr+"/scim/Users/"+id, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	for name, value := range map[string]string{
		"Scim-Gateway-Client": "192.0.2.1", "Scim-Gateway-Host": "evil.example", "Scim-Gateway-Proto": "https", "Scim-Gateway-Peer": "00",
	} {
		req.Header.Set(name, value)
	}
	got, err := a.client.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body := make([]byte, 4096)
	n, _ := got.Body.Read(body)
	if strings.Contains(string(body[:n]), "evil") {
		t.Errorf("a client was believed what only a peer may say: %s", body[:n])
	}
}

// TestClusterFailover kills the leader, without a word, and freezes the next one.
func TestClusterFailover(t *testing.T) {
	c := newCluster(t, 3, advertised)
	a, b, d := c.gateways[0], c.gateways[1], c.gateways[2]
	id := c.create(a, "jane")
	other := c.create(b, "john")
	a.signal(syscall.SIGKILL)
	start := time.Now()
	c.within(10*clusterTTL, "a deactivation after the leader was killed", func() (*entra.Response, error) { return b.client.SetActive(id, false) })
	t.Logf("%s after the leader was killed, with a time to live of %s", time.Since(start).Round(100*time.Millisecond), clusterTTL)
	if state := c.state("jane"); state != "revoked" {
		t.Fatalf("the provider was told that she is deactivated, the organization says %s", state)
	}
	b.signal(syscall.SIGSTOP)
	c.within(20*clusterTTL, "a deactivation after the leader was frozen", func() (*entra.Response, error) { return d.client.SetActive(other, false) })
	b.signal(syscall.SIGCONT)
	c.within(20*clusterTTL, "a reactivation through the one that was frozen", func() (*entra.Response, error) { return b.client.SetActive(id, true) })
	if jane, john := c.state("jane"), c.state("john"); jane == "revoked" || john != "revoked" {
		t.Fatalf("the organization says %s, %s", jane, john)
	}
	if log := b.log(); !strings.Contains(log, "provisions the organization no more") {
		t.Errorf("the one that was frozen went on:\n%s", log)
	}
}

// TestClusterStop stops the leader: it gives the lease back, and the other one need not wait.
func TestClusterStop(t *testing.T) {
	c := newCluster(t, 2, advertised)
	a, b := c.gateways[0], c.gateways[1]
	id := c.create(a, "jane")
	if res, err := b.client.Read("/Users", id); err != nil || res.Status != 200 {
		t.Fatalf("%+v %v", res, err)
	}
	a.do("stop")
	c.within(20*clusterTTL, "a deactivation after the leader was stopped", func() (*entra.Response, error) { return b.client.SetActive(id, false) })
	if state := c.state("jane"); state != "revoked" {
		t.Fatalf("the organization says %s", state)
	}
	if log := a.log(); strings.Contains(log, "could not be given back") || !strings.Contains(log, "provisions the organization no more") {
		t.Errorf("the lease was not given back:\n%s", log)
	}
}

// TestClusterReload reloads the leader again and again while a provider works: nothing is lost, and it goes on leading.
func TestClusterReload(t *testing.T) {
	c := newCluster(t, 2, advertised)
	a, b := c.gateways[0], c.gateways[1]
	id := c.create(a, "jane")
	var stop atomic.Bool
	var all sync.WaitGroup
	for _, m := range c.gateways {
		all.Go(func() {
			for active := false; !stop.Load(); active = !active {
				// A connection that is opened while the listener is handed over may be refused: that is not an answer.
				if res, err := m.client.SetActive(id, active); err == nil && res.Status != 200 {
					t.Errorf("%s", res.Raw)
				}
			}
		})
	}
	for i := range 5 {
		a.configure(strings.Replace(a.site, "organization example", fmt.Sprintf("organization example\n\t\tview_ttl %ds", 30+i), 1))
		a.do("load")
	}
	stop.Store(true)
	all.Wait()
	res, err := b.client.SetActive(id, false)
	if err != nil || res.Status != 200 || c.state("jane") != "revoked" {
		t.Fatalf("%+v %v: %s", res, err, c.state("jane"))
	}
	if log := a.log(); strings.Contains(log, "provisions the organization no more") {
		t.Errorf("a reload ended leading:\n%s", log)
	}
}

// TestClusterWithoutAdvertise refuses on standby, and says why and for how long.
func TestClusterWithoutAdvertise(t *testing.T) {
	c := newCluster(t, 2, "")
	a, b := c.gateways[0], c.gateways[1]
	id := c.create(a, "jane")
	res, err := b.client.SetActive(id, false)
	if err != nil || res.Status != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(string(res.Raw), "does not say where it can be reached") {
		t.Fatalf("on standby: %+v %v", res, err)
	}
	if res, err := b.client.Do(http.MethodGet, "/ServiceProviderConfig", nil); err != nil || res.Status != 200 {
		t.Errorf("discovery on standby: %+v %v", res, err)
	}
	if !slices.Contains([]string{"invited", "accepted", "confirmed"}, c.state("jane")) {
		t.Errorf("the organization says %s", c.state("jane"))
	}
}

// TestClusterWithoutStorage takes the storage away from the gateways: nobody can be asked who leads. Whoever leaves loses
// access all the same, and nothing else is done.
func TestClusterWithoutStorage(t *testing.T) {
	c := newCluster(t, 2, advertised)
	a, b := c.gateways[0], c.gateways[1]
	ids := map[string]string{}
	for _, name := range []string{"jane", "john", "jim"} {
		ids[name] = c.create(a, name)
	}
	if err := os.Rename(a.storage, a.storage+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.storage, nil, 0o600); err != nil { // a folder that is none cannot be read, nor written
		t.Fatal(err)
	}
	time.Sleep(clusterTTL) // the leader's last renewal is too old
	c.within(10*clusterTTL, "a deactivation at the one that led", func() (*entra.Response, error) { return a.client.SetActive(ids["jane"], false) })
	c.within(10*clusterTTL, "a deactivation at the other", func() (*entra.Response, error) { return b.client.SetActive(ids["john"], false) })
	c.within(10*clusterTTL, "a deletion at the other", func() (*entra.Response, error) { return b.client.Delete("/Users", ids["jim"]) })
	if jane, john, jim := c.state("jane"), c.state("john"), c.state("jim"); jane != "revoked" || john != "revoked" || jim != "" {
		t.Errorf("the organization says %q, %q, %q", jane, john, jim)
	}
	res, err := b.client.Create(entra.User{UserName: "new@example.com", Mail: "new@example.com", ExternalID: "new"})
	if err != nil || res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(string(res.Raw), "memory") {
		t.Errorf("a create while nobody can be asked who leads: %+v %v", res, err)
	}
	if err := os.Remove(a.storage); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(a.storage+".away", a.storage); err != nil {
		t.Fatal(err)
	}
	c.within(20*clusterTTL, "a search when the storage is back", func() (*entra.Response, error) {
		return b.client.Find("/Users", "userName", "john@example.com")
	})
	if res, err := b.client.Find("/Users", "userName", "john@example.com"); err != nil || res.Total() != 1 || res.First()["active"] != false {
		t.Errorf("afterwards: %+v %v", res, err)
	}
}
