package quirks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func TestCorpus(t *testing.T) {
	rows := corpus(t)
	if len(rows) != 249+23 {
		t.Errorf("%d rows", len(rows))
	}
	decided := 0
	for _, r := range rows {
		if elsewhere[r.ID] != "" {
			continue
		}
		decided++
		for _, profile := range []string{quirks.Entra, quirks.Generic} {
			t.Run(r.ID+"/"+profile, func(t *testing.T) {
				t.Logf("%s\n%s %s %s", r.Title, r.Method, r.Path, short(r.Body))
				checkRow(t, &r, profile)
			})
		}
	}
	if decided+len(elsewhere) != len(rows) {
		t.Errorf("%d rows are decided here and %d elsewhere", decided, len(elsewhere))
	}
}

func checkRow(t *testing.T, r *row, profile string) {
	byDefault := normalize(t, r.normalizer(t, profile, nil, nil), r)
	switch r.Action {
	case "pass":
		r.isCanonical(t, byDefault)
		if byDefault.out != nil && &byDefault.out[0] != &byDefault.in[0] {
			t.Errorf("the document is not the very same: %s", short(byDefault.out))
		}
		if byDefault.acc.Applied() > 0 {
			t.Errorf("rules were applied: %v", byDefault.acc.Records())
		}
	case "rewrite":
		r.isCanonical(t, byDefault)
		r.idempotent(t, profile, nil, nil, byDefault)
	case "reject":
		isRefused(t, byDefault, append(r.ExpectAlt, *r.Expect))
	case "policy":
		rules, ok := options[r.ID]
		if !ok {
			t.Fatalf("%s has no option", r.ID)
		}
		on := normalize(t, r.normalizer(t, profile, rules, nil), r)
		off := normalize(t, r.normalizer(t, profile, nil, rules), r)
		switch {
		case r.ID == "H09": // the option refuses
			isRefused(t, on, []expect{*r.Expect})
			r.isCanonical(t, off)
			on = off
		case r.DefaultExpect != nil && r.ID == "H15":
			isRefused(t, on, []expect{*r.DefaultExpect})
			if off.err != nil {
				t.Errorf("without the rule: %v", off.err)
			}
			off = on
		case r.Canonical == nil && r.ID != "E104":
			isRefused(t, off, []expect{*r.DefaultExpect})
			if on.err != nil {
				t.Errorf("with the option: %v", on.err)
			}
		default:
			r.isCanonical(t, on)
			r.idempotent(t, profile, rules, nil, on)
		}
		switch r.Default {
		case "on":
			same(t, "the default is on", byDefault, on)
		case "off":
			same(t, "the default is off", byDefault, off)
		case "reject":
			isRefused(t, byDefault, []expect{*r.DefaultExpect})
			same(t, "the default is to refuse", byDefault, off)
		default:
			t.Errorf("default %q", r.Default)
		}
	default:
		t.Errorf("action %q", r.Action)
	}
}

func same(t *testing.T, why string, a, b outcome) {
	t.Helper()
	if diff := cmp.Diff(a.path+" "+string(a.out)+fmt.Sprint(a.err), b.path+" "+string(b.out)+fmt.Sprint(b.err)); diff != "" {
		t.Errorf("%s: %s", why, diff)
	}
}

func isRefused(t *testing.T, o outcome, expected []expect) {
	t.Helper()
	if o.err == nil {
		t.Fatalf("not refused: %s %s", o.path, short(o.out))
	}
	if !slices.ContainsFunc(expected, func(e expect) bool { return e.Status == o.err.Status && e.ScimType == o.err.Type }) {
		t.Errorf("refused with %v, not with %v", o.err, expected)
	}
}

// isCanonical checks the request against the row's canonical form.
func (r *row) isCanonical(t *testing.T, o outcome) {
	t.Helper()
	if o.err != nil {
		t.Fatalf("refused: %v", o.err)
	}
	if r.Canonical == nil {
		return
	}
	if got, want := decodedURL(t, o.path), decodedURL(t, r.Canonical.Path); got != want {
		t.Errorf("path %s, want %s", got, want)
	}
	if o.out == nil {
		return
	}
	var envelope struct {
		Schemas    []string
		Operations json.RawMessage
	}
	wanted := []json.RawMessage{r.Canonical.Ops, r.Canonical.OpsAlt, json.RawMessage(r.Canonical.OpsRaw)}
	got := json.RawMessage(o.out)
	switch {
	case r.Method != http.MethodPatch:
		wanted = []json.RawMessage{r.Canonical.Body}
	default:
		if err := json.Unmarshal(o.out, &envelope); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(envelope.Schemas, []string{scim.PatchSchema}) {
			t.Errorf("schemas %q", envelope.Schemas)
		}
		got = envelope.Operations
	}
	if r.BodyGen != nil {
		return // only that it passes
	}
	for _, want := range wanted {
		if len(want) > 0 && string(want) != "null" && equalJSON(t, got, want) {
			return
		}
	}
	t.Errorf("got\n%s, want\n%s", got, wanted)
}

func (r *row) idempotent(t *testing.T, profile string, enable, disable []string, o outcome) {
	t.Helper()
	again := *r
	again.Path, again.PathGen = o.path, nil
	again.BodyRaw, again.BodyB64, again.BodyGen = nil, "", nil
	again.Body = o.out
	second := normalize(t, r.normalizer(t, profile, enable, disable), &again)
	if second.err != nil {
		t.Fatalf("again: %v", second.err)
	}
	if second.path != o.path || !bytes.Equal(second.out, o.out) {
		t.Errorf("again it became\n%s %s, from\n%s %s", second.path, second.out, o.path, o.out)
	}
	if second.acc.Applied() > 0 {
		t.Errorf("again rules were applied: %v", second.acc.Records())
	}
}

func decodedURL(t *testing.T, u string) string {
	t.Helper()
	path, query, _ := strings.Cut(u, "?")
	q, err := url.QueryUnescape(query)
	if err != nil {
		t.Fatal(err)
	}
	return path + "?" + q
}

func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	return doc.Tree(scanned(t, a)).Equal(doc.Tree(scanned(t, b)))
}

func scanned(t testing.TB, b []byte) doc.Value {
	t.Helper()
	d, err := doc.Scan(b)
	if err != nil {
		t.Fatal(err)
	}
	return d.Value()
}

func short(b []byte) string {
	if len(b) > 1500 {
		return string(b[:1500]) + "…"
	}
	return string(b)
}
