// Package scrub takes out of SCIM traffic what tells who somebody is, and leaves what tells how the provider speaks. The
// same value becomes the same pseudonym everywhere, with one key: in paths, filters and documents.
//
// Pseudonyms are made word by word. So the userName that equals an e-mail address still equals it, an address keeps its
// shape, and "ada" in "Ada Example" is the "ada" of ada@example.com still. No pseudonym is an address that somebody has: its
// words have no vowels, and no domain ends in one.
package scrub

import (
	"net/url"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/redact"
)

// Document returns a whole JSON document with pseudonyms. Names of attributes and schemas, types, structure, booleans and
// words for booleans stay; the values of secrets do not.
func (s *Scrubber) Document(v doc.Value) []byte {
	return redact.Append(make([]byte, 0, 2*len(v.Raw())+64), v, redact.Attribute{}, s)
}

// Foreign is Document for an answer whose sentences are not the gateway's own: anything may stand in them.
func (s *Scrubber) Foreign(v doc.Value) []byte {
	return redact.Append(nil, v, redact.Attribute{}, foreign{s})
}

type foreign struct{ *Scrubber }

func (f foreign) Value(dst []byte, a redact.Attribute, v doc.Value) []byte {
	if a.Name == "detail" {
		a = redact.Attribute{}
	}
	return f.Scrubber.Value(dst, a, v)
}

// Value implements [redact.Rewriter].
func (s *Scrubber) Value(dst []byte, a redact.Attribute, v doc.Value) []byte {
	switch v.Kind() {
	case doc.String:
		return doc.AppendString(dst, s.Literal(a, v.Text()))
	case doc.Number:
		if !a.Plain() {
			return append(dst, s.number(string(v.Raw()))...)
		}
	}
	return append(dst, v.Raw()...)
}

// Literal implements [redact.Rewriter].
func (s *Scrubber) Literal(a redact.Attribute, text string) string {
	switch {
	case a.Plain() && !strings.Contains(text, "@"):
		return text
	case quirks.IsBoolean(text) && a.Parent != "name" && !names[a.Name]:
		return text
	case a.Name == "$ref", a.Name == "location":
		return s.reference(text)
	case a.Name == "detail":
		return s.sentence(text)
	}
	return s.Text(text)
}

// names are attributes in which a word that is also one for true or false is somebody's name.
var names = map[string]bool{"username": true, "displayname": true, "nickname": true, "display": true, "name": true}

// reference keeps of a URL which endpoint it is of.
func (s *Scrubber) reference(text string) string {
	parts := strings.Split(text, "/")
	for i, part := range parts {
		if part != "Users" && part != "Groups" && (i > 0 || part != "https:" && part != "http:") {
			parts[i] = s.segment(part)
		}
	}
	return strings.Join(parts, "/")
}

func (s *Scrubber) segment(part string) string {
	text, err := url.PathUnescape(part)
	if err != nil {
		text = part
	}
	return url.PathEscape(s.Text(text))
}

// sentence is for what the gateway itself says of an error: values are in it only where it quotes somebody.
func (s *Scrubber) sentence(text string) string {
	text = redact.Path(text, quoted{s})
	words := strings.Split(text, " ")
	for i, word := range words {
		if strings.Contains(word, "@") {
			words[i] = s.Text(word)
		}
	}
	return strings.Join(words, " ")
}

// quoted scrubs whatever stands in quotation marks.
type quoted struct{ *Scrubber }

func (q quoted) Literal(_ redact.Attribute, text string) string { return q.Text(text) }

// Target returns the path of a request below the SCIM root, and its query, with pseudonyms. Both are percent-encoded, and
// stay as they are spelled where nothing is hidden.
func (s *Scrubber) Target(path, query string) string {
	parts := strings.Split(path, "/")
	if len(parts) > 2 && (parts[1] == "Users" || parts[1] == "Groups") {
		for i := range parts[2:] {
			parts[2+i] = s.segment(parts[2+i])
		}
	}
	path = strings.Join(parts, "/")
	if query == "" {
		return path
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		pairs[i] = s.pair(pair)
	}
	return path + "?" + strings.Join(pairs, "&")
}

// pair is one parameter of a query. What an unknown one holds may be a secret.
func (s *Scrubber) pair(pair string) string {
	name, value, has := strings.Cut(pair, "=")
	known, err := url.QueryUnescape(name)
	switch {
	case err == nil && doc.FoldEqual(known, "filter"):
		return name + "=" + s.filter(value)
	case err == nil && (redact.PlainParameter(known) || quirks.IsFlag(known)):
		return pair
	case has:
		return "hidden=hidden"
	}
	return "hidden"
}

// filter scrubs an encoded filter: what is around its values keeps its spelling.
func (s *Scrubber) filter(raw string) string {
	var decoded strings.Builder
	var at []int // where in raw each decoded byte begins
	for i := 0; i < len(raw); {
		n := 1
		if raw[i] == '%' {
			n = 3
		}
		if i+n > len(raw) {
			return "hidden"
		}
		text, err := url.QueryUnescape(raw[i : i+n])
		if err != nil {
			return "hidden"
		}
		decoded.WriteString(text)
		at = append(at, i)
		i += n
	}
	at = append(at, len(raw))
	text, from := decoded.String(), 0
	var out strings.Builder
	for _, span := range redact.Literals(text) {
		quoted := text[span[0]:span[1]]
		out.WriteString(raw[from:at[span[0]]])
		if other := redact.Literal(text[:span[0]], quoted, s); other == quoted {
			out.WriteString(raw[at[span[0]]:at[span[1]]])
		} else {
			first, last := at[span[0]], at[span[0]+1]
			inside := other[1 : len(other)-1]
			out.WriteString(raw[first:last] + strings.ReplaceAll(url.QueryEscape(inside), "+", "%20"))
			if strings.HasSuffix(quoted, `"`) && len(quoted) > 1 {
				out.WriteString(raw[at[span[1]-1]:at[span[1]]])
			}
		}
		from = at[span[1]]
	}
	return out.String() + raw[from:]
}
