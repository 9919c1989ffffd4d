package integration

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// registered returns the labels of the gateway's metrics that the running configuration has, by name.
func registered(t *testing.T) map[string][]string {
	t.Helper()
	descs := make(chan *prometheus.Desc, 1000)
	ctx := caddy.ActiveContext()
	ctx.GetMetricsRegistry().Describe(descs)
	close(descs)
	shape := regexp.MustCompile(`fqName: "(caddy_scim_gateway_\w+)".*variableLabels: \{([^}]*)\}`)
	all := map[string][]string{}
	for d := range descs {
		if m := shape.FindStringSubmatch(d.String()); m != nil {
			all[m[1]] = slices.Sorted(slices.Values(strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })))
		}
	}
	if len(all) < 10 {
		t.Fatalf("the search is broken: %v", all)
	}
	return all
}

// measurable is a site with all that has metrics.
func measurable() string {
	return gateway("", "provisioning_log {DIR}/log.db\nrecord {DIR}/traffic.jsonl\n"+bitwarden) + organization + `
	scim_gateway /dry/* {
		key test {KEY}
		dry_run
	}`
}

// TestDocumentedMetrics: the table of docs/operations.md is the metrics that there are, with their labels.
func TestDocumentedMetrics(t *testing.T) {
	start(t, measurable())
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	word := regexp.MustCompile("`(\\w+)`")
	for _, row := range regexp.MustCompile("(?m)^\\| `(caddy_scim_gateway_\\w+)` \\|([^|]*)\\|[^|]+\\|$").FindAllStringSubmatch(string(text), -1) {
		labels := []string{}
		for _, m := range word.FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, m[1])
		}
		slices.Sort(labels)
		documented[row[1]] = labels
	}
	there := registered(t)
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if labels, ok := documented[name]; !ok || !slices.Equal(labels, there[name]) {
			t.Errorf("%s has the labels %v; in the table: %v, %v", name, there[name], labels, ok)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("there is no %s", name)
	}
}

// TestMetricsOfTheDashboard: the dashboard, and the alerts that the docs propose, ask for metrics that exist, by labels that
// they have. Every metric is in the dashboard.
func TestMetricsOfTheDashboard(t *testing.T) {
	start(t, measurable())
	there := registered(t)
	text, err := os.ReadFile("../examples/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, p := range dashboard.Panels {
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 {
			t.Errorf("%s does not fit", p.Title)
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	docs, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile("(?m)^\\|[^|]*\\| `([^`]*caddy_scim_gateway_[^`]*)` \\|").FindAllStringSubmatch(string(docs), -1)
	for _, row := range alerts {
		expressions = append(expressions, strings.ReplaceAll(row[1], `\|`, "|"))
	}
	if len(expressions) < 20 || len(alerts) < 5 {
		t.Fatalf("the search is broken: %d expressions, %d alerts", len(expressions), len(alerts))
	}
	used := map[string]bool{}
	metric := regexp.MustCompile(`(caddy_scim_gateway_\w+?)(_bucket|_sum|_count)?\b(?:\{([^}]*)\})?`)
	by := regexp.MustCompile(`by \(([^)]*)\)`)
	label := regexp.MustCompile(`(\w+)\s*(?:=~|!=|!~|=)`)
	for _, e := range expressions {
		known := []string{"instance", "le"} // of Prometheus itself
		for _, m := range metric.FindAllStringSubmatch(e, -1) {
			labels, ok := there[m[1]]
			if !ok {
				t.Errorf("there is no %s, which %s asks for", m[1], e)
			}
			used[m[1]], known = true, append(known, labels...)
			for _, l := range label.FindAllStringSubmatch(m[3], -1) {
				if l[1] != "instance" && !slices.Contains(labels, l[1]) {
					t.Errorf("%s has no label %s, by which %s asks", m[1], l[1], e)
				}
			}
		}
		for _, group := range by.FindAllStringSubmatch(e, -1) {
			for name := range strings.SplitSeq(group[1], ",") {
				if !slices.Contains(known, strings.TrimSpace(name)) {
					t.Errorf("%s groups by %s, which nothing has", e, name)
				}
			}
		}
	}
	for name := range there {
		if !used[name] {
			t.Errorf("%s is nowhere in the dashboard", name)
		}
	}
}

// TestMetricsTellWhatHappened: what the gauges and counters show is what has happened.
func TestMetricsTellWhatHappened(t *testing.T) {
	s := start(t, measurable())
	before := measured(t)
	c := s.entra("/scim")
	if res, err := c.Create(newcomer); err != nil || res.Status != 201 {
		t.Fatalf("%v: %+v", err, res)
	}
	if res, err := c.Find("/Users", "userName", newcomer.UserName); err != nil || res.Total() != 1 {
		t.Fatalf("%v: %+v", err, res)
	}
	now := measured(t)
	for name, check := range map[string]func(before, now float64) bool{
		`view_items{resource="User"}`:                                func(_, now float64) bool { return now == 2 }, // with the owner
		`view_age_seconds{resource="User"}`:                          func(_, now float64) bool { return now > 0 && now < 60 },
		`view_refreshes_total{resource="User",result="ok"}`:          func(before, now float64) bool { return now > before },
		`keys{status="valid"}`:                                       func(_, now float64) bool { return now == 1 },
		`keys{status="expired"}`:                                     func(_, now float64) bool { return now == 0 },
		`ledger_owed{}`:                                              func(_, now float64) bool { return now == 0 },
		`throttled_addresses{}`:                                      func(_, now float64) bool { return now == 0 },
		`organizations{role="alone"}`:                                func(_, now float64) bool { return now == 1 },
		`requests_total{resource="User",status="201",verb="create"}`: func(before, now float64) bool { return now == before+1 },
	} {
		if v, ok := now[name]; !ok || !check(before[name], v) {
			t.Errorf("%s is %v, and was %v", name, v, before[name])
		}
	}
	if _, ok := now["keys_next_expiry_timestamp_seconds{}"]; ok {
		t.Error("no key ends, and one does")
	}
	for range 40 {
		s.try(s.addr, "GET", "/scim/Users", "wrong")
	}
	if v := measured(t)["throttled_addresses{}"]; v != 1 {
		t.Errorf("%v addresses are throttled", v)
	}
}

// measured is what the gateway's metrics are, by name and labels.
func measured(t *testing.T) map[string]float64 {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), "caddy_scim_gateway_")
		if !ours {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			all[name+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}
