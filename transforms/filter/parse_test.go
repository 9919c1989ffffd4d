package filter_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

const (
	enterprise = schema.EnterpriseURI + ":"
	contoso    = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
)

var lenient = filter.Options{Lenient: true}

// set is the standard schemas with an attribute of every type that they lack.
var set = func() *schema.Set {
	s, err := schema.Standard().With(
		schema.Custom{Path: contoso + ":level", Type: "integer"},
		schema.Custom{Path: contoso + ":score", Type: "decimal"},
		schema.Custom{Path: contoso + ":tags", MultiValued: true, CaseExact: true},
		schema.Custom{Path: contoso + ":blob", Type: "binary"},
		schema.Custom{Path: contoso + ":hired", Type: "dateTime"},
		schema.Custom{Path: contoso + ":division"}, // as the enterprise extension has
	)
	if err != nil {
		panic(err)
	}
	return s
}()

func TestCurlyQuotes(t *testing.T) {
	for _, quotes := range []string{"\u201c%\u201d", "\u201e%\u201c", "\u2018%\u2019", "\u00ab%\u00bb"} {
		_, _, err := filter.Parse("userName eq "+strings.Replace(quotes, "%", "a", 1), set.User, lenient)
		if err == nil || !strings.Contains(err.Error(), "straight double quotes") {
			t.Errorf("%s: %v", quotes, err)
		}
	}
	if _, _, err := filter.Parse("userName eq O\u2019Malley", set.User, lenient); err != nil {
		t.Errorf("an apostrophe: %v", err)
	}
}

// TestCorpus reads every filter and every path that identity providers are known to send.
func TestCorpus(t *testing.T) {
	file, err := os.Open("testdata/corpus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	standard := schema.Standard()
	lines := 0
	for scan := bufio.NewScanner(file); scan.Scan(); lines++ {
		var c struct {
			ID, Kind, Resource, In, Want, Notes string
			Error                               bool
		}
		if err := json.Unmarshal(scan.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		rt := standard.User
		if c.Resource == "Group" {
			rt = standard.Group
		}
		var got string
		var notes filter.Notes
		if c.Kind == "filter" {
			var f filter.Filter
			if f, notes, err = filter.Parse(c.In, rt, lenient); err == nil {
				got = f.String()
			}
		} else {
			var p filter.Path
			if p, notes, err = filter.ParsePath(c.In, rt, lenient); err == nil {
				got = p.String()
			}
		}
		if (err != nil) != c.Error || got != c.Want || notes.String() != c.Notes {
			t.Errorf("%s %s %s\ngot  %s [%s] %v\nwant %s [%s]", c.ID, c.Kind, c.In, got, notes, err, c.Want, c.Notes)
		}
	}
	if lines < 90 {
		t.Errorf("only %d cases", lines)
	}
}

// TestCanonical are texts that stay as they are: the figures of RFC 7644 §3.4.2.2 and what else the grammar has.
func TestCanonical(t *testing.T) {
	for _, text := range []string{
		`userName eq "bjensen"`,
		`name.familyName co "O'Malley"`,
		`userName sw "J"`,
		`title pr`,
		`meta.lastModified gt "2011-05-13T04:42:34Z"`,
		`meta.lastModified ge "2011-05-13T04:42:34Z"`,
		`meta.lastModified lt "2011-05-13T04:42:34Z"`,
		`meta.lastModified le "2011-05-13T04:42:34Z"`,
		`title pr and userType eq "Employee"`,
		`title pr or userType eq "Intern"`,
		`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`,
		`userType eq "Employee" and (emails.value co "example.com" or emails.value co "example.org")`,
		`userType ne "Employee" and not (emails.value co "example.com" or emails.value co "example.org")`,
		`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`,
		`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`,
		// precedence: not, and, or
		`title eq "a" or title eq "b" and title eq "c"`,
		`(title eq "a" or title eq "b") and title eq "c"`,
		`title eq "a" and (title eq "b" and title eq "c")`,
		`not (title pr) and active eq true`,
		`not (not (title pr))`,
		`emails[(type eq "a" or type eq "b") and not (value pr)]`,
		`emails[type eq "a" or type eq "b" or type eq "c"]`,
		// values
		`title eq null`,
		`title ne null`,
		`emails eq null`,
		`active eq false`,
		`title eq ""`,
		`title eq "\"\\/\n\u0001é😀"`,
		`title eq "a]b)c and d"`,
		enterprise + `manager.value eq "26118915-6090-4610-87e4-49d8ca9f808d"`,
		contoso + `:level gt 9007199254740993`,
		contoso + `:score le -1.5e-3`,
		// what no schema has
		`foo eq 42`,
		`foo.bar eq true`,
		`urn:ietf:params:scim:schemas:extension:other:1.1:User:costCenter.code eq "7"`,
		`urn:ietf:params:scim:schemas:extension:other:2.0:User:contacts[primary eq true]`,
		schema.UserURI + `:manager eq "x"`, // the URI says that it is not the extension's
		`$ref eq "x"`,
		`not eq "x"`,
		`or eq "x" or and pr`,
		`members[$ref eq "x"]`,
		`schemas[value eq "x"]`,
	} {
		f, notes, err := filter.Parse(text, set.User, lenient)
		if err != nil || f.String() != text || notes != 0 {
			t.Errorf("%s\n%v [%s] %v", text, f, notes, err)
			continue
		}
		if g, _, err := filter.Parse(text, set.User, filter.Options{}); err != nil || cmp.Diff(f, g) != "" {
			t.Errorf("%s\nwithout leniencies: %v %v", text, g, err)
		}
		if _, notes, err := filter.Parse(text, nil, filter.Options{}); err != nil || notes != 0 {
			t.Errorf("%s\nwithout a schema: [%s] %v", text, notes, err)
		}
	}
}

// TestMended are texts that Lenient takes. Each is an error, or stays as it was written, with the note not allowed.
func TestMended(t *testing.T) {
	for _, c := range []struct {
		text, want, notes string
		otherwise         string // what comes out without leniencies; empty: an error
	}{
		{text: `USERNAME EQ "J"`, want: `userName eq "J"`, notes: "name-case,operator-case", otherwise: `userName eq "J"`},
		{text: `title Pr And NOT (title pR)`, want: `title pr and not (title pr)`, notes: "operator-case", otherwise: `title pr and not (title pr)`},
		{text: `not(title pr)`, want: `not (title pr)`, otherwise: `not (title pr)`},
		{text: strings.ToUpper(enterprise) + `Manager.VALUE eq "x"`, want: enterprise + `manager.value eq "x"`, notes: "name-case", otherwise: enterprise + `manager.value eq "x"`},
		{text: schema.UserURI + `:name.familyName eq "x"`, want: `name.familyName eq "x"`, notes: "core-urn", otherwise: `name.familyName eq "x"`},
		{text: `((title pr))`, want: `title pr`, otherwise: `title pr`},
		{text: `title eq "\u0041\/"`, want: `title eq "A/"`, otherwise: `title eq "A/"`},
		{text: `title eq "\ud83d\ude00"`, want: `title eq "😀"`, otherwise: `title eq "😀"`},

		{text: ` ( title  eq "a" )  and  emails[ type eq "b" ] `, want: `title eq "a" and emails[type eq "b"]`, notes: "spaces"},
		{text: `not  (title pr)`, want: `not (title pr)`, notes: "spaces"},

		{text: `emails[type eq "work"].value eq "x"`, want: `emails[type eq "work" and value eq "x"]`, notes: "value-path-comparison"},
		{text: `emails[type eq "work"].value pr`, want: `emails[type eq "work" and value pr]`, notes: "value-path-comparison"},
		{text: `emails[type eq "a" or type eq "b"].Value sw "x" and title pr`, want: `emails[(type eq "a" or type eq "b") and value sw "x"] and title pr`, notes: "name-case,value-path-comparison"},
		{text: `emails[primary eq "True"].value eq "x"`, want: `emails[primary eq true and value eq "x"]`, notes: "boolean-string,value-path-comparison"},
		{text: `emails[type eq "work"].primary eq True`, want: `emails[type eq "work" and primary eq true]`, notes: "boolean-string,value-path-comparison"},

		{text: `externalId eq jyoung`, want: `externalId eq "jyoung"`, notes: "unquoted-literal"},
		{text: `(id eq 2819c223-7f76-453a-919d-413861904646)`, want: `id eq "2819c223-7f76-453a-919d-413861904646"`, notes: "unquoted-literal"},
		{text: `emails[value eq a@example.com]`, want: `emails[value eq "a@example.com"]`, notes: "unquoted-literal"},
		{text: `title eq 00123`, want: `title eq "00123"`, notes: "unquoted-literal"},
		{text: `title eq 42`, want: `title eq "42"`, notes: "unquoted-literal"},
		{text: `title eq True`, want: `title eq "True"`, notes: "unquoted-literal"}, // T1
		{text: `title eq true`, want: `title eq "true"`, notes: "unquoted-literal"},
		{text: `title eq Ärzte`, want: `title eq "Ärzte"`, notes: "unquoted-literal"},
		{text: `foo eq 1-2`, want: `foo eq "1-2"`, notes: "unquoted-literal"},
		{text: contoso + `:hired gt 2011-05-13T04:42:34Z`, want: contoso + `:hired gt "2011-05-13T04:42:34Z"`, notes: "unquoted-literal"},

		{text: `active eq "fALSE"`, want: `active eq false`, notes: "boolean-string"},
		{text: `active eq TRUE`, want: `active eq true`, notes: "boolean-string"},
		{text: contoso + `:level eq "42"`, want: contoso + `:level eq 42`, notes: "number-string"},

		{text: `manager eq "x"`, want: enterprise + `manager.value eq "x"`, notes: "bare-extension", otherwise: `manager eq "x"`},
		{text: `Manager.Value eq "x"`, want: enterprise + `manager.value eq "x"`, notes: "name-case,bare-extension", otherwise: `Manager.Value eq "x"`},
		{text: `manager pr`, want: enterprise + `manager pr`, notes: "bare-extension", otherwise: `manager pr`},
		{text: `department eq "x"`, want: enterprise + `department eq "x"`, notes: "bare-extension", otherwise: `department eq "x"`},
		{text: `division eq "x"`, want: `division eq "x"`, otherwise: `division eq "x"`}, // two extensions have it
		{text: `emails co "example.com"`, want: `emails.value co "example.com"`, notes: "complex-compare", otherwise: `emails co "example.com"`},
		{text: enterprise + `manager eq "x"`, want: enterprise + `manager.value eq "x"`, notes: "complex-compare", otherwise: enterprise + `manager eq "x"`},
		{text: schema.EnterpriseURI + `.manager.value eq "x"`, want: enterprise + `manager.value eq "x"`, notes: "dot-instead-of-colon"},
	} {
		f, notes, err := filter.Parse(c.text, set.User, lenient)
		if err != nil || f.String() != c.want || notes.String() != c.notes {
			t.Errorf("%s\ngot  %v [%s] %v\nwant %s [%s]", c.text, f, notes, err, c.want, c.notes)
			continue
		}
		if again, notes, err := filter.Parse(c.want, set.User, filter.Options{}); err != nil || notes != 0 || cmp.Diff(f, again) != "" {
			t.Errorf("%s is not canonical: %v [%s] %v", c.want, again, notes, err)
		}
		if only, _, err := filter.Parse(c.text, set.User, filter.Options{Allow: notes}); err != nil || cmp.Diff(f, only) != "" {
			t.Errorf("%s with just [%s]: %v %v", c.text, notes, only, err)
		}
		f, _, err = filter.Parse(c.text, set.User, filter.Options{})
		if (err != nil) != (c.otherwise == "") || err == nil && f.String() != c.otherwise {
			t.Errorf("%s without leniencies: %v %v, want %q", c.text, f, err, c.otherwise)
		}
	}
}

func TestErrors(t *testing.T) {
	deep := strings.Repeat("(", 33) + "title pr" + strings.Repeat(")", 33)
	for _, c := range []struct {
		text   string
		offset int
		reason string
	}{
		{``, 0, "the filter is empty"},
		{`   `, 0, "the filter is empty"},
		{`userName`, 8, "a space and an operator are expected"},
		{`userName `, 9, "an operator is expected"},
		{`userName eq`, 11, "a space and a value are expected"},
		{`userName eq `, 12, "a value is expected"},
		{`userName eq and title pr`, 12, "a value is expected"},
		{`userName is "x"`, 9, "an operator is expected"},
		{`userName = "x"`, 9, "an operator is expected"},
		{`userName eq"x"`, 11, "a space and a value are expected"},
		{`userName eq 'x'`, 12, "neither a string in double quotes"},
		{`userName eq %22x%22`, 12, "neither a string in double quotes"},
		{`userName eq {"a":1}`, 12, "neither a string in double quotes"},
		{`userName eq "x`, 12, "no closing quote"},
		{`userName eq "x\"`, 12, "no closing quote"},
		{`userName eq "\`, 12, "no closing quote"},
		{`userName eq "\x41"`, 13, "unknown escape"},
		{`userName eq "\u00zz"`, 13, "unknown escape"},
		{`userName eq "\ud83d"`, 13, "lone surrogate"},
		{`userName eq "\ude00\ud83d"`, 13, "lone surrogate"},
		{"userName eq \"a\x00\"", 14, "control character in a string"},
		{"userName eq \"a\nb\"", 14, "control character in a string"},
		{"userName eq a\x00", 12, "neither a string"},
		{"userName eq \"\xff\xfe\"", 0, "not valid UTF-8"},
		{"userName\teq \"a\"", 0, "an attribute is expected"},
		{"title pr\x00", 6, "an operator is expected"},
		{`displayName eq "Team "A""`, 22, "a value ends at a space"}, // C27
		{`displayName eq Sales Team`, 21, "or the end is expected"},
		{`userName eq "x" title pr`, 16, "or the end is expected"},
		{`userName eq "x" and`, 16, "or the end is expected"},
		{`userName eq "x" and `, 20, "an attribute is expected"},
		{`userName eq "x")`, 15, "or the end is expected"},
		{`userName eq "x"]`, 15, "or the end is expected"},
		{`(userName eq "x"`, 16, "a closing parenthesis is expected"},
		{`(userName eq "x"]`, 16, "a closing parenthesis is expected"},
		{`()`, 1, "an attribute is expected"},
		{`not title pr`, 4, "an operator is expected"},
		{`emails[type eq "work"`, 21, "a closing bracket is expected"},
		{`emails[type eq "work")`, 21, "a closing bracket is expected"},
		{`emails[]`, 7, "the name of a sub-attribute is expected"},
		{`emails[type eq "work"] eq "x"`, 23, "a value path cannot be compared"}, // C12
		{`emails[type eq "work"].value`, 28, "a space and an operator"},
		{`emails[type eq "work"]. eq "x"`, 23, "a sub-attribute is expected"},
		{`emails[type eq "work"].value.x eq "x"`, 23, "a sub-attribute is expected"},
		{`emails[emails[type eq "x"]]`, 13, "brackets cannot be inside brackets"},
		{`emails[a.b eq "x"]`, 7, "the name of a sub-attribute"},
		{`emails[urn:a:b:c eq "x"]`, 7, "the name of a sub-attribute"},
		{`emails.value[type eq "x"]`, 12, "can be followed by brackets"},
		{`userName[type eq "x"]`, 8, "can be followed by brackets"},
		{`name eq "x"`, 8, "name is complex"},
		{`addresses eq "x"`, 13, "addresses is complex"},
		{`active eq "yes"`, 10, "active is a boolean"},
		{`active eq "falſe"`, 10, "active is a boolean"}, // T3
		{`active eq " true "`, 10, "active is a boolean"},
		{`active eq 1`, 10, "active is a boolean"},
		{`active gt true`, 7, "a boolean can be compared with eq and ne only"},
		{`active co "true"`, 7, "a boolean can be compared with eq and ne only"},
		{`emails[primary eq "1"]`, 18, "primary is a boolean"},
		{`foo gt true`, 4, "a boolean can be compared with eq and ne only"},
		{`foo co 5`, 4, "search in strings only"},
		{`title gt null`, 6, "null can be compared with eq and ne only"},
		{contoso + `:level eq "x"`, len(contoso) + 10, "a number is expected"},
		{contoso + `:level eq true`, len(contoso) + 10, "a number is expected"},
		{contoso + `:level eq 0x10`, len(contoso) + 10, "a number is expected"},
		{contoso + `:level co 1`, len(contoso) + 7, "search in strings only"},
		{contoso + `:blob gt "x"`, len(contoso) + 6, "has no order"},
		{contoso + `:hired gt "yesterday"`, len(contoso) + 7, "hired is a dateTime"},
		{`password sw "a"`, 0, "password is never returned"},
		{`PASSWORD pr`, 0, "password is never returned"},
		{`__proto__ eq "x"`, 0, "an attribute is expected"},
		{`1a eq "x"`, 0, "an attribute is expected"},
		{`a..b eq "x"`, 0, "an attribute is expected"},
		{`a.b.c eq "x"`, 0, "an attribute is expected"},
		{`.a eq "x"`, 0, "an attribute is expected"},
		{`paſſword eq "x"`, 0, "an attribute is expected"},
		{`urn:x eq "x"`, 0, "is not that of a schema"},
		{`http://a:b eq "x"`, 0, "is not that of a schema"},
		{schema.EnterpriseURI + ` eq "x"`, len(schema.EnterpriseURI), "expected after the URI"},
		{enterprise + ` eq "x"`, len(enterprise), "an attribute is expected"},
		{deep, 32, "nested too deeply"},
		{strings.Repeat("(", 100_000), 16 << 10, "the filter is too long"},
		{strings.Repeat("not (", 3000), 32*5 + 4, "nested too deeply"},
		{`emails[` + deep[1:len(deep)-1] + `]`, 0, ""}, // 32 are allowed
		{`emails[` + strings.Repeat("(", 32) + `type pr` + strings.Repeat(")", 32) + ` or type pr].value pr`, 0, "nested too deeply"},
	} {
		f, _, err := filter.Parse(c.text, set.User, lenient)
		if c.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		e, ok := errors.AsType[*filter.Error](err)
		short := c.text[:min(len(c.text), 60)]
		if !ok || f != nil || !strings.Contains(e.Reason, c.reason) || c.offset != e.Offset && c.offset > 0 {
			t.Errorf("%s: %v %v, want %q at %d", short, f, err, c.reason, c.offset)
		}
	}
}

// TestErrorsQuoteNothing: what a client searches for is a personal datum.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "Zaphod"
	for _, text := range []string{
		`userName eq '` + secret + `'`, `userName eq "` + secret, `userName eq "x" ` + secret, secret + `! eq "x"`,
		`active eq "` + secret + `"`, `userName ` + secret + ` "x"`, `emails[` + secret + `. eq 1]`, `urn:` + secret + ` pr`,
		`userName eq "\q` + secret + `"`, contoso + `:hired gt "` + secret + `"`, contoso + `:level gt "` + secret + `"`,
	} {
		if _, _, err := filter.Parse(text, set.User, lenient); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestStrict(t *testing.T) {
	strict := filter.Options{Lenient: true, Strict: true}
	for _, text := range []string{
		`userName eq "a or b"`,
		`id eq 54d382a4-2050-4c03-94d1-e769f1d15682 and manager eq 2819c223-7f76-453a-919d-413861904646`,
		`emails[type eq "work"].value eq "x"`,
		`emails[type eq "work" and value eq "x"]`,
		`active eq True`,
	} {
		if _, _, err := filter.Parse(text, set.User, strict); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{ // C29
		`userName eq "a" or userName pr`,
		`userName pr`,
		`userName ne "a"`,
		`userName sw ""`,
		`not (userName eq "a")`,
		`(userName eq "a")`,
		`emails[type eq "work" or value eq "x"]`,
		`emails[type eq "work"].value pr`,
	} {
		if _, _, err := filter.Parse(text, set.User, strict); err == nil || !strings.Contains(err.Error(), "strict filter profile") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWalk(t *testing.T) {
	f, _, err := filter.Parse(`id eq "1" and emails[type eq "work" and value pr] and not (`+enterprise+`manager.value eq "2" or active eq true)`, set.User, lenient)
	if err != nil {
		t.Fatal(err)
	}
	var values, attrs, terms []string
	filter.Walk(f, func(c *filter.Compare) { values = append(values, c.Value.String()) })
	for a := range filter.Attributes(f) {
		attrs = append(attrs, a.String())
	}
	for term := range filter.Terms(f) {
		terms = append(terms, term.String())
	}
	if d := cmp.Diff([]string{`"1"`, `"work"`, `"2"`, `true`}, values); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"id", "emails.type", "emails.value", enterprise + "manager.value", "active"}, attrs); d != "" {
		t.Error(d)
	}
	if len(terms) != 3 || terms[1] != `emails[type eq "work" and value pr]` {
		t.Error(terms)
	}
	for range filter.Attributes(f) {
		break // must not go on
	}
}
