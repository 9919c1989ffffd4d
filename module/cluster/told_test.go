package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// roles are how many organizations have which role, as the metric says.
func roles(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "caddy_scim_gateway_organizations" {
			for _, m := range f.GetMetric() {
				n[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return n
}

// The status and the metric of each gateway say who leads, since when, and why not this one.
func TestWhoLeadsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := new(memory)
		a, b := newGateway(t, st, "http://a"), newGateway(t, st, "http://b")
		for name, g := range map[string]*gateway{"a": a, "b": b} {
			if _, _, err := pool.LoadOrNew(name, func() (caddy.Destructor, error) { return g.Seat, nil }); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = pool.Delete(name) }()
		}
		told := func(g *gateway) status {
			t.Helper()
			v, err := g.status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := v.(status)
			if !s.Cluster || len(s.Problems) > 0 {
				t.Errorf("told %+v", s)
			}
			return s
		}
		if s := told(a); s.Leads || s.WhyNot != "nobody leads; whoever is asked first does" {
			t.Errorf("before anything: %+v", s)
		}
		begun := time.Now()
		a.leads(t, Asked{}).End()
		if s := told(a); !s.Leads || s.Leader != "" || s.WhyNot != "" || !s.Since.Equal(begun) {
			t.Errorf("the leader: %+v", s)
		}
		if s := told(b); s.Leads || s.Leader != "http://a" || s.WhyNot != "another gateway leads" || !s.Since.Equal(begun) {
			t.Errorf("the other: %+v", s)
		}
		if n := roles(t); n["leader"] != 1 || n["standby"] != 1 || n["alone"] != 0 {
			t.Errorf("the metric: %v", n)
		}
		time.Sleep(2 * idleAfter)
		if s := told(b); s.Leader != "http://a" || s.WhyNot != "another gateway led last, and is asked first" {
			t.Errorf("idle: %+v", s)
		}
		if n := roles(t); n["leader"] != 0 || n["standby"] != 2 {
			t.Errorf("the metric, idle: %v", n)
		}
		st.hold(time.Hour)
		v, err := b.status(t.Context())
		if s := v.(status); err != nil || len(s.Problems) != 1 || s.WhyNot != "nobody knows who leads: the storage cannot be read" {
			t.Errorf("without the storage: %+v, %v", s, err)
		}
		st.hold(0)
		time.Sleep(2 * time.Hour)
		a.stop(a.load)
		b.stop(b.load)
	})
}

// A load balancer can follow one leader only: with several organizations it is said at the start who cannot be reached.
func TestSeveralOrganizationsNeedAddresses(t *testing.T) {
	for _, test := range []struct {
		organizations []string
		advertise     string
		warnings      int
	}{{[]string{"one"}, "", 0}, {[]string{"one", "two"}, "", 2}, {[]string{"one", "two"}, "http://10.0.0.1", 0}} {
		core, logs := observer.New(zap.WarnLevel)
		l, end := newLoad(new(memory))
		l.logger, l.options = zap.New(core), map[string]*Options{}
		a := &App{load: l, seats: map[string]*Seat{}}
		for _, name := range test.organizations {
			l.options[name] = &Options{Advertise: test.advertise}
			a.seats[name] = newSeat(name)
			a.seats[name].open(l)
		}
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		if n := logs.FilterMessageSnippet("advertise").Len(); n != test.warnings {
			t.Errorf("%v, advertise %q: %d warnings", test.organizations, test.advertise, n)
		}
		if err := a.Stop(); err != nil {
			t.Fatal(err)
		}
		end()
	}
}

// Lock files that earlier versions left are removed, but for those that somebody still keeps and those of others.
func TestOldLocksAreRemoved(t *testing.T) {
	folder := t.TempDir()
	locks := filepath.Join(folder, "locks")
	if err := os.Mkdir(locks, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * staleLock)
	for name, at := range map[string]time.Time{
		"scim_gateway_ledger_1.lock": old, "scim_gateway_ledger_2.lock": time.Now(), "issue_cert_example.com.lock": old,
	} {
		path := filepath.Join(locks, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	removeLocks(t.Context(), &certmagic.FileStorage{Path: folder})
	left, err := os.ReadDir(locks)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if len(names) != 2 || names[0] != "issue_cert_example.com.lock" || names[1] != "scim_gateway_ledger_2.lock" {
		t.Errorf("left: %v", names)
	}
}
