package doc_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/doc"
)

func scanned(t interface{ Fatalf(string, ...any) }, text string) doc.Doc {
	d, err := doc.Scan([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

const upstream = `{
	"id": 7, "name": {"first": "Ada", "last.name": "Lovelace", "0": "zero", "10001": "many", "*": "star", "#": "hash", "a|b": "pipe"},
	"@odata.nextLink": "next", "big": 9007199254740993, "null": null, "text": "x[1,2]{\"a\":1}",
	"members": [
		{"group_id": 9007199254740992, "id": "m1", "type": "work"},
		{"group_id": 9007199254740993, "id": "m2", "type": "home", "value": "ada@example.com"},
		{"group_id": 0, "id": "m3", "type": "home"},
		{"group_id": "5", "id": "say \"a|b.c)#\"", "sub": [{"x": 1}, {"x": 2}, {"y": 3}]},
		"text", "[1,tru]", 5, null
	],
	"users": {"u1": {"n": 1}, "u2": {"n": 2}},
	"empty": []
}`

func TestFind(t *testing.T) {
	root := scanned(t, upstream).Value()
	for path, want := range map[string]string{
		`id`:                            `7`,
		`name.first`:                    `"Ada"`,
		`name.last\.name`:               `"Lovelace"`,
		`name.\0`:                       `"zero"`,
		`name.0`:                        `"zero"`,
		`name.\10001`:                   `"many"`,
		`name.\*`:                       `"star"`,
		`name.\#`:                       `"hash"`,
		`name.a\|b`:                     `"pipe"`,
		`name.a\|id`:                    ``,
		`\@odata\.nextLink`:             `"next"`,
		`big`:                           `9007199254740993`,
		`null`:                          `null`,
		`null.x`:                        ``,
		`nothing`:                       ``,
		`NAME.first`:                    ``,
		`text.a`:                        ``,
		`text.0`:                        ``,
		`members.0.id`:                  `"m1"`,
		`members.\0.id`:                 ``,
		`members.6`:                     `5`,
		`members.9999`:                  ``,
		`members.#`:                     `8`,
		`users.#`:                       ``,
		`empty.#`:                       `0`,
		`empty.#.id`:                    `[]`,
		`members.#.type`:                `["work","home","home"]`,
		`members.#.0`:                   `[]`,
		`members.#.sub.#.x`:             `[[1,2]]`,
		`members.3.sub.#`:               `3`,
		`members.#.sub.#`:               `[3]`,
		`users.@values`:                 `[{"n": 1},{"n": 2}]`,
		`users.@values.#.n`:             `[1,2]`,
		`users.@values.1.n`:             `2`,
		`members.@values`:               ``,
		`@this.id`:                      `7`,
		`users.u1.@this`:                `{"n": 1}`,
		`users.u1.@this.n`:              `1`,
		`members.#(id==m2).type`:        `"home"`,
		`members.#(id=="m2").value`:     `"ada@example.com"`,
		`members.#(type=="work").value`: ``, // the first that matches has none
		`members.#(type=="home")#.id`:   `["m2","m3"]`,
		`members.#(type!="home")#.id`:   `["m1"]`,
		`members.#(type=="none")`:       ``,
		`members.#(type=="none")#`:      `[]`,
		`members.#(type=="home")#.#`:    `[]`, // of each, and none is an array
		`members.#(value).id`:           `"m2"`,
		`members.#(group_id==9007199254740992).id`:     `"m1"`,
		`members.#(group_id==9007199254740993).id`:     `"m2"`,
		`members.#(group_id==m1).id`:                   ``, // no word is the number 0
		`members.#(group_id==0).id`:                    `"m3"`,
		`members.#(group_id=="0").id`:                  ``, // quoted means a string
		`members.#(group_id==5).id`:                    `"say \"a|b.c)#\""`,
		`members.#(id=="say \"a|b.c)#\"").group_id`:    `"5"`,
		`members.#(id=="say \u0022a|b.c)#\"").sub.1.x`: `2`,
		`members.#(=="text")`:                          `"text"`,
		`members.#(==5)`:                               `5`,
		`members.#(==null)`:                            `null`,
		`members.#(sub.1.x==2).sub.0.x`:                `1`,
		`members.#.sub.#(x==2).x`:                      `[2]`,
		`users.#(n==1)`:                                ``,
	} {
		if got := string(root.Find(mustPath(path)).Raw()); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if v := root.Find(mustPath("@this")); string(v.Raw()) != strings.TrimSpace(upstream) {
		t.Errorf("@this is %s", v.Raw())
	}
	if v := root.Find(doc.Path{}); v.Kind() != doc.Invalid {
		t.Errorf("the zero path finds %s", v.Raw())
	}
	for _, text := range []string{`"x[1,2]"`, `5`, `null`, `"{\"a\":1}"`} {
		for _, path := range []string{"0", "a", "#", "#.a", "@values", "#(==1)"} {
			if v := scanned(t, text).Value().Find(mustPath(path)); v.Kind() != doc.Invalid {
				t.Errorf("%s of %s is %s", path, text, v.Raw())
			}
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"":                        "empty path at byte 0",
		"a.":                      "a name is missing at byte 2",
		".a":                      "a name is missing at byte 0",
		"..a":                     "a name is missing at byte 0",
		"a..b":                    "a name is missing at byte 2",
		`a\`:                      "the path ends with a backslash at byte 2",
		"@pretty":                 `the only modifiers are @this and @values; write \@ for the character at byte 0`,
		"@dig:password":           `the only modifiers are @this and @values; write \@ for the character at byte 0`,
		"a.@valuesx":              `the only modifiers are @this and @values; write \@ for the character at byte 2`,
		"@this:x":                 `the only modifiers are @this and @values; write \@ for the character at byte 0`,
		"a|b":                     `a character that has no place in a path; write \ before it if it is part of a name at byte 1`,
		"a*":                      `a character that has no place in a path; write \ before it if it is part of a name at byte 1`,
		"{a,b}":                   `a character that has no place in a path; write \ before it if it is part of a name at byte 0`,
		"[a,b]":                   `a character that has no place in a path; write \ before it if it is part of a name at byte 0`,
		"#[a==1]":                 `a character that has no place in a path; write \ before it if it is part of a name at byte 0`,
		`!"forged"`:               `a name is missing at byte 0`,
		"a.!true":                 `a name is missing at byte 2`,
		"a#":                      `a character that has no place in a path; write \ before it if it is part of a name at byte 1`,
		"a=b":                     "expected a dot at byte 1",
		"a\nb":                    "control character in a path at byte 1",
		"a\xff":                   "invalid UTF-8 in a path at byte 0",
		"a.10000":                 `index of more than 9999; a name of digits is written with \ before it at byte 2`,
		"99999999999999999999":    `index of more than 9999; a name of digits is written with \ before it at byte 0`,
		"#()":                     "the query is empty at byte 2",
		"#(":                      "the query is not closed at byte 2",
		"#(a":                     "the query is not closed at byte 3",
		"#(a==":                   "the query is not closed at byte 5",
		"#(a==1":                  "the query is not closed at byte 6",
		`#(a=="1)`:                "the document breaks off at byte 8",
		`#(a=="1"`:                "expected the query's closing bracket at byte 8",
		`#(a=="1"x)`:              "expected the query's closing bracket at byte 8",
		"#(a==)":                  "the query has no value at byte 5",
		"#(a==1)b":                "expected a dot at byte 7",
		"#(a=1)":                  "the operators of a query are == and != at byte 3",
		"#(a%b)":                  `a character that has no place in a path; write \ before it if it is part of a name at byte 3`,
		"#(a<1)":                  `a character that has no place in a path; write \ before it if it is part of a name at byte 3`,
		"#(a.==1)":                "a name is missing at byte 4",
		"#(a==~true)":             "a text with such a character has to be in quotes at byte 5",
		"#(a==b c)":               "a text with such a character has to be in quotes at byte 6",
		"#(a.#(b==1)==2)":         `a character that has no place in a path; write \ before it if it is part of a name at byte 4`,
		"#(@this==1)":             `the only modifiers are @this and @values; write \@ for the character at byte 2`,
		strings.Repeat("a", 1001): "path of more than 1000 bytes at byte 1000",
		strings.Repeat("a.", 33):  "path of more than 32 steps at byte 64",
	} {
		if _, err := doc.ParsePath(path); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", path, err, want)
		}
	}
}

// mustPath is a path that is known to be one.
func mustPath(s string) doc.Path {
	p, err := doc.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// Whatever a name is, its escaped form finds it and nothing else, and whatever a text is, as a JSON string it equals itself in a query.
func TestEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringN(1, 20, -1), rapid.StringMatching(`[.\\|#@*?!{}\[\]()"'=<>%~:,0-9a-]{1,8}`))
		name, other := text.Draw(t, "name"), text.Draw(t, "other")
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return
		}
		path, err := doc.ParsePath("a." + doc.Escape(name) + ".b")
		if err != nil {
			t.Fatalf("%q escaped is %q: %v", name, doc.Escape(name), err)
		}
		object := string(doc.AppendString([]byte(`{"a":{`), name)) + `:{"b":1}}}`
		if got := string(scanned(t, object).Value().Find(path).Raw()); got != "1" {
			t.Fatalf("%q finds %q in %s", path, got, object)
		}
		if !strings.EqualFold(other, name) {
			object := string(doc.AppendString([]byte(`{"b":3,"a":{"b":2,`), other)) + `:{"b":1}}}`
			if d, err := doc.Scan([]byte(object)); err == nil {
				if got := d.Value().Find(path); got.Kind() != doc.Invalid {
					t.Fatalf("%q finds %q in %s", path, got.Raw(), object)
				}
			}
		}
		array := `{"b":3,"a":[{"b":1},[{"b":2}],"b"]}`
		if got := scanned(t, array).Value().Find(path); got.Kind() != doc.Invalid {
			t.Fatalf("%q finds %q in %s", path, got.Raw(), array)
		}

		query := mustPath("#(v==" + string(doc.AppendString(nil, name)) + ").i")
		list := `[{"v":0,"i":0},{"v":true,"i":1},{"v":` + string(doc.AppendString(nil, name)) + `,"i":2},{"v":null,"i":3}]`
		if got := string(scanned(t, list).Value().Find(query).Raw()); got != "2" {
			t.Fatalf("%q finds %q in %s", query, got, list)
		}
	})
}

// FuzzFind: no path that was compiled finds anything that is no JSON value, in any document.
func FuzzFind(f *testing.F) {
	paths := []string{
		"a", "a.b.0.c", "#", "#.value", "members.#(value==x).display", `Operations.#(op=="Replace")#.path`, "@values.#.0", "@this",
		`\@a.\#`, `urn:ietf:params:scim:schemas:extension:enterprise:2\.0:User.department`, "#.#.#", "#(a.b!=1)#.@values",
	}
	i := 0
	seeds(f, func(text []byte) { i++; f.Add(text, paths[i%len(paths)]) })
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		d, err := doc.Scan(text)
		if err != nil {
			return
		}
		checkPaths(t, d.Value(), d.Value(), "")

		p, err := doc.ParsePath(path)
		if err != nil {
			return
		}
		if v := d.Value().Find(p); v.Kind() != doc.Invalid {
			if !json.Valid(v.Raw()) || len(v.Raw()) > 2*len(text)+2 {
				t.Fatalf("%q finds %q in %q", path, v.Raw(), text)
			}
			checkValue(t, v)
		}
	})
}

// checkPaths finds every value of a document by its names and indexes.
func checkPaths(t *testing.T, root, v doc.Value, path string) {
	t.Helper()
	if path != "" {
		p, err := doc.ParsePath(path[1:])
		if err != nil {
			return // an empty name, a control character, too long
		}
		if got := root.Find(p); !bytes.Equal(got.Raw(), v.Raw()) || got.Kind() != v.Kind() {
			t.Fatalf("%q finds %q, not %q, in %q", p, got.Raw(), v.Raw(), root.Raw())
		}
	}
	for name, val := range v.Fields() {
		checkPaths(t, root, val, path+"."+doc.Escape(name.Text()))
	}
	i := 0
	for item := range v.Items() {
		checkPaths(t, root, item, path+"."+strconv.Itoa(i))
		i++
	}
}
