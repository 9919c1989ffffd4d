package filter_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/filter"
)

// TestLocalizedBoolean checks that the words which Options knows are booleans where the schema says boolean, and nowhere else.
func TestLocalizedBoolean(t *testing.T) {
	words := func(word string) string { return map[string]string{"Vrai": "true", "Ложь": "false"}[word] }
	for _, c := range []struct{ text, want, notes string }{
		{`active eq "Vrai"`, `active eq true`, "localized-boolean"},
		{`active eq Ложь`, `active eq false`, "localized-boolean"},
		{`roles[primary eq "Vrai"]`, `roles[primary eq true]`, "localized-boolean"},
		{`active eq "True"`, `active eq true`, "boolean-string"},
		{`title eq "Vrai"`, `title eq "Vrai"`, ""}, // T1
		{`foo eq "Vrai"`, `foo eq "Vrai"`, ""},
		{`active eq "Oui"`, "", ""},
		{`active co "Vrai"`, "", ""},
	} {
		f, notes, err := filter.Parse(c.text, set.User, filter.Options{Lenient: true, Boolean: words})
		if got := printed(f, err); got != c.want || err == nil && notes.String() != c.notes {
			t.Errorf("%s\ngot  %v [%s] %v\nwant %s [%s]", c.text, got, notes, err, c.want, c.notes)
		}
		if notes != filter.LocalizedBoolean {
			continue
		}
		if f, _, err := filter.Parse(c.text, set.User, filter.Options{Allow: notes | filter.UnquotedLiteral, Boolean: words}); printed(f, err) != c.want {
			t.Errorf("%s with just the note: %v %v", c.text, f, err)
		}
		for _, o := range []filter.Options{{Lenient: true}, {Boolean: words, Allow: filter.BooleanString}} {
			if f, _, err := filter.Parse(c.text, set.User, o); err == nil {
				t.Errorf("%s is taken with neither the word nor leave: %v", c.text, f)
			}
		}
	}
}

func printed(f filter.Filter, err error) string {
	if err != nil {
		return ""
	}
	return f.String()
}
