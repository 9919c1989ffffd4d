package doc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// acceptable says by encoding/json and the limits what the scanner must say by itself.
func acceptable(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !json.Valid(text) || !utf8.Valid(text) || loneSurrogate(text) {
		return false
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	tokens.UseNumber()
	type container struct {
		names map[string]bool // of an object
		value bool            // the next token is a value
	}
	var open []container
	for {
		token, err := tokens.Token()
		if err != nil {
			return err == io.EOF
		}
		if len(open) > 0 {
			in := &open[len(open)-1]
			if in.names != nil && token != json.Delim('}') {
				if in.value = !in.value; in.value {
					name := strings.Map(asciiLower, token.(string))
					if in.names[name] {
						return false
					}
					in.names[name] = true
					continue
				}
			}
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open = append(open, container{names: map[string]bool{}})
			case '[':
				open = append(open, container{})
			default:
				open = open[:len(open)-1]
			}
			if len(open) > doc.MaxDepth {
				return false
			}
		case json.Number:
			if len(token) > doc.MaxNumber {
				return false
			}
		}
	}
}

func asciiLower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

var (
	backslashes   = regexp.MustCompile(`\\\\`)
	pair          = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	halfSurrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)
)

func loneSurrogate(text []byte) bool {
	text = backslashes.ReplaceAll(text, []byte("__"))
	return halfSurrogate.Match(pair.ReplaceAll(text, []byte("_")))
}

func seeds(f *testing.F, add func(text []byte)) {
	for _, text := range bodies(f) {
		add(text)
	}
	for _, text := range []string{
		"", " ", "null", "-0.1e+5", "01", "[1,2,]", `{"a":1,"A":2}`, `{"\u0061":1,"a":2}`, `"\ud83d\ude00\ud83d"`,
		"\xef\xbb\xbf{}", "\"\xff\"", strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65),
		`{"a":[{"b":"\\\\\""},"\\",{"c":"\\\"{["}]}`, `"12345678"`, "\"1234567\n\"", `{"":{"":{"":""}}}`,
		"[1" + strings.Repeat("0", 1000) + "]",
	} {
		add([]byte(text))
	}
	unique, double := keysOf(40, `"k%d"`)
	add([]byte(unique))
	add([]byte(double))
}

// FuzzScan holds the scanner against encoding/json: what it accepts is exactly what encoding/json accepts within the limits.
func FuzzScan(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		d, err := doc.Scan(text)
		if want := acceptable(text); (err == nil) != want {
			t.Fatalf("%q: %v, but encoding/json and the limits say %v", text, err, want)
		}
		if !bytes.Equal(text, before) {
			t.Fatal("the scanner wrote to the text")
		}
		if err != nil {
			if e, ok := errors.AsType[*doc.Error](err); !ok || e.Offset < 0 || e.Offset > len(text) || e.Reason == "" || !d.IsZero() {
				t.Fatalf("%#v", err)
			}
		}
	})
}

// FuzzTree takes whatever the scanner accepts: readers must agree with encoding/json on every value in it, and a tree must
// print unchanged what nobody changed, and valid JSON whatever was changed.
func FuzzTree(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text, []byte("\x00\x03\x05\x01\x09\x04\x02\x0a\x07\xfe"), "active") })
	f.Add([]byte(`{"a":1,"b":{"c":[1,2,{"d":"e"}]}}`), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "\xff\u212a\"\\\n")
	f.Fuzz(func(t *testing.T, text, choices []byte, name string) {
		d, err := doc.Scan(text)
		if err != nil {
			return // FuzzScan is about those
		}
		checkValue(t, d.Value())
		for _, opened := range []bool{true, false} {
			cursor := d.Cursor()
			checkCursor(t, d, &cursor, d.Value(), opened)
			if rest := d.Raw()[cursor.Offset():]; len(bytes.TrimSpace(rest)) > 0 {
				t.Fatalf("the cursor leaves %q of %q", rest, text)
			}
		}

		tree := doc.Tree(d.Value())
		if got := tree.AppendTo(nil); !bytes.Equal(got, bytes.TrimSpace(d.Raw())) {
			t.Fatalf("%q printed %q", d.Raw(), got)
		}
		nodes := collect(tree, nil)
		if got := tree.AppendTo(nil); !bytes.Equal(got, bytes.TrimSpace(d.Raw())) {
			t.Fatalf("%q printed %q when it was open", d.Raw(), got)
		}
		clone := tree.Clone()
		for i := 0; i+1 < len(choices); i += 2 {
			mutate(nodes[int(choices[i])%len(nodes)], choices[i+1], name)
		}
		printed := tree.AppendTo(nil)
		again, err := doc.Scan(printed)
		if err != nil {
			t.Fatalf("%q was changed to %q: %v", d.Raw(), printed, err)
		}
		if back := doc.Tree(again.Value()); !back.Equal(tree) || !tree.Equal(back) {
			t.Fatalf("%q reads differently after printing", printed)
		}
		if got := clone.AppendTo(nil); !bytes.Equal(got, bytes.TrimSpace(d.Raw())) {
			t.Fatalf("changes of the original reached the clone: %q", got)
		}
	})
}

// checkValue reads a value in every way and compares with encoding/json.
func checkValue(t *testing.T, v doc.Value) {
	t.Helper()
	switch v.Kind() {
	case doc.String:
		var want string
		if err := json.Unmarshal(v.Raw(), &want); err != nil || v.Text() != want || !v.Is(want) {
			t.Fatalf("%q reads as %q, encoding/json: %q, %v", v.Raw(), v.Text(), want, err)
		}
	case doc.Array:
		var want []json.RawMessage
		if err := json.Unmarshal(v.Raw(), &want); err != nil {
			t.Fatal(err)
		}
		i := 0
		for item := range v.Items() {
			if !bytes.Equal(item.Raw(), want[i]) {
				t.Fatalf("%q: element %d is %q", v.Raw(), i, item.Raw())
			}
			checkValue(t, item)
			i++
		}
		if i != len(want) {
			t.Fatalf("%q: %d elements", v.Raw(), i)
		}
	case doc.Object:
		var want map[string]json.RawMessage
		if err := json.Unmarshal(v.Raw(), &want); err != nil {
			t.Fatal(err)
		}
		i := 0
		for name, val := range v.Fields() {
			if !bytes.Equal(val.Raw(), want[name.Text()]) {
				t.Fatalf("%q: %q is %q", v.Raw(), name.Text(), val.Raw())
			}
			if found, ok := v.Lookup(name.Text()); !ok || !bytes.Equal(found.Raw(), val.Raw()) {
				t.Fatalf("%q: lookup of %q finds %q", v.Raw(), name.Text(), found.Raw())
			}
			checkValue(t, val)
			i++
		}
		if i != len(want) {
			t.Fatalf("%q: %d members", v.Raw(), i)
		}
	case doc.Invalid:
		t.Fatal("no value in a document")
	default:
		if !json.Valid(v.Raw()) || v.Text() != string(v.Raw()) {
			t.Fatalf("scalar %q", v.Raw())
		}
	}
}

// checkCursor reads a value with a cursor, opened or skipped, and compares with the value's own readers.
func checkCursor(t *testing.T, d doc.Doc, c *doc.Cursor, v doc.Value, opened bool) {
	t.Helper()
	if c.Kind() != v.Kind() {
		t.Fatalf("the cursor sees a %s, the value is %q", c.Kind(), v.Raw())
	}
	if k := v.Kind(); !opened || k != doc.Array && k != doc.Object {
		if got := d.In(c.Skip()).Raw(); !bytes.Equal(got, v.Raw()) {
			t.Fatalf("the cursor skips %q, the value is %q", got, v.Raw())
		}
		return
	}
	c.Open()
	for name, val := range v.Fields() {
		if !c.More() {
			t.Fatalf("the cursor finds too little in %q", v.Raw())
		}
		if got := d.In(c.Key()).Raw(); !bytes.Equal(got, name.Raw()) {
			t.Fatalf("the cursor reads the key %q, it is %q", got, name.Raw())
		}
		checkCursor(t, d, c, val, opened)
	}
	for item := range v.Items() {
		if !c.More() {
			t.Fatalf("the cursor finds too little in %q", v.Raw())
		}
		checkCursor(t, d, c, item, opened)
	}
	if c.More() {
		t.Fatalf("the cursor finds too much in %q", v.Raw())
	}
}

// collect opens a whole tree.
func collect(n *doc.Node, all []*doc.Node) []*doc.Node {
	all = append(all, n)
	for _, f := range n.Fields() {
		all = collect(f.Value, all)
	}
	for _, item := range n.Items() {
		all = collect(item, all)
	}
	return all
}

// mutate makes one change, which adds no depth.
func mutate(n *doc.Node, choice byte, name string) {
	first := name
	if fields := n.Fields(); len(fields) > 0 {
		first = fields[int(choice)%len(fields)].Name
	}
	switch choice % 12 {
	case 0:
		n.Set(name, doc.NewString(name))
	case 1:
		n.Set(first, doc.NewBool(choice > 100))
	case 2:
		n.Set(first, nil)
	case 3:
		n.Delete(first)
	case 4:
		n.Rename(first, strings.ToUpper(first))
	case 5:
		n.Rename(first, name)
	case 6:
		n.Add(doc.NewInt(int64(choice)-128), doc.NewNull())
	case 7:
		n.SetItems(nil)
	case 8:
		if items := n.Items(); len(items) > 1 {
			n.SetItems(items[1:])
		}
	case 9:
		if items := n.Items(); len(items) > 0 {
			n.SetItems(append(slices.Clip(items), items[0].Clone()))
		}
	case 10:
		for i := range 3 * 16 { // past the point where an object gets an index
			n.Set(name+strings.Repeat("x", i), doc.NewNull())
		}
	case 11:
		n.Set(name, n.Get(first).Clone())
	}
}

// Objects of many keys, inside each other, some with a key twice: the scanner finds what the oracle finds. Random bytes
// seldom make such documents.
func TestDuplicateKeys(t *testing.T) {
	refused := 0
	var object func(t *rapid.T, b *strings.Builder, depth int)
	object = func(t *rapid.T, b *strings.Builder, depth int) {
		b.WriteByte('{')
		n := rapid.IntRange(0, 90).Draw(t, "keys")
		double := rapid.IntRange(-400, n-1).Draw(t, "double")
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			name := fmt.Sprint(rapid.SampledFrom([]string{"k", "attribute", "urn:ietf:params:scim:"}).Draw(t, "prefix"), i)
			switch {
			case i == n-1 && double >= 0 && double < i:
				name = fmt.Sprint("K", double)
			case rapid.IntRange(0, 9).Draw(t, "escape") == 0:
				name = `\u004` + "b" + strconv.Itoa(i) // a K
			}
			b.WriteString(`"` + name + `":`)
			if depth < 4 && rapid.IntRange(0, 40).Draw(t, "nest") == 0 {
				object(t, b, depth+1)
			} else {
				b.WriteByte('0')
			}
		}
		b.WriteByte('}')
	}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		object(t, &b, 0)
		_, err := doc.Scan([]byte(b.String()))
		if want := acceptable([]byte(b.String())); (err == nil) != want {
			t.Fatalf("%v, want %v", err, want)
		}
		if err != nil {
			refused++
		}
	})
	if refused == 0 {
		t.Error("no document had a key twice")
	}
}
