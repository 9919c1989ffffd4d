package quirks_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// row is one request of the corpus and what should become of it.
type row struct {
	ID, Title, Method, Path, Action, Client, Default string

	Headers   map[string]any
	Body      json.RawMessage
	BodyRaw   *string  `json:"body_raw"`
	BodyB64   string   `json:"body_b64"`
	BodyGen   *bodyGen `json:"body_gen"`
	PathGen   *pathGen `json:"path_gen"`
	Canonical *struct {
		Path   string
		Body   json.RawMessage
		Ops    json.RawMessage
		OpsAlt json.RawMessage `json:"ops_alt"`
		OpsRaw string          `json:"ops_raw"`
	}
	Expect        *expect
	ExpectAlt     []expect `json:"expect_alt"`
	DefaultExpect *expect  `json:"default_expect"`
	Config        struct {
		Integers []string `json:"integer_attributes"`
		Booleans []string `json:"boolean_attributes"`
	}
}

type expect struct {
	Status   int
	ScimType string
	Upstream int `json:"upstream_status"`
}

type bodyGen struct {
	Kind, Middle, Close, Open string
	Op                        json.RawMessage
	Count, Size               int
}

type pathGen struct {
	Prefix, Middle string
	Repeat         [2]any
	RepeatEnd      [2]any `json:"repeat_end"`
}

// elsewhere are the rows that something else than a document or a query decides.
var elsewhere = map[string]string{
	"A11": "Content-Type", "A13": "Content-Type", "A14": "Content-Type", "H26": "Content-Encoding",
	"B02": "key", "B03": "key", "B06": "key", "B08": "key", "B09": "key", "B12": "key", "B13": "key", "H32": "key", "B15": "key",
	"K21": "key", "N10": "what an organization keeps",
	"H34": "routing", "H37": "routing", "O18": "routing", "H38": "length of the URL",
}

// options are the rules that a policy row is about.
var options = map[string][]string{
	"A07": {"flag-in-path"}, "A15": {"query-before-path", "flag-parameter"},
	"C08": {"bare-manager", "unquoted-literal"}, "C09": {"bare-manager"}, "C43": {"answer-unknown-attribute"}, "C45": {"members-comparison"},
	"D01": {"read-only-attributes", "empty-lists"}, "D13": {"roles-json"}, "D25": {"dotted-keys-create"}, "D28": {"missing-schemas"},
	"E08": {"null-boolean"}, "E42": {"bare-manager", "scalar-in-array"}, "E53": {"roles-json"}, "E82": {"empty-string"},
	"E83": {"null-add"}, "E87": {"missing-value"}, "E91": {"operation-alias"}, "E96": {"operation-spaces"},
	"E103": {"envelope-schemas"}, "E104": {"empty-operations"}, "E113": {"unquoted-literal"}, "E127": {"number-string"},
	"E133": {"dotted-keys"}, "E136": {"bare-extension"}, "F25": {"member-number"}, "F29": {"null-members"},
	"F34": {"answer-existing-member"}, "F38": {"pathless-removal"}, "F41": {"unquoted-literal"}, "F43": {},
	"H09": {"number-range"}, "H13": {"byte-order-mark"}, "H15": {"control-characters"}, "H41": {}, "O10": {"scim1-schema"},
	"N01": {"duplicate-schemas"}, "N03": {"scim1-schema"}, "O11": {"empty-manager-object"}, "O14": {"strip-id"},
}

func corpus(t testing.TB) []row {
	t.Helper()
	var rows []row
	for _, file := range []string{"testdata/entra.jsonl", "testdata/field.jsonl"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r row
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			if r.ID == "N01" {
				r.Default = "on" // a URN beside the one that it stands for needs no choice
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// body is the text that the row sends.
func (r *row) body(t testing.TB) []byte {
	switch {
	case r.BodyRaw != nil:
		return []byte(*r.BodyRaw)
	case r.BodyB64 != "":
		b, err := base64.StdEncoding.DecodeString(r.BodyB64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case r.BodyGen != nil:
		return r.BodyGen.make(t)
	case string(r.Body) == "null":
		return nil
	}
	return r.Body
}

func (g *bodyGen) make(t testing.TB) []byte {
	switch g.Kind {
	case "nest":
		return []byte(strings.Repeat(g.Open, g.Count) + g.Middle + strings.Repeat(g.Close, g.Count))
	case "ops":
		return []byte(`{"schemas":["` + scim.PatchSchema + `"],"Operations":[` + strings.Repeat(string(g.Op)+",", g.Count-1) + string(g.Op) + `]}`)
	case "members":
		var members []string
		for i := range g.Count {
			members = append(members, fmt.Sprintf(`{"value":"00000000-0000-4000-8000-%012d"}`, i))
		}
		return []byte(`{"schemas":["` + scim.PatchSchema + `"],"Operations":[{"op":"add","path":"members","value":[` + strings.Join(members, ",") + `]}]}`)
	}
	t.Fatalf("unknown generator %q", g.Kind)
	return nil
}

func (r *row) url() (path, query string) {
	u := r.Path
	if g := r.PathGen; g != nil {
		u = g.Prefix + strings.Repeat(g.Repeat[0].(string), int(g.Repeat[1].(float64))) + g.Middle +
			strings.Repeat(g.RepeatEnd[0].(string), int(g.RepeatEnd[1].(float64)))
	}
	path, query, _ = strings.Cut(u, "?")
	return path, query
}

func (r *row) set(t testing.TB) *schema.Set {
	var customs []schema.Custom
	for _, path := range r.Config.Integers {
		customs = append(customs, schema.Custom{Resource: "User", Path: path, Type: "integer"})
	}
	for _, path := range r.Config.Booleans {
		customs = append(customs, schema.Custom{Resource: "User", Path: path, Type: "boolean"})
	}
	set, err := schema.Standard().With(customs...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// route is what the router makes of a path; nil where it is none of a resource.
func route(set *schema.Set, method, path string) (rt *schema.ResourceType, verb scim.Verb, id string) {
	first, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "Users":
		rt = set.User
	case "Groups":
		rt = set.Group
	default:
		return nil, 0, ""
	}
	switch method {
	case "GET":
		if verb = scim.List; id != "" {
			verb = scim.Read
		}
	case "POST":
		verb = scim.Create
	case "PUT":
		verb = scim.Replace
	case "PATCH":
		verb = scim.Patch
	case "DELETE":
		verb = scim.Delete
	}
	return rt, verb, id
}

// outcome is what a request became.
type outcome struct {
	path string // with the query
	in   []byte
	out  []byte
	err  *scim.Error
	acc  quirks.Account
}

func normalize(t testing.TB, n *quirks.Normalizer, r *row) (o outcome) {
	o.acc.Limit = 100
	fail := func(err error) outcome {
		var ok bool
		if o.err, ok = errors.AsType[*scim.Error](err); !ok {
			t.Fatalf("%v is no SCIM error", err)
		}
		return o
	}
	path, query := r.url()
	path, query = n.URL(path, query, &o.acc)
	rt, verb, id := route(n.Schemas(), r.Method, path)
	if rt == nil {
		if path == "/ServiceProviderConfig" {
			o.path = path
			return o
		}
		return fail(scim.Errorf(404, "", "no such resource type"))
	}
	q, err := n.Query(rt, verb, query, &o.acc)
	if err != nil {
		return fail(err)
	}
	if o.path = path; q.Raw != "" {
		o.path += "?" + q.Raw
	}
	if !verb.Writes() || verb == scim.Delete {
		return o
	}
	o.in = r.body(t)
	d, err := n.Scan(o.in, &o.acc)
	if err != nil {
		return fail(err)
	}
	o.in = d.Raw()
	if d, err = n.Body(rt, verb, id, d, &o.acc); err != nil {
		return fail(err)
	}
	o.out = d.Raw()
	if _, err := doc.Scan(o.out); err != nil {
		t.Errorf("the document that came out is not valid: %v\n%s", err, o.out)
	}
	return o
}

func (r *row) normalizer(t testing.TB, profile string, enable, disable []string) *quirks.Normalizer {
	n, err := quirks.New(quirks.Config{Profile: profile, Enable: enable, Disable: disable, Schemas: r.set(t)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
