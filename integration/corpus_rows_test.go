package integration

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// corpusTenant is the Entra tenant of the corpus' tokens.
const corpusTenant = "11111111-2222-4333-8444-555555555555"

// policies are the options that the corpus' policy rows are about: what switches the row's canonical form on, and off.
// A row without rules is the same under every setting.
var policies = map[string][]string{
	"A07": {"flag-in-path"}, "A11": {"missing-content-type"}, "A15": {"query-before-path", "flag-parameter"},
	"C08": {"bare-manager", "unquoted-literal"}, "C09": {"bare-manager"}, "C43": nil, "C45": {"members-comparison"},
	"D01": {"read-only-attributes", "empty-lists"}, "D13": {"roles-json"}, "D25": {"dotted-keys-create"}, "D28": {"missing-schemas"},
	"E08": {"null-boolean"}, "E42": {"bare-manager", "scalar-in-array"}, "E53": {"roles-json"}, "E82": {"empty-string"},
	"E83": {"null-add"}, "E87": {"missing-value"}, "E91": {"operation-alias"}, "E96": {"operation-spaces"},
	"E103": {"envelope-schemas"}, "E104": {"empty-operations"}, "E113": {"unquoted-literal"}, "E127": {"number-string"},
	"E133": {"dotted-keys"}, "E136": {"bare-extension"}, "F25": {"member-number"}, "F29": {"null-members"},
	"F34": {"answer-existing-member"}, "F38": {"pathless-removal"}, "F41": {"unquoted-literal"}, "F43": nil,
	"H09": {"number-range"}, "H13": {"byte-order-mark"}, "H15": {"control-characters"}, "H34": nil, "H41": {"ascii-names"}, "O10": {"scim1-schema"},
	"O11": {"empty-manager-object"}, "O14": {"strip-id"},
}

// TestCorpus sends every row of the corpus through real Caddy to an upstream that records what arrives: what must be
// rewritten arrives rewritten, what must pass arrives byte for byte, what must be refused does not arrive.
func TestCorpus(t *testing.T) {
	issuer, err := entra.NewIssuer("k1")
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(issuer)
	t.Cleanup(keys.Close)
	rec := newRecorder(t)
	site := func(enable, disable []string) string {
		more := ""
		if len(enable) > 0 {
			more += "enable " + strings.Join(enable, " ") + "\n"
		}
		if len(disable) > 0 {
			more += "disable " + strings.Join(disable, " ") + "\n"
		}
		return `
	scim_gateway /scim* ` + rec.Listener.Addr().String() + ` {
		key test {KEY}
		entra_token ` + corpusTenant + ` {
			jwks ` + keys.URL + `
		}
		quirks entra {
			` + more + `
			integer urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:level
		}
		upstream scim /v2
	}`
	}
	rows := readCorpus(t)
	if len(rows) != 249 {
		t.Fatalf("%d rows, want 249", len(rows))
	}
	s := start(t, site(nil, nil))
	send := func(t *testing.T, row *corpusRow) (*http.Response, []recorded) {
		t.Helper()
		rec.take(row.upstreamAnswer())
		res := row.send(t, s.addr, "/scim", row.token(t, issuer))
		return res, rec.take(nil)
	}

	for _, row := range rows {
		t.Run(row.ID, func(t *testing.T) {
			res, seen := send(t, &row)
			row.byDefault(t, res, seen)
		})
	}
	for _, row := range rows {
		rules, isPolicy := policies[row.ID]
		if row.Action != "policy" || len(rules) == 0 {
			if row.Action == "policy" && !isPolicy && row.ID != "B15" {
				t.Errorf("%s is about no option", row.ID)
			}
			continue
		}
		t.Run(row.ID+" on", func(t *testing.T) {
			s.move(site(rules, nil))
			res, seen := send(t, &row)
			switch {
			case row.ID == "H15" || row.ID == "E104": // the option itself refuses, or answers
				row.byDefault(t, res, seen)
			case row.ID == "H41":
				mustRefuse(t, res, seen, expectation{Status: http.StatusBadRequest, ScimType: "invalidPath"})
			case row.ID == "H09":
				mustRefuse(t, res, seen, *row.Expect)
			case row.ID == "F34":
				if len(seen) != 1 || res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusOK {
					t.Errorf("status %d, %d requests", res.StatusCode, len(seen))
				}
			case row.Canonical == nil:
				if len(seen) != 1 || res.StatusCode >= 300 {
					t.Errorf("status %d, %d requests reached the upstream", res.StatusCode, len(seen))
				}
			case isEmptyOps(row.Canonical.Ops):
				if writes(seen) || res.StatusCode >= 300 {
					t.Errorf("status %d, %d requests reached the upstream", res.StatusCode, len(seen))
				}
			default:
				row.arrived(t, seen, false)
			}
		})
		t.Run(row.ID+" off", func(t *testing.T) {
			s.move(site(nil, rules))
			res, seen := send(t, &row)
			row.switchedOff(t, res, seen)
		})
	}
}

// byDefault checks a row under the configuration that nobody has touched.
func (row *corpusRow) byDefault(t *testing.T, res *http.Response, seen []recorded) {
	t.Helper()
	refusal := row.Expect
	if row.DefaultExpect != nil {
		refusal = row.DefaultExpect
	}
	switch {
	case row.ID == "B15": // nothing but resources and discovery goes through, and nothing without a key
		mustRefuse(t, res, seen, expectation{Status: http.StatusUnauthorized})
	case row.ID == "H41":
		row.arrived(t, seen, false)
	case row.Action == "reject", row.Action == "policy" && row.Default == "reject":
		mustRefuse(t, res, seen, append([]expectation{*refusal}, row.ExpectAlt...)...)
	case row.Action == "policy" && row.Default == "off":
		row.switchedOff(t, res, seen)
	case row.Canonical == nil || isEmptyOps(row.Canonical.Ops): // success, and nothing to write upstream
		if writes(seen) || res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
			t.Errorf("status %d, %d requests reached the upstream", res.StatusCode, len(seen))
		}
	default:
		if row.ID == "H09" && res.StatusCode == http.StatusBadRequest {
			t.Fatal("refused, though the default is to keep the number's text")
		}
		row.arrived(t, seen, false)
		if row.Expect != nil && row.ID != "H09" {
			row.expected(t, res)
		}
	}
}

// expected checks the answer of a row that reached the upstream.
func (row *corpusRow) expected(t *testing.T, res *http.Response) {
	t.Helper()
	want := *row.Expect
	if why := answered(res, want); why != "" {
		t.Error(why)
	}
	if len(want.Body) == 0 {
		return
	}
	var wanted, got map[string]json.RawMessage
	if err := json.Unmarshal(want.Body, &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	for name := range maps.Keys(wanted) {
		if diff := jsonDiff(t, wanted[name], got[name]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// switchedOff checks a row whose option is off: it is refused with the row's own error where it names one; else the
// request is sent on without the option's work, or refused because nobody could understand it.
func (row *corpusRow) switchedOff(t *testing.T, res *http.Response, seen []recorded) {
	t.Helper()
	if row.ID == "H15" {
		if len(seen) != 1 {
			t.Errorf("%d requests reached the upstream", len(seen))
		}
		return
	}
	if row.DefaultExpect != nil {
		mustRefuse(t, res, seen, *row.DefaultExpect)
		return
	}
	if row.ID == "F34" {
		if len(seen) != 1 || res.StatusCode != http.StatusConflict {
			t.Errorf("status %d, %d requests", res.StatusCode, len(seen))
		}
		return
	}
	if len(seen) == 0 {
		if res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("status %d and nothing reached the upstream", res.StatusCode)
		}
		return
	}
	switch {
	case row.Canonical == nil, isEmptyOps(row.Canonical.Ops):
		return
	case row.ID == "E82", row.ID == "H41": // here the canonical form is what comes without the option
		row.arrived(t, seen, false)
		return
	}
	samePath := decoded(t, strings.TrimPrefix(seen[0].URI, "/v2")) == decoded(t, row.Canonical.Path)
	switch {
	case row.Canonical.Ops != nil:
		var envelope struct{ Operations json.RawMessage }
		if err := json.Unmarshal(seen[0].Body, &envelope); err != nil {
			t.Fatal(err)
		}
		if samePath && row.ID != "E103" && jsonDiff(t, row.Canonical.Ops, envelope.Operations) == "" {
			t.Error("the canonical form arrived though the option is off")
		}
	case len(seen[0].Body) > 0:
		if samePath && jsonDiff(t, row.Canonical.Body, seen[0].Body) == "" {
			t.Error("the canonical form arrived though the option is off")
		}
	case samePath:
		t.Error("the canonical form arrived though the option is off")
	}
}

func mustRefuse(t *testing.T, res *http.Response, seen []recorded, wants ...expectation) {
	t.Helper()
	if len(seen) != 0 {
		t.Errorf("it reached the upstream: %s %s %.200s", seen[0].Method, seen[0].URI, seen[0].Body)
	}
	var reasons []string
	for _, want := range wants {
		why := answered(res, want)
		if why == "" {
			return
		}
		reasons = append(reasons, why)
	}
	t.Error(strings.Join(slices.Compact(reasons), "\n"))
}

// writes reports whether any request was more than a read.
func writes(seen []recorded) bool {
	return slices.ContainsFunc(seen, func(r recorded) bool { return r.Method != http.MethodGet })
}

func isEmptyOps(ops json.RawMessage) bool { return strings.TrimSpace(string(ops)) == "[]" }

// upstreamAnswer is what the row's upstream says.
func (row *corpusRow) upstreamAnswer() func(http.ResponseWriter, *http.Request, []byte) {
	if row.Expect == nil || row.Expect.UpstreamStatus == 0 {
		return nil
	}
	body := string(row.Expect.UpstreamBody)
	if body == "" {
		body = `{"message":"as the row says"}`
	}
	return status(row.Expect.UpstreamStatus, "application/json", body)
}

// token is the row's token: signed, but where the row says that it is not.
func (row *corpusRow) token(t *testing.T, issuer *entra.Issuer) string {
	t.Helper()
	if row.JWT == nil {
		return ""
	}
	claims := maps.Clone(row.JWT.Claims)
	claims["exp"] = time.Now().Add(time.Hour).Unix()
	token, err := issuer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	if row.JWT.Header["alg"] == "none" {
		_, rest, _ := strings.Cut(token, ".")
		payload, _, _ := strings.Cut(rest, ".")
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + "."
	}
	return token
}
