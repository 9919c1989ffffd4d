package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/soak"
)

// TestSoakKilled is the soak with kill -9 of the gateway, or of one of several, and of the organization; gateways of a
// cluster are frozen and reloaded too. make soak runs it.
func TestSoakKilled(t *testing.T) {
	if !soakAsked() {
		t.Skip("make soak kills processes")
	}
	for _, gateways := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(gateways), func(t *testing.T) {
			var all []map[soak.Invariant][]string
			seeds := soakSeeds(t, 1)
			for _, seed := range seeds {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					run := newSoakRun(seed)
					soakProcesses(t, run, gateways)
					all = append(all, run.wrong)
				})
			}
			t.Logf("%d gateways, %d seeds: %s", gateways, len(seeds), soak.Count(all...))
		})
	}
}

// restarted is an organization that forgets its tokens whenever it is killed.
type restarted struct{ s *server }

func (r restarted) people(t *testing.T) []person {
	t.Helper()
	return newPublicAPI(t, r.s, "").people(t)
}

func (r restarted) groups(t *testing.T) []group {
	t.Helper()
	return newPublicAPI(t, r.s, "").groups(t)
}

func soakProcesses(t *testing.T, run *soakRun, n int) {
	dir, orgAddr := t.TempDir(), freeAddr(t)
	org := runProcess(t, t.TempDir(), "http://"+orgAddr+" {"+strings.ReplaceAll(organization, "{DIR}", dir)+"\n}\n")
	proxy := httptest.NewServer(run.between(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: orgAddr})))
	t.Cleanup(proxy.Close)

	patience := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	var clients []*entra.Client
	var gateways []*process
	storage := t.TempDir()
	for range n {
		addr, block := freeAddr(t), bitwarden+"\norganization soak\nguard off\nupstream_timeout "+tenantTimeout.String()
		if n > 1 {
			block += "\ncluster {\nadvertise http://" + addr + "\nttl " + clusterTTL.String() + "\n}"
		}
		site := "http://" + addr + " {" + gateway(proxy.Listener.Addr().String(), block) + "\n}\n"
		gateways = append(gateways, runProcess(t, storage, site))
		clients = append(clients, &entra.Client{TenantURL: "http://" + addr + "/scim", Secret: testKey, HTTP: patience})
	}

	one := func() *process { return gateways[run.proxy.Draw(len(gateways))] }
	run.proxy.Kill = []soak.Kill{
		{Name: "the gateway is killed", Rate: 8, Do: func() { one().again() }},
		{Name: "the gateway is killed after its answer", Rate: 8, Late: true, Do: func() { one().again() }},
		{Name: "the organization is killed", Rate: 8, Do: org.again},
	}
	if n > 1 {
		run.proxy.Kill = append(run.proxy.Kill,
			soak.Kill{Name: "a gateway is reloaded", Rate: 4, Do: func() { one().reload() }},
			soak.Kill{Name: "a gateway is frozen", Rate: 3, Do: func() { one().freeze(2 * clusterTTL) }})
	}
	w := &world{platform: onEmbedded, org: restarted{&server{t: t, addr: orgAddr, http: patience}}, c: clients[0]}
	run.playOn(t, w, clients...)
}
