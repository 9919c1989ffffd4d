package redact

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// shout writes every value with its attribute, so that one sees what each was taken for.
type shout struct{}

func (shout) Value(dst []byte, a Attribute, v doc.Value) []byte {
	return doc.AppendString(dst, a.Parent+"/"+a.Name+"="+v.Text())
}

func (shout) Literal(a Attribute, s string) string { return a.Parent + "/" + a.Name + "=" + s }

func TestOf(t *testing.T) {
	for path, want := range map[string]Attribute{
		"userName":                       {"", "username"},
		`emails[type eq "work"].value`:   {"emails", "value"},
		"name.familyName":                {"name", "familyname"},
		`members[value eq "1"`:           {"", "members"},
		"urn:x:2.0:User:manager":         {"", "manager"},
		"urn:x:2.0:User:manager.value":   {"manager", "value"},
		"a.b.c":                          {"b", "c"},
		`emails[value eq "a]b"].display`: {"emails", "display"},
	} {
		if got := Of(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestEveryValueIsOfItsAttribute(t *testing.T) {
	for in, want := range map[string]string{
		`{"userName":"a","emails":[{"type":"work","value":"b"}]}`:                      `{"userName":"/username=a","emails":[{"type":"emails/type=work","value":"emails/value=b"}]}`,
		`{"op":"Replace","path":"name.givenName","value":"a"}`:                         `{"op":"/op=Replace","path":"name.givenName","value":"name/givenname=a"}`,
		`{"path":"members","value":[{"value":"1"}]}`:                                   `{"path":"members","value":[{"value":"members/value=1"}]}`,
		`{"value":{"emails[type eq \"work\"].value":"a","urn:x:2.0:User:vip":"True"}}`: `{"value":{"emails[type eq \"emails/type=work\"].value":"emails/value=a","urn:x:2.0:User:vip":"value/vip=True"}}`,
		`{"password":{"x":1},"apiToken":["t"],"n":7}`:                                  `{"password":"` + quirks.Hidden + `","apiToken":"` + quirks.Hidden + `","n":"/n=7"}`,
		`{"path":"password","value":"p"}`:                                              `{"path":"password","value":"` + quirks.Hidden + `"}`,
		`[]`:                                                                           `[]`,
	} {
		d, err := doc.Scan([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(Append(nil, d.Value(), Attribute{}, shout{})); got != want {
			t.Errorf("%s became\n%s, want\n%s", in, got, want)
		}
	}
}

func TestPathRewritesLiterals(t *testing.T) {
	for in, want := range map[string]string{
		`userName eq "a" and emails[value sw "b"]`: `userName eq "/username=a" and emails[value sw "emails/value=b"]`,
		`password eq "p`:        `password eq "` + quirks.Hidden + `"`,
		`displayName eq "a\"b"`: `displayName eq "/displayname=a\"b"`,
		`"lost`:                 `"/=lost"`,
		`userName eq "lost\`:    `userName eq "/username=lost\\"`,
		`userName  Eq "a"`:      `userName  Eq "/username=a"`,
		`userName equals "a"`:   `userName equals "/=a"`,
		`emails[type] eq "a"`:   `emails[type] eq "/=a"`,
		`userName pr`:           `userName pr`,
	} {
		if got := Path(in, shout{}); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if in := `displayName eq "a\u0041"`; Path(in, same{}) != in {
		t.Error("what stays the same is written anew")
	}
	if got := Path(strings.Repeat(`"`, 3), shout{}); got != `"/=""/="` {
		t.Errorf("got %s", got)
	}
}

type same struct{ shout }

func (same) Literal(_ Attribute, s string) string { return s }
