package template

import (
	"errors"
	"strings"
	"unicode"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// filterFunc changes a value; what is missing stays missing.
type filterFunc func(*doc.Node) (*doc.Node, error)

// filters are the words behind the bar of a placeholder. Those made with each work on every element of an array.
var filters = map[string]filterFunc{
	"int":       each(ToInt),
	"str":       each(text(func(s string) string { return s })),
	"bool":      each(ToBool),
	"not":       each(not),
	"lower":     each(text(schema.Fold)),
	"upper":     each(text(schema.Upper)),
	"trim":      each(text(strings.TrimSpace)),
	"localpart": each(text(localPart)),
	"domain":    each(text(domain)),
	"slug":      each(text(slug)),
	"first":     each(text(firstWord)),
	"rest":      each(text(otherWords)),
	"esc":       each(text(jsonInside)),
	"sq":        each(text(singleQuoted)),
	"dq":        each(text(doubledQuotes)),
	"rison":     each(text(risonInside)),
	"csv":       csv,
	"json":      asJSON,
	"list":      asList,
}

func each(f filterFunc) filterFunc {
	var all filterFunc
	all = func(n *doc.Node) (*doc.Node, error) {
		switch n.Kind() {
		case doc.Invalid, doc.Null:
			return n, nil
		case doc.Array:
			items := make([]*doc.Node, 0, len(n.Items()))
			for _, item := range n.Items() {
				one, err := all(item)
				if err != nil {
					return nil, err
				}
				items = append(items, one)
			}
			return doc.NewArray(items...), nil
		}
		return f(n)
	}
	return all
}

func text(f func(string) string) filterFunc {
	return func(n *doc.Node) (*doc.Node, error) {
		if n.Kind() == doc.Object {
			return nil, errors.New("it is an object and not a text")
		}
		return doc.NewString(f(n.Text())), nil
	}
}

// ToInt returns a text of digits as a number of JSON.
func ToInt(n *doc.Node) (*doc.Node, error) {
	s := n.Text()
	digits := strings.TrimPrefix(s, "-")
	// The text is used as it stands: an id may have more digits than a machine word.
	if digits == "" || len(digits) > 64 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' && len(digits) > 1 {
		return nil, errors.New("it is not an integer")
	}
	d, err := doc.Scan([]byte(s))
	if err != nil {
		return nil, errors.New("it is not an integer")
	}
	return doc.Tree(d.Value()), nil
}

// ToBool returns a text that means true or false as that.
func ToBool(n *doc.Node) (*doc.Node, error) {
	switch s := n.Text(); {
	case doc.FoldEqual(s, "true"), s == "1":
		return doc.NewBool(true), nil
	case doc.FoldEqual(s, "false"), s == "0":
		return doc.NewBool(false), nil
	}
	return nil, errors.New("it is neither true nor false")
}

func not(n *doc.Node) (*doc.Node, error) {
	b, err := ToBool(n)
	if err != nil {
		return nil, err
	}
	return doc.NewBool(!b.True()), nil
}

func localPart(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[:i]
	}
	return s
}

func domain(s string) string {
	return s[strings.LastIndexByte(s, '@')+1:]
}

// slug keeps ASCII letters, digits, "_", "." and "-"; a run of anything else becomes one "-". Accents are taken off
// Latin letters first, so that Müller and Möller stay different from each other as long as they can.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		plain := latin(r)
		if plain == "" {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteString(plain)
	}
	return strings.Trim(b.String(), "-.")
}

// latin returns the rune in ASCII; empty where there is nothing like it.
func latin(r rune) string {
	if r < 0x80 {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.' {
			return string(r)
		}
		return ""
	}
	switch unicode.ToLower(r) {
	case 'ä', 'æ':
		return caseOf(r, "ae")
	case 'ö', 'ø', 'œ':
		return caseOf(r, "oe")
	case 'ü':
		return caseOf(r, "ue")
	case 'ß':
		return "ss"
	case 'å':
		return caseOf(r, "aa")
	case 'þ':
		return caseOf(r, "th")
	}
	const (
		accented = "àáâãāăąçćčďđðèéêëēęěğģìíîïīįıķłļñńņňòóôõōőŕřśšşșťţțùúûūůűųýÿźżžħĥĝ"
		plain    = "aaaaaaacccdddeeeeeeeggiiiiiiiklllnnnnoooooorrssssttttuuuuuuuyyzzzhhg"
	)
	i := 0
	for _, a := range accented {
		if a == unicode.ToLower(r) && i < len(plain) {
			return caseOf(r, plain[i:i+1])
		}
		i++
	}
	return ""
}

func caseOf(r rune, s string) string {
	if unicode.IsUpper(r) {
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

func otherWords(s string) string {
	_, words, _ := strings.Cut(strings.TrimSpace(s), " ")
	return strings.TrimSpace(words)
}

// jsonInside returns the text as it stands inside a JSON string.
func jsonInside(s string) string {
	quoted := doc.AppendString(nil, s)
	return string(quoted[1 : len(quoted)-1])
}

// singleQuoted returns the text as it stands inside single quotes, with backslashes before quotes and backslashes.
func singleQuoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}

// doubledQuotes returns the text as it stands inside single quotes where a quote is written twice, as in SQL and OData.
func doubledQuotes(s string) string { return strings.ReplaceAll(s, `'`, `''`) }

// risonInside returns the text as it stands inside single quotes in Rison, with ! before quotes and itself.
func risonInside(s string) string { return strings.NewReplacer(`!`, `!!`, `'`, `!'`).Replace(s) }

func csv(n *doc.Node) (*doc.Node, error) {
	if n.Kind() != doc.Array {
		return n, nil
	}
	words := make([]string, 0, len(n.Items()))
	for _, item := range n.Items() {
		words = append(words, TextOf(item))
	}
	return doc.NewString(strings.Join(words, ",")), nil
}

func asJSON(n *doc.Node) (*doc.Node, error) {
	if n == nil {
		return nil, nil
	}
	return doc.NewString(string(n.AppendTo(nil))), nil
}

// asList makes an array of what is none.
func asList(n *doc.Node) (*doc.Node, error) {
	switch n.Kind() {
	case doc.Invalid, doc.Null:
		return doc.NewArray(), nil
	case doc.Array:
		return n, nil
	}
	return doc.NewArray(n), nil
}
