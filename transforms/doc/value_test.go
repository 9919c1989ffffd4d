package doc_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Is and HasPrefix look at as little of a string as they can; they have to see what a reader of the whole text sees.
func TestIs(t *testing.T) {
	for _, raw := range []string{
		`""`, `"m"`, `"\u006d"`, `"\u004D"`, `"meta"`, `"METa"`, `"\u006deta"`, `"met\u0041"`, `"\u006d\u0065\u0074\u0061"`, `"meta "`, `"metaa"`,
		`"$ref"`, `"\u0024REF"`, `"\\"`, `"\u005c"`, `"a\\b"`, `"\/"`, `"s"`, `"ſ"`, `"\u017f"`, `"😀"`, `"\ud83d\ude00"`, `"location"`,
		`1`, `12`, `{}`, `[""]`, `null`, `true`,
	} {
		d, err := doc.Scan([]byte(raw))
		if err != nil {
			t.Fatal(raw, err)
		}
		v := d.Value()
		for _, name := range []string{"", "m", "meta", "$ref", `\`, `a\b`, "/", "s", "ſ", "😀", "location", "true", "1"} {
			if got, want := v.Is(name), v.Kind() == doc.String && doc.FoldEqual(v.Text(), name); got != want {
				t.Errorf("%s is %q: %v", raw, name, got)
			}
			begins := v.Kind() == doc.String && len(v.Text()) >= len(name) && doc.FoldEqual(v.Text()[:len(name)], name)
			if got := name != "" && v.HasPrefix(name); got != (name != "" && begins) {
				t.Errorf("%s begins with %q: %v", raw, name, got)
			}
		}
	}
	if (doc.Value{}).Is("") {
		t.Error("nothing is taken for a string")
	}
}
