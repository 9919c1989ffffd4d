package filter_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
)

const resource = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "` + contoso + `"],
	"id": "Ab1", "externalId": "X1", "userName": "Babs@Example.com", "displayName": "Ärzte \"A\"", "title": "", "nickName": null,
	"active": true,
	"name": {"familyName": "Jensen", "givenName": null},
	"emails": [
		{"type": "work", "value": "babs@example.com", "primary": true},
		{"type": "home", "value": "b@home.example"},
		{"value": "untyped@example.org"}
	],
	"phoneNumbers": [], "ims": [{}], "photos": [null],
	"meta": {"created": "2020-01-01T12:00:00+02:00", "lastModified": "2021-05-13T04:42:34.500Z", "version": "W/\"a\""},
	"URN:ietf:params:scim:schemas:extension:enterprise:2.0:user": {"department": "Sales", "manager": {"value": "M1"}},
	"` + contoso + `": {"level": 9007199254740993, "score": 1.50, "tags": ["red", "Blue"], "hired": "2020-02-01T00:00:00"},
	"odd": "K", "flag": true, "count": 7, "list": [1, 2], "deep": {"value": "v", "x": "y"}
}`

func TestMatch(t *testing.T) {
	d, err := doc.Scan([]byte(resource))
	if err != nil {
		t.Fatal(err)
	}
	res := doc.Tree(d.Value())
	for _, c := range []struct {
		text string
		want bool
	}{
		// strings, by the attribute's caseExact
		{`userName eq "babs@example.COM"`, true},
		{`userName eq "babs"`, false},
		{`id eq "Ab1"`, true},
		{`id eq "ab1"`, false},
		{`externalId eq "x1"`, false},
		{`displayName eq "äRZTE \"a\""`, true},
		{`displayName co "RZT"`, true},
		{`userName co "@EX"`, true},
		{`userName sw "bab"`, true},
		{`userName sw "example"`, false},
		{`userName ew ".COM"`, true},
		{`userName gt "baba"`, true},
		{`userName lt "BABT"`, true},
		{`userName ge "babs@example.com"`, true},
		{`userName le "babs@example.com"`, true},
		{`userName gt "babs@example.com"`, false},
		{`userName ne "babs@example.com"`, false},
		{`userName ne "x"`, true},
		{`odd eq "k"`, true},       // unknown: without case
		{`odd eq "\u212a"`, false}, // but the Kelvin sign is no k
		// logic
		{`active eq true and userName sw "b" or id eq "no"`, true},
		{`active eq false and (userName sw "b" or id eq "no")`, false},
		{`not (active eq true)`, false},
		{`not (active eq true) or title pr or name pr`, true},
		// booleans
		{`active eq "True"`, true},
		{`active ne true`, false},
		{`active ne false`, true},
		{`flag eq true`, true},
		{`flag eq "true"`, false}, // unknown: a string is no boolean
		// presence and null
		{`title pr`, false},
		{`nickName pr`, false},
		{`profileUrl pr`, false},
		{`phoneNumbers pr`, false},
		{`ims pr`, false},
		{`photos pr`, false},
		{`active pr`, true},
		{`emails pr`, true},
		{`emails.type pr`, true},
		{`emails.display pr`, false},
		{`name.familyName pr`, true},
		{`name.givenName pr`, false},
		{`manager pr`, true},
		{`title eq null`, false}, // an empty string is a value
		{`title eq ""`, true},
		{`title ne null`, true},
		{`nickName eq null`, true},
		{`nickName ne null`, false},
		{`nickName eq ""`, false},
		{`nickName ne "x"`, true},
		{`nickName sw ""`, false},
		{`profileUrl eq null`, true},
		{`phoneNumbers eq null`, true},
		{`photos eq null`, true},
		{`emails eq null`, false},
		{`emails.type eq null`, true}, // the third has none
		{`emails.value eq null`, false},
		{`emails.display eq null`, true},
		{`emails.display ne null`, false},
		{`name.givenName eq null`, true},
		{`phoneNumbers.value ne "1"`, true},
		{`phoneNumbers.value eq "1"`, false},
		// several values
		{`emails eq "B@home.example"`, true},
		{`emails co "example.org"`, true},
		{`emails.value ew "example.org"`, true},
		{`emails.type eq "home"`, true},
		{`emails.type eq "other"`, false},
		{`emails.type ne "work"`, true},
		{`emails[type eq "work" and value co "home"]`, false},
		{`emails[type eq "home" and value co "home"]`, true},
		{`emails[not (type pr) and value ew ".org"]`, true},
		{`emails[type eq null]`, true},
		{`emails[primary eq true].value eq "babs@example.com"`, true},
		{`emails[primary ne true]`, true},
		{`emails[primary eq false]`, false},
		{`emails[primary eq true and type eq "home"]`, false},
		{`phoneNumbers[not (type pr)]`, false}, // no element, nothing that could satisfy
		{`photos[not (type pr)]`, false},
		{`name[familyName eq "jensen"]`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`, true},
		{`schemas eq "URN:ietf:params:scim:schemas:core:2.0:User"`, false},
		{`schemas[value ew ":User"]`, true},
		{contoso + `:tags eq "Blue"`, true},
		{contoso + `:tags eq "blue"`, false},
		{contoso + `:tags[value eq "red"]`, true},
		{contoso + `:tags[value eq "RED"]`, false},
		{`deep eq "v"`, true},
		{`deep.x eq "y"`, true},
		{`list eq 2`, true},
		{`list eq 3`, false},
		// extensions, whatever the case of their key
		{enterprise + `department eq "sales"`, true},
		{enterprise + `manager.value eq "M1"`, true},
		{enterprise + `manager eq "m1"`, false}, // an id
		{`manager eq M1`, true},
		{`department eq "Sales"`, true},
		{enterprise + `division eq null`, true},
		{`urn:ietf:params:scim:schemas:extension:other:2.0:User:x eq "y"`, false},
		{`urn:ietf:params:scim:schemas:extension:other:2.0:User:x ne "y"`, true},
		// numbers, without a float in between
		{contoso + `:level eq 9007199254740993`, true},
		{contoso + `:level eq 9007199254740992`, false},
		{contoso + `:level gt 9007199254740992`, true},
		{contoso + `:level eq "9007199254740993"`, true},
		{contoso + `:level eq 9007199254740993.0`, true},
		{contoso + `:level eq 9.007199254740993e15`, true},
		{contoso + `:level lt 1e999999999999999999999999`, true},
		{contoso + `:level gt 1e-99999999999999999999999`, true},
		{contoso + `:level gt -1e99999`, true},
		{contoso + `:score eq 1.5`, true},
		{contoso + `:score ge 15E-1`, true},
		{contoso + `:score lt 1.500000000000000000001`, true},
		{`count gt 6`, true},
		{`count eq "7"`, false},
		{`count ne "7"`, true},
		// dates are points in time
		{`meta.created eq "2020-01-01T10:00:00Z"`, true},
		{`meta.created lt "2020-01-01T10:00:01Z"`, true},
		{`meta.created gt "2020-01-01T11:00:00+02:00"`, true},
		{`meta.created sw "2020-01-01T12"`, true},
		{`meta.lastModified eq "2021-05-13T04:42:34.5Z"`, true},
		{contoso + `:hired eq "2020-02-01T00:00:00Z"`, true},
		{contoso + `:hired ne "2020-02-01T00:00:00Z"`, false},
		{`meta.version eq "W/\"a\""`, true},
	} {
		f, _, err := filter.Parse(c.text, set.User, lenient)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := filter.Match(f, res, set.User); got != c.want {
			t.Errorf("%s = %v", f, got)
		}
	}
	if got := string(res.Doc().Raw()); got != resource {
		t.Errorf("matching changed the resource: %s", got)
	}
}

func TestMatchElement(t *testing.T) {
	for _, c := range []struct {
		text, elem string
		want       bool
	}{
		{`members[value eq "A"]`, `{"value": "A", "$ref": "https://a.example/Users/A"}`, true},
		{`members[value eq "a"]`, `{"value": "A"}`, false}, // ids are case exact
		{`members[VALUE eq "A"]`, `{"Value": "A"}`, true},
		{`members[$ref ew "/Users/A"]`, `{"value": "A", "$ref": "https://a.example/Users/A"}`, true},
		{`members[type eq "user"]`, `{"value": "A", "type": "User"}`, true},
		{`members[value eq "A"]`, `"A"`, true},
		{`members[type eq "A"]`, `"A"`, false},
		{`members[value pr]`, `{}`, false},
		{`members[value pr]`, `null`, false},
		{`foo[bar eq "X"]`, `{"bar": "x"}`, true},
	} {
		p, _, err := filter.ParsePath(c.text, set.Group, lenient)
		if err != nil {
			t.Fatal(err)
		}
		d, err := doc.Scan([]byte(c.elem))
		if err != nil {
			t.Fatal(err)
		}
		def := set.Group.Attribute(p.Attr.URI, p.Attr.Name, "")
		if got := filter.MatchElement(p.Filter, doc.Tree(d.Value()), def); got != c.want {
			t.Errorf("%s on %s = %v", c.text, c.elem, got)
		}
	}
}
