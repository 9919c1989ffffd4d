package doc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// body is a request body of the corpus, by its id there.
type body struct {
	ID     string `json:"id"`
	Text   string `json:"body"`
	Base64 []byte `json:"base64"`
}

func bodies(t testing.TB) map[string][]byte {
	t.Helper()
	lines, err := os.ReadFile("testdata/bodies.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range bytes.Lines(lines) {
		var b body
		if err := json.Unmarshal(line, &b); err != nil {
			t.Fatal(err)
		}
		if all[b.ID] = b.Base64; b.Base64 == nil {
			all[b.ID] = []byte(b.Text)
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d bodies", len(all))
	}
	return all
}

func TestScanCorpus(t *testing.T) {
	refused := map[string]string{
		"B15":  "expected a value", // a form, not JSON
		"E107": "duplicate key",
		"H01":  "the document breaks off",
		"H03":  "duplicate key",
		"H04":  "duplicate key",
		"H07":  "nested more than 64 deep",
		"H10":  "number of more than 1000 bytes",
		"H11":  "invalid UTF-8 in a string",
		"H12":  "lone surrogate in a string",
		"H18":  "empty document",
		"H20":  "expected a key in quotes",
		"H21":  "expected a value",
	}
	for id, text := range bodies(t) {
		want := refused[id]
		delete(refused, id)
		_, err := doc.Scan(text)
		if got := reason(err); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	for id := range refused {
		t.Errorf("%s is not in the corpus", id)
	}
}

func reason(err error) string {
	if e, ok := errors.AsType[*doc.Error](err); ok {
		return e.Reason
	}
	if err != nil {
		return "no *doc.Error: " + err.Error()
	}
	return ""
}

func TestScanRefuses(t *testing.T) {
	for _, test := range []struct {
		text, reason string
		offset       int
	}{
		{"", "empty document", 0},
		{" \r\n\t", "empty document", 4},
		{"\xef\xbb\xbf", "empty document", 3},
		{"\xef\xbb\xbf\xef\xbb\xbf{}", "expected a value", 3},
		{"\xef\xbb\xbf{} x", "text after the document", 6},
		{"hello", "expected a value", 0},
		{"<html>", "expected a value", 0},
		{"{}{}", "text after the document", 2},
		{"1 2", "text after the document", 2},
		{"null,", "text after the document", 4},
		{"]", "expected a value", 0},
		{"{", "the document breaks off", 1},
		{"[", "the document breaks off", 1},
		{"[1", "the document breaks off", 2},
		{"[1,", "the document breaks off", 3},
		{`{"a"`, "the document breaks off", 4},
		{`{"a":`, "the document breaks off", 5},
		{`{"a":1`, "the document breaks off", 6},
		{`{"a":1,`, "the document breaks off", 7},
		{`"a`, "the document breaks off", 2},
		{`"a\`, "the document breaks off", 3},
		{`"\u12`, "the document breaks off", 1},
		{`[1}`, "expected a comma or the end of the array or object", 2},
		{`{"a":1]`, "expected a comma or the end of the array or object", 6},
		{`[1 2]`, "expected a comma or the end of the array or object", 3},
		{`[1,]`, "expected a value", 3},
		{`[,1]`, "expected a value", 1},
		{`{"a":1,}`, "expected a key in quotes", 7},
		{`{a:1}`, "expected a key in quotes", 1},
		{`{1:1}`, "expected a key in quotes", 1},
		{`{"a" 1}`, "expected a colon", 5},
		{`{"a",1}`, "expected a colon", 4},
		{`{"a":}`, "expected a value", 5},
		{"tru", "unknown literal", 0},
		{"nulL", "unknown literal", 0},
		{"[falsE]", "unknown literal", 1},
		{"NaN", "expected a value", 0},
		{"+1", "expected a value", 0},
		{".5", "expected a value", 0},
		{"01", "text after the document", 1},
		{"-", "the document breaks off", 1},
		{"[-]", "malformed number", 2},
		{"[1.]", "malformed number", 3},
		{"[1.e3]", "malformed number", 3},
		{"[1e]", "malformed number", 3},
		{"[1e+]", "malformed number", 4},
		{"1" + strings.Repeat("0", 1000), "number of more than 1000 bytes", 0},
		{"\"a\nb\"", "control character in a string", 2},
		{"\"0123456789\x00\"", "control character in a string", 11},
		{`"\x"`, "unknown escape in a string", 1},
		{`"\u12g4"`, "unknown escape in a string", 1},
		{`"\U0041"`, "unknown escape in a string", 1},
		{`"\ud800"`, "lone surrogate in a string", 1},
		{`"\ud800x"`, "lone surrogate in a string", 1},
		{`"\ud800\n"`, "lone surrogate in a string", 1},
		{`"\ud800\ud800"`, "lone surrogate in a string", 1},
		{`"\udc00\ud800"`, "lone surrogate in a string", 1},
		{`"\ud83d\u00"`, "unknown escape in a string", 7},
		{"\"\xff\"", "invalid UTF-8 in a string", 0},
		{"{\"\xc0\x80\":1}", "invalid UTF-8 in a string", 1},
		{"\"\xed\xa0\x80\"", "invalid UTF-8 in a string", 0}, // a surrogate in UTF-8
		{"\xff", "expected a value", 0},
		{"{}\xff", "text after the document", 2},
		{"\u00a0{}", "expected a value", 0}, // a space, but not to JSON
		{`{"a":1,"a":1}`, "duplicate key", 7},
		{`{"a":1,"A":1}`, "duplicate key", 7},
		{`{"active":1,"\u0061ctive":1}`, "duplicate key", 12},
		{`{"\u0041ctive":1,"active":1}`, "duplicate key", 17},
		{`{"urn:ietf:params:scim:2.0:User":{},"URN:ietf:params:scim:2.0:user":{}}`, "duplicate key", 36},
		{`{"":1,"":1}`, "duplicate key", 6},
		{`{"a":{"b":1,"c":{"b":1}},"d":2,"A":3}`, "duplicate key", 31},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "nested more than 64 deep", 64},
	} {
		_, err := doc.Scan([]byte(test.text))
		e, ok := errors.AsType[*doc.Error](err)
		if !ok {
			t.Errorf("%.40q: error %v", test.text, err)
		} else if e.Reason != test.reason || e.Offset != test.offset {
			t.Errorf("%.40q: %v, want %s at byte %d", test.text, e, test.reason, test.offset)
		}
	}
}

func TestScanAccepts(t *testing.T) {
	for _, text := range []string{
		"null", " true ", "\tfalse\r\n", "0", "-0", "-0.0e-0", "1E+10", "123456789012345678901234567890.5",
		"1" + strings.Repeat("0", 999),
		`""`, `"\"\\\/\b\f\n\r\t\u0000\uFFFF"`, `"\ud83d\ude00"`, "\"\u007f\u2028\U0001F600\"",
		"[]", "[ ]", "{}", "{ }", "[[],{}]", ` { "a" : [ 1 , 2 ] , "b" : { } } `,
		`{"a":{"a":{"a":1}},"b":{"a":2}}`,
		"{\"k\":1,\"\u212a\":2,\"s\":3,\"\u017f\":4}",            // the Kelvin sign is no k, the long s no s
		`{"@":1,"` + "`" + `":2,"[":3,"{":4,"a0":5,"a\u0010":6}`, // only letters have two cases
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
		strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64),
	} {
		d, err := doc.Scan([]byte(text))
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		} else if string(d.Raw()) != text {
			t.Errorf("%.40q became %.40q", text, d.Raw())
		}
	}
}

// One byte order mark is not part of the document (H13).
func TestScanByteOrderMark(t *testing.T) {
	marked := []byte("\xef\xbb\xbf {\"a\":1}")
	d, err := doc.Scan(marked)
	if err != nil || string(d.Raw()) != ` {"a":1}` {
		t.Errorf("%q, %v", d.Raw(), err)
	}
	if rest, found := doc.TrimBOM(marked); !found || string(rest) != ` {"a":1}` {
		t.Errorf("%q, %v", rest, found)
	}
	if _, found := doc.TrimBOM([]byte("{}")); found {
		t.Error("found a mark in {}")
	}
}

// What kills recursive parsers is an error like any other.
func TestScanHostileDepth(t *testing.T) {
	for name, text := range map[string]string{
		"6 MB of brackets": strings.Repeat("[", 6<<20),
		"200,000 objects":  strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000),
	} {
		if _, err := doc.Scan([]byte(text)); reason(err) != "nested more than 64 deep" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keysOf is an object of so many different keys in a form that is hard on the duplicate check, and the last key once more.
func keysOf(n int, form string) (unique, double string) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, form+`:{"x":1,"X1":2},`, i)
	}
	return b.String() + `"last":0}`, b.String() + strings.ToUpper(fmt.Sprintf(form, n-1)) + `:0}`
}

func TestScanManyKeys(t *testing.T) {
	for _, n := range []int{1, 2, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 66, 1000, 100_000} {
		for _, form := range []string{`"%d"`, `"k%08d"`, `"aaaaaaaa-%08d-bbbbbbbb"`, `"` + strings.Repeat("x", 70) + `%d"`} {
			unique, double := keysOf(n, form)
			if _, err := doc.Scan([]byte(unique)); err != nil {
				t.Errorf("%d keys of the form %s: %v", n, form, err)
			}
			if _, err := doc.Scan([]byte(double)); reason(err) != "duplicate key" {
				t.Errorf("%d keys of the form %s and the last again: %v", n, form, err)
			}
		}
	}
}

// Objects of many keys inside each other: closing one must not make it forget the others' keys.
func TestScanManyKeysNested(t *testing.T) {
	object := func(prefix string, inner string, again string) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range 80 {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
			if i%8 == 3 {
				fmt.Fprintf(&b, `"%s%d":%s,`, prefix, i, inner)
			}
		}
		return b.String() + again + `:0}`
	}
	inner := object("in", object("deep", "[{},1]", `"z"`), `"z"`)
	for again, want := range map[string]string{`"z"`: "", `"K0"`: "duplicate key", `"k39"`: "duplicate key", `"\u006b17"`: "duplicate key"} {
		if _, err := doc.Scan([]byte(object("o", inner, again))); reason(err) != want {
			t.Errorf("%s: %v", again, err)
		}
		if _, err := doc.Scan([]byte(object("o", object("p", inner, again), `"z"`))); reason(err) != want {
			t.Errorf("%s one deeper: %v", again, err)
		}
	}
}

// However many members a group has, a scan allocates the same. The fewest of many
// scans count: what a pool holds may be gone, after a collection, and at random
// under the race detector.
func TestScanAllocations(t *testing.T) {
	count := func(text []byte) float64 {
		fewest := math.Inf(1)
		for range 12 {
			fewest = min(fewest, testing.AllocsPerRun(1, func() {
				if _, err := doc.Scan(text); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return fewest
	}
	few, many := count(groupPatch(2)), count(groupPatch(20_000))
	if few != many || many > 2 {
		t.Errorf("%v allocations for 2 members, %v for 20,000", few, many)
	}
	// Nor does it matter how many resources there are in a list.
	resource, _ := keysOf(20, `"attribute%d"`)
	list := func(n int) []byte {
		return []byte("[" + strings.TrimSuffix(strings.Repeat(resource+",", n), ",") + "]")
	}
	if few, many := count(list(1)), count(list(2000)); few != many {
		t.Errorf("%v allocations for one resource, %v for 2,000", few, many)
	}
}

// An error never repeats what was in the text: it ends up in logs and answers.
func TestScanErrorText(t *testing.T) {
	_, err := doc.Scan([]byte(`{"password":"secret","PASSWORD":1}`))
	if got, want := err.Error(), "duplicate key at byte 21"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
