package quirks_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	outcomes "github.com/caddy-scim/gateway/integration/compare/outcome"
	"github.com/caddy-scim/gateway/integration/compare/requests"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

func generator(seed uint64) requests.Generator {
	g := requests.Generator{Seed: seed, Profiles: quirks.Profiles()}
	for _, r := range quirks.Rules() {
		if !answers(r.ID) {
			g.Rules = append(g.Rules, r.ID)
		}
	}
	return g
}

// TestGenerated checks what holds for every request, on generated ones (see package requests): what comes out is JSON, is
// changed only where a rule was applied, and is changed by nothing when it comes again.
func TestGenerated(t *testing.T) {
	g := generator(2)
	g.Long = true
	for i := range 4000 {
		r := g.Request(i)
		if o := outcomes.Of(&r); o.Fault != "" {
			t.Errorf("request %d: %s\n%+v\nbecame %s", i, o.Fault, r, o.Text)
		}
	}
}

// TestGeneratedGolden holds what a sample of generated requests becomes. `make compare` holds hundreds of thousands of them
// against an earlier commit.
func TestGeneratedGolden(t *testing.T) {
	const file = "testdata/generated.txt"
	g := generator(1)
	g.Profiles = []string{quirks.Generic, quirks.Entra, quirks.Okta, quirks.OneLogin, quirks.Authentik}
	var got bytes.Buffer
	for i := range 400 {
		r := g.Request(i)
		o := outcomes.Of(&r)
		fmt.Fprintf(&got, "%d %s %s, on %q, off %q, group %t\n%q\n%q\n%s\n\n", i, r.Profile, r.Verb, r.Enable, r.Disable, r.Group, r.Text, o.Text, o.Counts)
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}

// TestGeneratedMeetsEveryRule checks that the requests are about every rule that requests have.
func TestGeneratedMeetsEveryRule(t *testing.T) {
	elsewhere := map[string]bool{ // because of a header, a resource, or since they only let something pass, or refuse it
		"missing-content-type": true, "missing-element": true, "strict-filter": true,
		"ascii-names": true, "empty-operations": true, "null-boolean": true, "null-members": true,
	}
	wanted := map[string]bool{}
	for _, r := range quirks.Rules() {
		if !elsewhere[r.ID] && !answers(r.ID) {
			wanted[r.ID] = true
		}
	}
	g := generator(3)
	for i := 0; i < 40_000 && len(wanted) > 0; i++ {
		r := g.Request(i)
		for id := range outcomes.Of(&r).Rules() {
			delete(wanted, id)
		}
	}
	if len(wanted) > 0 {
		t.Errorf("no request is about %v", wanted)
	}
}

// answers reports whether a rule is about what an upstream answers.
func answers(id string) bool { return len(id) > 7 && id[:7] == "answer-" }
