package quirks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// normalized is what becomes of the operations of a PATCH: the operations, or the error.
func normalized(t *testing.T, n *quirks.Normalizer, group bool, operations string, acc *quirks.Account) string {
	t.Helper()
	const head = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`
	rt := n.Schemas().User
	if group {
		rt = n.Schemas().Group
	}
	d, err := doc.Scan([]byte(head + operations + "}"))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = n.Body(rt, scim.Patch, "own", d, acc); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(d.Raw()), head), "}")
}

// as reports whether the operations are those that are wanted, or the error begins as it is wanted to.
func as(got, want string) bool {
	return got == want || strings.HasPrefix(want, "4") && strings.HasPrefix(got, want)
}

// What a path-less operation may say about a resource without changing it is not made an operation of its own, which would
// be refused and take everything else with it, a deactivation for example (Q37, Q53).
func TestTakenApartWithoutReadOnly(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	for in, want := range map[string]string{
		`[{"op":"Replace","value":{"id":"own","name.givenName":"x","active":"False"}}]`:                                                                                  `[{"op":"replace","path":"name.givenName","value":"x"},{"op":"replace","path":"active","value":false}]`,
		`[{"op":"Replace","value":{"meta":{"resourceType":"User"},"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"groups":[],"title":null,"active":"False"}}]`: `[{"op":"remove","path":"title"},{"op":"replace","path":"active","value":false}]`,
		`[{"op":"Replace","value":{"meta.location":"x","id":"own"}},{"op":"Replace","path":"active","value":false}]`:                                                     `[{"op":"replace","path":"active","value":false}]`,
		// Another id is refused by whoever carries it out.
		`[{"op":"Replace","value":{"id":"other","name.givenName":"x"}}]`: `400 mutability`,
		// What does not have to be taken apart stays what it is.
		`[{"op":"replace","value":{"id":"own","active":false}}]`: `[{"op":"replace","value":{"id":"own","active":false}}]`,
	} {
		if got := normalized(t, n, false, in, nil); !as(got, want) {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// An id that is left out takes nothing with it: what else the operation says, a deactivation for example, is done (O5, O12).
func TestStrippedIDTakesNothingWithIt(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Authentik})
	for in, want := range map[string]string{
		`[{"op":"replace","value":{"id":"own","urn:ietf:params:scim:schemas:core:2.0:User:active":false}}]`: `[{"op":"replace","path":"active","value":false}]`,
		`[{"op":"replace","value":{"id":"own","meta":{},"name.givenName":"x"}}]`:                            `[{"op":"replace","path":"name.givenName","value":"x"}]`,
		`[{"op":"replace","value":{"id":"own","meta.version":"x"}}]`:                                        `[]`,
	} {
		if got := normalized(t, n, false, in, nil); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// A remove that names members in its path and in its value removes nobody whom it does not name twice (Q56).
func TestRemoveNamesTheSame(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	const one = `[{"op":"remove","path":"members[value eq \"u1\"]"}]`
	for in, want := range map[string]string{
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":[{"value":"u1"}]}]`:                one,
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":{"value":"u1"}}]`:                  one,
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":"u1"}]`:                            one,
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":null}]`:                            one,
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":[{"value":"u2"}]}]`:                "400 invalidValue",
		`[{"op":"Remove","path":"members[value eq \"u1\"]","value":[{"value":"u1"},{"value":"u2"}]}]`: "400 invalidValue",
		`[{"op":"Remove","path":"members[type eq \"User\"]","value":[{"value":"u1"}]}]`:               "400 invalidValue",
		`[{"op":"Remove","path":"members[type eq \"User\"]"}]`:                                        `[{"op":"remove","path":"members[type eq \"User\"]"}]`,
	} {
		if got := normalized(t, n, true, in, nil); !as(got, want) {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// The account tells of a value, and of nothing that stands beside it.
func TestAccountTellsNoNeighbours(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	for _, in := range []string{
		`[{"op":"Remove","path":"emails","value":"x"},{"op":"Replace","path":"password","value":"S3cret"}]`,
		`[{"op":"Add","path":"title","value":null,"password":"S3cret"},{"op":"Replace","path":"active","value":false}]`,
		`[{"op":"Add","value":{"title":null},"password":"S3cret"},{"op":"Replace","path":"active","value":false}]`,
	} {
		acc := quirks.Account{Limit: 100}
		normalized(t, n, false, in, &acc)
		if len(acc.Records()) == 0 {
			t.Errorf("%s: no record", in)
		}
		for _, r := range acc.Records() {
			if strings.Contains(r.Before+r.After, "S3cret") || strings.Contains(r.Before, `"}]`) {
				t.Errorf("%s: %+v", in, r)
			}
		}
	}
}

// A missing value is a null that somebody left out, with all that is said about null (F29, T4).
func TestMissingValueIsNull(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: []string{"missing-value"}})
	for path, want := range map[string]string{
		"title":   `[{"op":"remove","path":"title"}]`,
		"manager": `[{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}]`,
		"active":  "400 invalidValue",
	} {
		if got := normalized(t, n, false, `[{"op":"Replace","path":"`+path+`"}]`, nil); !as(got, want) {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
	if got := normalized(t, n, true, `[{"op":"Replace","path":"members"}]`, nil); !strings.HasPrefix(got, "400 invalidValue") {
		t.Errorf("members: got %s", got)
	}
}

// The elements that a remove names are named by values of their types (T16).
func TestElementsAreTyped(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	const in = `[{"op":"Remove","path":"addresses","value":[{"type":"work","primary":"True"}]}]`
	const want = `[{"op":"remove","path":"addresses[type eq \"work\" and primary eq true]"}]`
	if got := normalized(t, n, false, in, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is said of an extension's attributes means the same under a path, under a key, and with keys that are paths.
func TestExtensionHoweverAddressed(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	const core = "urn:ietf:params:scim:schemas:core:2.0:User"
	for in, want := range map[string]string{
		`[{"op":"Replace","path":"` + urn + `","value":{"manager":"","department":null,"division":"D"}}]`:                  `[{"op":"remove","path":"` + urn + `:manager"},{"op":"remove","path":"` + urn + `:department"},{"op":"replace","path":"` + urn + `:division","value":"D"}]`,
		`[{"op":"Replace","value":{"` + urn + `":{"manager.value":"q"}}}]`:                                                 `[{"op":"replace","path":"` + urn + `:manager.value","value":"q"}]`,
		`[{"op":"Replace","path":"` + urn + `","value":{"manager.value":"q","department":"D"}}]`:                           `[{"op":"replace","path":"` + urn + `:manager.value","value":"q"},{"op":"replace","path":"` + urn + `:department","value":"D"}]`,
		`[{"op":"Replace","path":"` + core + `","value":{"name.givenName":"x","active":"False"}}]`:                         `[{"op":"replace","path":"name.givenName","value":"x"},{"op":"replace","path":"active","value":false}]`,
		`[{"op":"Add","path":"` + core + `","value":{"` + urn + `:manager":"m","name.givenName":"x"}}]`:                    `[{"op":"add","path":"` + urn + `:manager","value":{"value":"m"}},{"op":"add","path":"name.givenName","value":"x"}]`,
		`[{"op":"Add","path":"` + urn + `","value":{"` + urn + `:manager":null}},{"op":"add","path":"title","value":"t"}]`: `[{"op":"add","path":"title","value":"t"}]`,
		`[{"op":"Add","value":{"` + urn + `":{"manager.value":null}}},{"op":"add","path":"title","value":"t"}]`:            `[{"op":"add","path":"title","value":"t"}]`,
		`[{"op":"replace","value":{"http://example.com/schema":{"a":"True"},"title":"t"}}]`:                                `[{"op":"replace","value":{"http://example.com/schema":{"a":"True"},"title":"t"}}]`,
		`[{"op":"replace","path":"` + urn + `","value":{"department":"D"}}]`:                                               `[{"op":"replace","path":"` + urn + `","value":{"department":"D"}}]`,
		`[{"op":"Replace","path":"` + urn + `","value":{"manager":"m"}}]`:                                                  `[{"op":"replace","path":"` + urn + `","value":{"manager":{"value":"m"}}}]`,
	} {
		got := normalized(t, n, false, in, nil)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if again := normalized(t, n, false, got, nil); again != got {
			t.Errorf("%s\nagain %s", got, again)
		}
	}
}

// What is removed by its value is named as it was when it was added: a rule for values holds on both ways, or a role that
// somebody lost would stay.
func TestRemovedAsAdded(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: []string{"roles-json"}})
	for _, c := range []struct{ path, element, want string }{
		{"roles", `{"value":"{\"id\":\"1\",\"value\":\"admin\",\"displayName\":\"Admin\"}"}`, `[{"op":"remove","path":"roles[value eq \"admin\"]"}]`},
		{"roles", `"{\"value\":\"admin\"}"`, `[{"op":"remove","path":"roles[value eq \"admin\"]"}]`},
		{"roles", `{"value":"admin","primary":"Vrai"}`, `[{"op":"remove","path":"roles[value eq \"admin\"]"}]`},
		{"emails", `{"value":[{"$ref":null,"value":"a@b.c"}],"type":"work"}`, `[{"op":"remove","path":"emails[value eq \"a@b.c\" and type eq \"work\"]"}]`},
		{"addresses", `{"type":"work","primary":"True"}`, `[{"op":"remove","path":"addresses[type eq \"work\" and primary eq true]"}]`},
		// Without what cannot be understood, more would be removed than was named.
		{"addresses", `{"type":"work","primary":"maybe"}`, `400 invalidValue`},
	} {
		add := normalized(t, n, false, `[{"op":"Add","path":"`+c.path+`","value":[`+c.element+`]}]`, nil)
		got := normalized(t, n, false, `[{"op":"Remove","path":"`+c.path+`","value":[`+c.element+`]}]`, nil)
		if !as(got, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.path, c.element, got, c.want)
		}
		if strings.HasPrefix(c.want, "4") {
			continue
		}
		rt, res := n.Schemas().User, doc.NewObject()
		for _, operations := range []string{add, got} {
			d, err := doc.Scan([]byte(patchHead + operations[1:] + `}`))
			if err != nil {
				t.Fatal(err)
			}
			ops, err := patch.Parse(d, rt)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := patch.Apply(res, ops, rt); err != nil {
				t.Fatal(err)
			}
		}
		if left := res.Get(c.path); left.Len() > 0 || len(left.Items()) > 0 {
			t.Errorf("after %s and %s there is %s", add, got, left.AppendTo(nil))
		}
	}
}

// What an operation has besides keeps nobody from doing what it says, however much it is and wherever it stands (Q49).
func TestExtrasTakeNothingWithThem(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	extras := ""
	for i := range 9 {
		extras += fmt.Sprintf(`,"x%d":1`, i)
	}
	const want = `[{"op":"replace","path":"active","value":false}]`
	for _, in := range []string{
		`[{"op":"Replace","path":"active","value":"False"` + extras + `}]`,
		`[{"op":"Replace"` + extras + `,"path":"active","value":"False"}]`,
	} {
		if got := normalized(t, n, false, in, nil); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
