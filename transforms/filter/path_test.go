package filter_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

func TestPath(t *testing.T) {
	work := &filter.Compare{Attr: filter.Attr{Name: "type"}, Op: filter.Eq, Value: filter.Literal{Kind: doc.String, Text: "work"}}
	for _, c := range []struct {
		text  string
		want  filter.Path
		notes string
	}{
		{`active`, filter.Path{Attr: filter.Attr{Name: "active"}}, ""},
		{`name.familyName`, filter.Path{Attr: filter.Attr{Name: "name", Sub: "familyName"}}, ""},
		{`emails[type eq "work"]`, filter.Path{Attr: filter.Attr{Name: "emails"}, Filter: work}, ""},
		{`Emails[TYPE eq "work"].Value`, filter.Path{Attr: filter.Attr{Name: "emails"}, Filter: work, Sub: "value"}, "name-case"},
		{`roles[primary eq "True"].value`, filter.Path{
			Attr:   filter.Attr{Name: "roles"},
			Filter: &filter.Compare{Attr: filter.Attr{Name: "primary"}, Op: filter.Eq, Value: filter.Literal{Kind: doc.Bool, Text: "true"}},
			Sub:    "value",
		}, "boolean-string"}, // Q52
		{`emails[value eq "a]b.c"].value`, filter.Path{
			Attr:   filter.Attr{Name: "emails"},
			Filter: &filter.Compare{Attr: filter.Attr{Name: "value"}, Op: filter.Eq, Value: filter.Literal{Kind: doc.String, Text: "a]b.c"}},
			Sub:    "value",
		}, ""}, // E116
		{` title `, filter.Path{Attr: filter.Attr{Name: "title"}}, "spaces"},
		{`manager`, filter.Path{Attr: filter.Attr{URI: schema.EnterpriseURI, Name: "manager"}}, "bare-extension"},
		{enterprise + `manager.displayName`, filter.Path{Attr: filter.Attr{URI: schema.EnterpriseURI, Name: "manager", Sub: "displayName"}}, ""},
		{schema.EnterpriseURI + `.department`, filter.Path{Attr: filter.Attr{URI: schema.EnterpriseURI, Name: "department"}}, "dot-instead-of-colon"},
		{schema.EnterpriseURI, filter.Path{Attr: filter.Attr{URI: schema.EnterpriseURI}}, ""},
		{strings.ToLower(schema.UserURI), filter.Path{Attr: filter.Attr{URI: schema.UserURI}}, "name-case"},
		{`urn:ietf:params:scim:schemas:extension:other:2.0:User`, filter.Path{Attr: filter.Attr{URI: "urn:ietf:params:scim:schemas:extension:other:2.0", Name: "User"}}, ""},
		{`members[value eq "x"].$ref`, filter.Path{
			Attr:   filter.Attr{Name: "members"},
			Filter: &filter.Compare{Attr: filter.Attr{Name: "value"}, Op: filter.Eq, Value: filter.Literal{Kind: doc.String, Text: "x"}},
			Sub:    "$ref",
		}, ""},
		{`password`, filter.Path{Attr: filter.Attr{Name: "password"}}, ""},
	} {
		got, notes, err := filter.ParsePath(c.text, set.User, lenient)
		if d := cmp.Diff(c.want, got); err != nil || d != "" || notes.String() != c.notes {
			t.Errorf("%s: [%s] %v\n%s", c.text, notes, err, d)
		}
		if again, notes, err := filter.ParsePath(got.String(), set.User, filter.Options{}); err != nil || notes != 0 || cmp.Diff(got, again) != "" {
			t.Errorf("%s is not canonical: %v [%s] %v", got, again, notes, err)
		}
	}
	for _, text := range []string{
		``, ` `, `badPath[`, `emails[type eq 'work'].value`, `emails[type eq "work"`, `emails[type eq "work"].`, `emails[type eq "work"].a.b`,
		`emails]`, `emails[type eq "work"]x`, `emails[type eq "work"] .value`, `emails[type eq "work"].value eq "x"`, `__proto__`, `a.__proto__`,
		`constructor prototype`, `emails["work"]`, `emails[0]`, `/emails`, `.emails`, `emails.`, schema.EnterpriseURI + `[a pr]`, `userName[a pr]`,
		`a["b"]`, strings.Repeat("a", 16<<10+1), `emails[` + strings.Repeat("(", 33) + `type pr` + strings.Repeat(")", 33) + `]`,
	} {
		if p, _, err := filter.ParsePath(text, set.User, lenient); err == nil {
			t.Errorf("%q is a path: %#v", text, p)
		}
	}
	for _, text := range []string{` a`, schema.EnterpriseURI + `.department`, `roles[primary eq "True"]`, `emails[type eq work]`} {
		if _, _, err := filter.ParsePath(text, set.User, filter.Options{}); err == nil {
			t.Errorf("%q is a path without leniencies", text)
		}
	}
}
