package patch_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// corpusRow is one PATCH of the corpus of real requests, in canonical form.
type corpusRow struct {
	ID, Title, Type string
	Action, Default string
	Sent            json.RawMessage // as it came
	Ops             json.RawMessage // canonical
	Alt             json.RawMessage `json:"ops_alt"`       // equally right
	Absent          json.RawMessage `json:"ops_if_absent"` // equally right where the element is missing (Q38)
}

func corpus(t testing.TB) []corpusRow {
	t.Helper()
	file, err := os.Open("testdata/corpus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []corpusRow
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row corpusRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) < 100 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

// models are the resources that the corpus is tried on: with nothing and with everything.
func models(typ string) (*schema.ResourceType, []string) {
	if typ == "Group" {
		return schema.Standard().Group, []string{
			`{"id":"af8f8f8e9b9a4a1f8a0d","displayName":"Old"}`,
			`{"id":"af8f8f8e9b9a4a1f8a0d","displayName":"Old","externalId":"0","members":[{"value":"7f4bc1a3-285e-48ae-8202-5accb43efb0e","display":"A"},{"value":"a57e7a59-9f0d-4d4e-b2c3-2f7f6a1d9e10"},{"value":"89bb1940-b905-4575-9e7f-6f887cfb368e"}]}`,
		}
	}
	return schema.Standard().User, []string{
		`{` + core + `,"id":"5171a35d82074e068ce2","userName":"old@example.com"}`,
		`{` + core + `,"id":"5171a35d82074e068ce2","userName":"old@example.com","externalId":"0","active":true,"displayName":"Old","nickName":"Babs","title":"T","name":{"givenName":"G","familyName":"F","formatted":"G F"},` +
			`"emails":[{"type":"work","value":"old@example.com","primary":true},{"type":"home","value":"h@example.com"}],"phoneNumbers":[{"type":"work","value":"1"},{"type":"fax","value":"2"}],` +
			`"addresses":[{"type":"work","formatted":"X","locality":"Y"}],"roles":[{"value":"User","primary":true}],"` + enterprise + `":{"department":"D","employeeNumber":"1","manager":{"value":"m"}}}`,
	}
}

func TestCorpus(t *testing.T) {
	// What these rows offer as an alternative is another choice, not the same state.
	otherChoice := map[string]string{"E82": "an empty string is kept or removed", "F43": "the reference is kept or left out"}
	// What the schema forbids; the corpus leaves the answer to the server.
	refused := map[string]string{"E07": "400 invalidValue", "E08": "400 invalidValue", "E71": "400 invalidValue", "E119": "400 noTarget", "H41": "400 invalidPath"}
	for _, row := range corpus(t) {
		t.Run(row.ID, func(t *testing.T) {
			rt, models := models(row.Type)
			for i, model := range models {
				run := func(ops json.RawMessage) (*doc.Node, error) {
					parsed, err := patch.Parse(scan(t, envelope(string(ops))), rt)
					if err != nil {
						return nil, err
					}
					res, _, err := holds(t, model, parsed, rt)
					return res, err
				}
				got, err := run(row.Ops)
				if want := refused[row.ID]; code(t, err) != want && (row.ID != "E119" || i != 1 || err != nil) {
					t.Fatalf("%s: want %q, got %v", row.Title, want, err)
				}
				if err != nil {
					continue
				}
				same := func(how string, ops json.RawMessage) {
					other, err := run(ops)
					if err != nil {
						t.Fatalf("%s: %v", how, err)
					}
					if diff := patch.Diff(got, other, rt); diff != nil {
						t.Errorf("%s: %v differ:\n%s\n%s", how, diff, text(got), text(other))
					}
				}
				if row.Alt != nil && otherChoice[row.ID] == "" {
					same("the alternative", row.Alt)
				}
				if row.Absent != nil && i == 0 {
					same("what is right where the element is missing", row.Absent)
				}
			}
		})
	}
}

func FuzzApply(f *testing.F) {
	for _, c := range goldenCases(f) {
		f.Add([]byte(c.res), []byte(envelope(c.patch)), c.rt.Name == "Group")
	}
	for _, row := range corpus(f) {
		_, models := models(row.Type)
		for _, model := range models {
			f.Add([]byte(model), []byte(envelope(string(row.Ops))), row.Type == "Group")
			if row.Sent != nil {
				f.Add([]byte(model), []byte(row.Sent), row.Type == "Group")
			}
		}
	}
	set := schema.Standard()
	f.Fuzz(func(t *testing.T, res, body []byte, group bool) {
		rt := set.User
		if group {
			rt = set.Group
		}
		r, err := doc.Scan(res)
		if err != nil || r.Value().Kind() != doc.Object {
			return
		}
		b, err := doc.Scan(body)
		if err != nil {
			return
		}
		before := string(doc.Tree(r.Value()).AppendTo(nil))
		if ops, err := patch.Parse(b, rt); code(t, err) == "" {
			after, _, err := holds(t, before, ops, rt)
			if err == nil && len(text(after)) > (len(ops)+1)*(len(before)+len(body)+300) {
				t.Errorf("%d and %d bytes became %d", len(before), len(body), len(text(after)))
			}
			if m, err := patch.Members(ops, rt); code(t, err) == "" && group {
				_, _, err := m.Resolve(doc.Tree(r.Value()).Get("members"))
				code(t, err)
			}
		}
		put := doc.Tree(r.Value())
		if _, err := patch.Replace(put, b, rt); code(t, err) != "" && text(put) != before {
			t.Errorf("%v changed %s to %s", err, before, text(put))
		}
		if made, err := patch.Create(b, rt); code(t, err) == "" {
			if _, err := doc.Scan(made.AppendTo(nil)); err != nil {
				t.Error(err)
			}
		}
	})
}
