package quirks_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// FuzzBody looks for documents that do not stay what they should.
func FuzzBody(f *testing.F) {
	for i, r := range corpus(f) {
		if b := r.body1(f); len(b) > 0 && len(b) < 3000 {
			f.Add(b, byte(i))
		}
	}
	var normalizers []*quirks.Normalizer
	var ids []string
	for _, r := range quirks.Rules() {
		ids = append(ids, r.ID)
	}
	for _, c := range []quirks.Config{{Profile: quirks.Entra}, {Profile: quirks.OneLogin}, {Enable: ids}, {Disable: ids},
		{Enable: slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.HasPrefix(id, "null-") || id == "control-characters" })}} {
		normalizers = append(normalizers, newNormalizer(f, c))
	}
	f.Fuzz(func(t *testing.T, text []byte, how byte) {
		n := normalizers[int(how>>3)%len(normalizers)]
		typ := n.Schemas().User
		if how&1 != 0 {
			typ = n.Schemas().Group
		}
		checkBody(t, n, typ, []scim.Verb{scim.Patch, scim.Create, scim.Replace, scim.Patch}[how>>1&3], text)
	})
}

// FuzzQuery looks for queries that do not stay what they should.
func FuzzQuery(f *testing.F) {
	for _, r := range corpus(f) {
		if _, query := r.url(); query != "" && len(query) < 2000 {
			f.Add(query, false)
			f.Add(query, true)
		}
	}
	normalizers := []*quirks.Normalizer{newNormalizer(f, quirks.Config{Profile: quirks.Entra}),
		newNormalizer(f, quirks.Config{Enable: []string{"bare-extension", "members-comparison"}})}
	f.Fuzz(func(t *testing.T, query string, second bool) {
		n := normalizers[0]
		if second {
			n = normalizers[1]
		}
		q, err := n.Query(n.Schemas().User, scim.List, query, nil)
		if err != nil {
			if _, ok := errors.AsType[*scim.Error](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		acc := quirks.Account{Limit: 5}
		again, err := n.Query(n.Schemas().User, scim.List, q.Raw, &acc)
		if err != nil {
			t.Fatalf("%q became %q, which is refused: %v", query, q.Raw, err)
		}
		if again.Raw != q.Raw || acc.Applied() > 0 || again.StartIndex != q.StartIndex || again.Count != q.Count {
			t.Fatalf("%q became %q, and that became %q (%v)", query, q.Raw, again.Raw, acc.Records())
		}
	})
}
