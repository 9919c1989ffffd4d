package provlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"hash"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// How values of people are kept.
const (
	Full   = "full"   // as they are
	Masked = "masked" // as marks that tell equal from different
	None   = "none"   // not at all
)

// masker hides values by what attribute they are of, never by how they look. Passwords are hidden in every mode. It is
// for one goroutine.
type masker struct {
	mode  string
	mac   hash.Hash
	group bool // the document is about a group: its name is nobody's personal value
}

func newMasker(mode string, key []byte) *masker {
	return &masker{mode: mode, mac: hmac.New(sha256.New, key)}
}

var marks = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// mark stands for a value: the same for the same one, in this installation only.
func (m *masker) mark(s string) string {
	switch {
	case s == "":
		return ""
	case m.mode == None:
		return "…"
	}
	m.mac.Reset()
	_, _ = m.mac.Write([]byte(s))
	var sum [sha256.Size]byte
	return "•" + marks.EncodeToString(m.mac.Sum(sum[:0])[:5])
}

// personal is a value that tells who somebody is.
func (m *masker) personal(s string) string {
	switch m.mode {
	case Full:
		return s
	case None:
		return ""
	}
	return m.mark(s)
}

// plain are attributes whose values tell nothing of a person. Whatever is not here is masked: an attribute that the
// operator has declared may hold anything.
var plain = map[string]bool{
	"schemas": true, "op": true, "type": true, "primary": true, "active": true, "id": true, "meta": true, "resourcetype": true,
	"created": true, "lastmodified": true, "location": true, "version": true, "$ref": true, "state": true, "status": true,
	"scimtype": true, "detail": true, "usertype": true,
}

// references are attributes whose value is an identifier.
var references = map[string]bool{"members": true, "manager": true, "groups": true}

func (m *masker) isOpen(parent, name string) bool {
	switch {
	case plain[name]:
		return true
	case name == "value":
		return references[parent]
	case name == "display":
		return parent == "groups"
	case name == "displayname", name == "members": // members as plain strings are identifiers
		return m.group
	case name == "manager":
		return true
	}
	return false
}

func secret(name string) bool {
	return name == "password" || strings.Contains(name, "secret") || strings.Contains(name, "token")
}

// document masks a whole JSON document, whatever is in it.
func (m *masker) document(v doc.Value) []byte {
	return m.value(make([]byte, 0, len(v.Raw())+64), v, "", "")
}

func (m *masker) value(dst []byte, v doc.Value, parent, name string) []byte {
	if secret(name) {
		return doc.AppendString(dst, quirks.Hidden)
	}
	switch v.Kind() {
	case doc.Object:
		return m.object(dst, v, name)
	case doc.Array:
		dst = append(dst, '[')
		n := 0
		for item := range v.Items() {
			if n++; n > 1 {
				dst = append(dst, ',')
			}
			dst = m.value(dst, item, parent, name)
		}
		return append(dst, ']')
	case doc.String:
		if name == "path" {
			return doc.AppendString(dst, m.path(v.Text()))
		}
		if m.mode != Full && !m.isOpen(parent, name) {
			return doc.AppendString(dst, m.mark(v.Text()))
		}
		return append(dst, v.Raw()...)
	case doc.Number:
		if m.mode != Full && !m.isOpen(parent, name) && !counts[name] {
			return doc.AppendString(dst, m.mark(string(v.Raw())))
		}
	}
	return append(dst, v.Raw()...)
}

// counts are the numbers of a list (RFC 7644 §3.4.2).
var counts = map[string]bool{"totalresults": true, "itemsperpage": true, "startindex": true}

func (m *masker) object(dst []byte, v doc.Value, name string) []byte {
	target := "" // what the value of a PATCH operation is of
	if p, ok := v.Lookup("path"); ok && p.Kind() == doc.String {
		target = p.Text()
	}
	dst = append(dst, '{')
	n := 0
	for key, item := range v.Fields() {
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		text := key.Text()
		dst = append(doc.AppendString(dst, m.path(text)), ':')
		owner, last := name, text
		if target != "" && doc.FoldEqual(text, "value") {
			last = target
		}
		if parent, leaf := attribute(last); parent != "" {
			owner, last = parent, leaf
		} else {
			last = leaf
		}
		dst = m.value(dst, item, owner, last)
	}
	return append(dst, '}')
}

// attribute takes a path apart: emails[type eq "work"].value is value of emails, urn:…:User:manager is manager.
func attribute(path string) (parent, name string) {
	for {
		i := strings.IndexByte(path, '[')
		if i < 0 {
			break
		}
		end := strings.LastIndexByte(path, ']')
		if end < i {
			path = path[:i]
			break
		}
		path = path[:i] + path[end+1:]
	}
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		path = path[i+1:] // a version such as 2.0 is before it
	}
	path = doc.Fold(path)
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i], path[i+1:]
		if j := strings.LastIndexByte(parent, '.'); j >= 0 {
			parent = parent[j+1:]
		}
		return parent, name
	}
	return "", path
}

var (
	literals = regexp.MustCompile(`"(?:[^"\\]|\\.)*("|$)`)
	compared = regexp.MustCompile(`([A-Za-z0-9_$.:-]+)\s+[A-Za-z]{2}\s*$`)
	within   = regexp.MustCompile(`([A-Za-z0-9_$-]+)\[[^\[\]]*$`)
)

// path masks the values that a path or a filter compares with.
func (m *masker) path(s string) string {
	if m.mode == Full && !strings.ContainsAny(s, "pPsStT") || !strings.Contains(s, `"`) {
		return s
	}
	var b strings.Builder
	at := 0
	for _, span := range literals.FindAllStringIndex(s, -1) {
		before, quoted := s[:span[0]], s[span[0]:span[1]]
		b.WriteString(s[at:span[0]])
		at = span[1]
		parent, name := "", ""
		if c := compared.FindStringSubmatch(before); c != nil {
			if parent, name = attribute(c[1]); parent == "" {
				if w := within.FindStringSubmatch(before); w != nil {
					parent = doc.Fold(w[1])
				}
			}
		}
		switch value := strings.Trim(quoted, `"`); {
		case secret(name):
			b.WriteString(`"` + quirks.Hidden + `"`)
		case m.mode == Full || m.isOpen(parent, name):
			b.WriteString(quoted)
		default:
			b.WriteString(`"` + m.mark(value) + `"`)
		}
	}
	b.WriteString(s[at:])
	return b.String()
}

// parameters are those of RFC 7644 §3.4.2 whose values are of nobody. What another one holds may be a secret.
var parameters = map[string]bool{
	"attributes": true, "excludedattributes": true, "count": true, "startindex": true, "sortby": true, "sortorder": true, "aadoptscim062020": true,
}

// query puts a query into words that can be read.
func (m *masker) query(raw string) string {
	if raw == "" {
		return ""
	}
	var out []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, has := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(value)
		param, nameErr := url.QueryUnescape(name)
		switch {
		case err != nil || nameErr != nil:
			out = append(out, quirks.Hidden)
		case !has:
			if !parameters[doc.Fold(param)] {
				param = quirks.Hidden
			}
			out = append(out, param)
		case doc.FoldEqual(param, "filter"):
			out = append(out, param+"="+m.path(decoded))
		case parameters[doc.Fold(param)]:
			out = append(out, param+"="+decoded)
		default:
			out = append(out, param+"="+quirks.Hidden)
		}
	}
	return strings.Join(out, " & ")
}

// rules are the applications of rules, their values masked by the place they are at.
func (m *masker) rules(records []quirks.Record) []quirks.Record {
	out := make([]quirks.Record, len(records))
	for i, r := range records {
		out[i] = quirks.Record{Rule: r.Rule, Path: m.path(r.Path)}
		if m.mode != None {
			out[i].Before, out[i].After = m.snippet(r.Before, r.Path), m.snippet(r.After, r.Path)
		}
	}
	return out
}

// snippet masks a piece of a document or of a query. One that was cut cannot be read, and is masked whole.
func (m *masker) snippet(s, place string) string {
	if m.mode == Full || s == "" || s == quirks.Hidden {
		return s
	}
	parent, name := attribute(place)
	if d, err := doc.Scan([]byte(s)); err == nil {
		return string(m.value(nil, d.Value(), parent, name))
	}
	if strings.HasSuffix(s, "…") {
		return m.mark(s)
	}
	return m.path(s)
}
