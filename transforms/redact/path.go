package redact

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
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
func Literals(s string) (all [][]int) {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		from := i
		for i++; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
		}
		all = append(all, []int{from, min(i+1, len(s))})
	}
	return all
}

// compared returns the attribute that the end of a text compares with what follows it: userName of userName eq.
func compared(before string) string {
	const blank = " \t\r\n\f"
	s := strings.TrimRight(before, blank)
	n := len(s) - len("eq")
	if n < 1 || !isLetter(s[n]) || !isLetter(s[n+1]) {
		return ""
	}
	path := strings.TrimRight(s[:n], blank)
	if len(path) == n {
		return ""
	}
	return path[ending(path, "_$.:-"):]
}

// within returns the attribute in whose brackets the end of a text is: emails of emails[type eq.
func within(before string) string {
	i := strings.LastIndexAny(before, "[]")
	if i < 0 || before[i] == ']' {
		return ""
	}
	return before[ending(before[:i], "_$-"):i]
}

// ending returns where the letters, the digits and the other characters given begin with which a text ends.
func ending(s, others string) int {
	i := len(s)
	for i > 0 && (isLetter(s[i-1]) || s[i-1] >= '0' && s[i-1] <= '9' || strings.IndexByte(others, s[i-1]) >= 0) {
		i--
	}
	return i
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// Literal returns what takes the place of a quoted value, with before in front of it.
func Literal(before, quoted string, r Rewriter) string {
	var a Attribute
	if path := compared(before); path != "" {
		if a = Of(path); a.Parent == "" {
			a.Parent = doc.Fold(within(before))
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
