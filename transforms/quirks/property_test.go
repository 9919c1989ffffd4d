package quirks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func newNormalizer(t testing.TB, c quirks.Config) *quirks.Normalizer {
	t.Helper()
	n, err := quirks.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkBody normalizes a document and checks what holds for every document.
func checkBody(t testing.TB, n *quirks.Normalizer, rt *schema.ResourceType, verb scim.Verb, text []byte) (out []byte, err error) {
	d, err := n.Scan(text, nil)
	if err != nil {
		return nil, err
	}
	acc := quirks.Account{Limit: 50}
	res, err := n.Body(rt, verb, "5171a35d82074e068ce2", d, &acc)
	if err != nil {
		if _, ok := errors.AsType[*scim.Error](err); !ok {
			t.Fatalf("%T: %v", err, err)
		}
		return nil, err
	}
	out = res.Raw()
	if _, err := doc.Scan(out); err != nil {
		t.Fatalf("what came out is not valid: %v\n%s\n%s", err, text, out)
	}
	if acc.Applied() == 0 && &out[0] != &d.Raw()[0] {
		t.Fatalf("nothing applied, and still it is another document:\n%s\n%s", text, out)
	}
	if acc.Applied() > 0 && bytes.Equal(out, d.Raw()) {
		t.Fatalf("%v applied, and still it is the same document:\n%s", acc.Records(), text)
	}
	if len(out) > 12*len(text)+200 {
		t.Fatalf("%d bytes became %d", len(text), len(out))
	}
	var counted quirks.Account // records change nothing
	fast, err := n.Body(rt, verb, "5171a35d82074e068ce2", d, &counted)
	if err != nil || !bytes.Equal(fast.Raw(), out) || counted.Applied() != acc.Applied() {
		t.Fatalf("without records it is another document (%v, %d and %d rules):\n%s\n%s\n%s", err, acc.Applied(), counted.Applied(), text, out, fast.Raw())
	}
	if verb == scim.Patch && !n.On("empty-operations") && empty(res) {
		return out, nil // the rule is about what a client sends, not about a request of which nothing is left
	}
	again := quirks.Account{Limit: 5}
	twice, err := n.Body(rt, verb, "5171a35d82074e068ce2", res, &again)
	if err != nil || !bytes.Equal(twice.Raw(), out) {
		t.Fatalf("twice (%v, %v):\n%s\n%s\n%s", err, again.Records(), text, out, twice.Raw())
	}
	return out, nil
}

func empty(patch doc.Doc) bool {
	operations, _ := patch.Value().Lookup("Operations")
	for range operations.Items() {
		return false
	}
	return true
}

// TestMutatedCorpus runs requests that are a little different from those of the corpus, under rules switched at random.
func TestMutatedCorpus(t *testing.T) {
	var bodies [][]byte
	for _, r := range corpus(t) {
		if verb := r.Method; verb == http.MethodPatch || verb == http.MethodPost || verb == http.MethodPut {
			if b := r.body1(t); len(b) > 0 && len(b) < 4000 {
				bodies = append(bodies, b)
			}
		}
	}
	var ids []string
	for _, r := range quirks.Rules() {
		ids = append(ids, r.ID)
	}
	pieces := []string{`"True"`, `"False"`, `null`, `""`, `[]`, `{}`, `"members"`, `"value"`, `{"value":"x"}`, `[{"value":"x"},{"value":"x"}]`, `"Add"`,
		`"remove"`, `"replace"`, `"active"`, `"emails[type eq \"work\"].value"`, `0`, `true`, `"path":null,`, `"a","b"`, `{"$ref":null,"value":"y"}`, `"manager"`,
		`"name.givenName"`, `"emails"`, `"Members"`, `"id"`, `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, `"$ref"`, `"primary"`,
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"`, `"urn:ietf:params:scim:schemas:core:2.0:User:active"`,
		`"URN:x:y:z"`, `"roles"`, `"department"`, `"displayName"`, `"5171a35d82074e068ce2"`, `"Faux"`, `"op"`, `"schemas"`, `[]`, `"\u0061ctive"`}
	rapid.Check(t, func(rt *rapid.T) {
		text := slices.Clone(rapid.SampledFrom(bodies).Draw(rt, "body"))
		if rapid.Bool().Draw(rt, "compact") {
			var b bytes.Buffer
			if err := json.Compact(&b, text); err == nil {
				text = b.Bytes()
			}
		}
		values := spans(text)
		for range rapid.IntRange(0, 2).Draw(rt, "spaces") {
			if len(values) > 0 {
				s := rapid.SampledFrom(values).Draw(rt, "before")
				text = slices.Concat(text[:s.From], []byte(" "), text[s.From:])
				values = spans(text)
			}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "changes") {
			if len(values) == 0 {
				break
			}
			s := rapid.SampledFrom(values).Draw(rt, "place")
			with := rapid.SampledFrom(pieces).Draw(rt, "with")
			text = slices.Concat(text[:s.From], []byte(with), text[s.To:])
			if _, err := doc.Scan(text); err != nil {
				return
			}
			values = spans(text)
		}
		enable := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 12, rapid.ID).Draw(rt, "enable")
		disable := slices.DeleteFunc(rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 4, rapid.ID).Draw(rt, "disable"),
			func(id string) bool { return slices.Contains(enable, id) })
		n := newNormalizer(t, quirks.Config{Profile: rapid.SampledFrom(quirks.Profiles()).Draw(rt, "profile"), Enable: enable, Disable: disable})
		verb := rapid.SampledFrom([]scim.Verb{scim.Patch, scim.Patch, scim.Create, scim.Replace}).Draw(rt, "verb")
		for _, typ := range []*schema.ResourceType{n.Schemas().User, n.Schemas().Group} {
			checkBody(failer{t, rt}, n, typ, verb, text)
		}
	})
}

// failer lets rapid see failures that helpers report.
type failer struct {
	testing.TB
	rt *rapid.T
}

func (f failer) Fatalf(format string, args ...any) { f.rt.Fatalf(format, args...) }
func (f failer) Helper()                           {}

// spans are the places of all values in a document.
func spans(text []byte) (all []doc.Span) {
	d, err := doc.Scan(text)
	if err != nil {
		return nil
	}
	var walk func(v doc.Value)
	walk = func(v doc.Value) {
		from := cap(text) - cap(v.Raw())
		all = append(all, doc.Span{From: from, To: from + len(v.Raw())})
		for item := range v.Items() {
			walk(item)
		}
		for key, item := range v.Fields() {
			walk(key)
			walk(item)
		}
	}
	walk(d.Value())
	return all
}

func (r *row) body1(t testing.TB) []byte {
	if r.BodyGen != nil {
		return nil
	}
	return r.body(t)
}

// TestListsAsTheirElements checks that a list becomes what its elements become one by one.
func TestListsAsTheirElements(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Disable: []string{"duplicate-members"}})
	id := rapid.SampledFrom([]string{"a", "b", "aa", "longer identifier", `with \"quote`, `\u0061`, "é", "7f4bc1a3-285e-48ae-8202-5accb43efb0e", "a57e7a59-9f0d-4d4e-b2c3-2f7f6a1d9e10"})
	shape := rapid.SampledFrom([]string{`{"value":"%s"}`, `{"$ref":null,"value":"%s"}`, `{"value":"%s","$ref":null}`, `{"value":"%s","display":"%[2]s"}`,
		`{"display":"%[2]s","value":"%s","type":"User"}`, `{"value":"%s","type":"Group"}`, `{ "value" : "%s" }`, `"%s"`, `{"Value":"%s","$ref":null,"Display":"%[2]s"}`,
		`{"value":"%s","primary":"True"}`, `{"value":"%s","primary":"False","type":"%[2]s"}`, `{"value":"%s","x":{"a":["%[2]s"]}}`,
		`{"a":"%[2]s","b":"%[2]s","c":"%[2]s","d":"%[2]s","value":"%[1]s","$ref":null}`})
	element := rapid.Custom(func(t *rapid.T) string {
		s := fmt.Sprintf(shape.Draw(t, "shape"), id.Draw(t, "id"), id.Draw(t, "other"))
		s, _, _ = strings.Cut(s, "%!(EXTRA")
		return s
	})
	rapid.Check(t, func(rt *rapid.T) {
		var elements []string
		for _, e := range rapid.SliceOfN(element, 1, 6).Draw(rt, "elements") {
			for range rapid.IntRange(1, 4).Draw(rt, "times") {
				elements = append(elements, e)
			}
		}
		separator := rapid.SampledFrom([]string{",", " , "}).Draw(rt, "separator")
		typ, path := n.Schemas().Group, "members"
		if rapid.Bool().Draw(rt, "emails") {
			typ, path = n.Schemas().User, "emails"
		}
		patch := func(list string) (string, error) {
			out, err := checkBody(failer{t, rt}, n, typ, scim.Patch, []byte(patchHead+`{"op":"add","path":"`+path+`","value":[`+list+`]}]}`))
			if err != nil {
				return "", err
			}
			return strings.TrimSuffix(strings.TrimPrefix(string(out), patchHead+`{"op":"add","path":"`+path+`","value":[`), `]}]}`), nil
		}
		got, err := patch(strings.Join(elements, separator))
		if err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, e := range elements {
			one, err := patch(e)
			if err != nil {
				rt.Fatal(err)
			}
			want = append(want, one)
		}
		if w := strings.Join(want, separator); got != w {
			rt.Fatalf("got\n%s, want\n%s", got, w)
		}
	})
}

// TestRemovals checks the expansion of removes against the obvious: one remove for each identifier, once, in their order.
func TestRemovals(t *testing.T) {
	// An identifier with a tab is refused by default; here it has to come out escaped.
	n := newNormalizer(t, quirks.Config{Disable: []string{"control-characters"}})
	ids := rapid.SliceOfN(rapid.StringMatching(`[a-e]{1,2}|"|\\|[a-z]"\\|é|\]|`+"\t"), 1, 40)
	rapid.Check(t, func(rt *rapid.T) {
		var members []string
		type op struct {
			Op   string `json:"op"`
			Path string `json:"path"`
		}
		var want []op
		seen := map[string]bool{}
		for _, id := range ids.Draw(rt, "ids") {
			text, _ := json.Marshal(id)
			shape := rapid.SampledFrom([]string{`{"value":%s}`, `{"$ref":null,"value":%s}`, `%s`, `{"display":"x","value":%s,"type":"User"}`}).Draw(rt, "shape")
			members = append(members, fmt.Sprintf(shape, text))
			if !seen[id] {
				seen[id] = true
				want = append(want, op{"remove", "members[value eq " + string(text) + "]"})
			}
		}
		out, err := checkBody(failer{t, rt}, n, n.Schemas().Group, scim.Patch,
			[]byte(patchHead+`{"op":"Remove","path":"members","value":[`+strings.Join(members, ",")+`]}]}`))
		if err != nil {
			rt.Fatal(err)
		}
		var got struct{ Operations []op }
		if err := json.Unmarshal(out, &got); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(got.Operations, want) {
			rt.Fatalf("got\n%v, want\n%v", got.Operations, want)
		}
	})
}

// TestStringsStayStrings writes words that look like something else into every string that the schema knows, and finds them
// there again.
func TestStringsStayStrings(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: []string{"roles-json", "member-number", "dotted-keys-create"}})
	word := rapid.SampledFrom([]string{"True", "False", "true", "FALSE", "Vrai", "Falsch", "0", "007", "null", "[]", "{}", " true ", "yes", "真"})
	rapid.Check(t, func(rt *rapid.T) {
		for _, typ := range []*schema.ResourceType{n.Schemas().User, n.Schemas().Group} {
			res := doc.NewObject()
			res.Set("schemas", doc.NewArray(doc.NewString(typ.Core.ID)))
			fill(rt, res, typ.Core.Attributes, word)
			for _, s := range typ.Extensions {
				ext := doc.NewObject()
				fill(rt, ext, s.Attributes, word)
				res.Set(s.ID, ext)
			}
			out, err := checkBody(failer{t, rt}, n, typ, scim.Replace, res.AppendTo(nil))
			if err != nil {
				rt.Fatal(err)
			}
			d, err := doc.Scan(out)
			if err != nil {
				rt.Fatal(err)
			}
			after := doc.Tree(d.Value())
			res.Set("schemas", after.Get("schemas"))
			if !after.Equal(res) {
				rt.Fatalf("got\n%s, want\n%s", out, res.AppendTo(nil))
			}
		}
	})
}

// fill gives an object a word for each attribute that is a string.
func fill(rt *rapid.T, n *doc.Node, attributes []*schema.Attribute, word *rapid.Generator[string]) {
	for _, a := range attributes {
		var v *doc.Node
		switch a.Type {
		case schema.String, schema.Reference, schema.DateTime, schema.Binary:
			v = doc.NewString(word.Draw(rt, a.Name))
		case schema.Complex:
			v = doc.NewObject()
			fill(rt, v, a.Sub, word)
		default:
			continue
		}
		if a.MultiValued {
			v = doc.NewArray(v)
		}
		n.Set(a.Name, v)
	}
}
