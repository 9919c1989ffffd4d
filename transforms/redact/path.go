package redact

import (
	"regexp"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

var (
	literals = regexp.MustCompile(`"(?:[^"\\]|\\.)*("|$)`)
	compared = regexp.MustCompile(`([A-Za-z0-9_$.:-]+)\s+[A-Za-z]{2}\s*$`)
	within   = regexp.MustCompile(`([A-Za-z0-9_$-]+)\[[^\[\]]*$`)
)

// Path returns a path or a filter (RFC 7644 §3.4.2.2) with other values to compare with. It need not be a valid one.
func Path(s string, r Rewriter) string {
	if !strings.Contains(s, `"`) {
		return s
	}
	var b strings.Builder
	at := 0
	for _, span := range Literals(s) {
		quoted := s[span[0]:span[1]]
		b.WriteString(s[at:span[0]])
		b.WriteString(Literal(s[:span[0]], quoted, r))
		at = span[1]
	}
	b.WriteString(s[at:])
	return b.String()
}

// Literals returns where the quoted values of a path or a filter are, quotation marks included. The last one may lack its
// second mark.
func Literals(s string) [][]int { return literals.FindAllStringIndex(s, -1) }

// Literal returns what takes the place of a quoted value, with before in front of it.
func Literal(before, quoted string, r Rewriter) string {
	var a Attribute
	if c := compared.FindStringSubmatch(before); c != nil {
		if a = Of(c[1]); a.Parent == "" {
			if w := within.FindStringSubmatch(before); w != nil {
				a.Parent = doc.Fold(w[1])
			}
		}
	}
	if a.Secret() {
		return `"` + quirks.Hidden + `"`
	}
	text, err := doc.Unquote(quoted)
	if err != nil {
		text = strings.Trim(quoted, `"`)
	}
	if other := r.Literal(a, text); other != text {
		return string(doc.AppendString(nil, other))
	}
	return quoted
}

// parameters are those of RFC 7644 §3.4.2 whose values are of nobody.
var parameters = map[string]bool{
	"attributes": true, "excludedattributes": true, "count": true, "startindex": true, "sortby": true, "sortorder": true, "aadoptscim062020": true,
}

// PlainParameter reports whether a parameter of a query is one whose value tells nothing of a person. What an unknown one
// holds may be a secret.
func PlainParameter(name string) bool { return parameters[doc.Fold(name)] }
