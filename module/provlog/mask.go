package provlog

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"hash"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/redact"
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
	known map[string]string // marks by values: a record has most of them several times
	group bool              // the document is about a group: its name is nobody's personal value

	in, out []byte // of the snippet
}

// maxKnown is how many marks are kept.
const maxKnown = 1024

func newMasker(mode string, key []byte) *masker {
	return &masker{mode: mode, mac: hmac.New(sha256.New, key), known: map[string]string{}}
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
	mark, ok := m.known[s]
	if !ok {
		m.mac.Reset()
		_, _ = m.mac.Write([]byte(s))
		var sum [sha256.Size]byte
		mark = "•" + marks.EncodeToString(m.mac.Sum(sum[:0])[:5])
		if len(m.known) == maxKnown {
			clear(m.known)
		}
		m.known[s] = mark
	}
	return mark
}

// spellings returns how a text may stand in a log, to look for it: as it is, or as its mark.
func (m *masker) spellings(text string) []string {
	if text == "" {
		return nil
	}
	all := []string{text}
	for _, s := range []string{text, strings.ToLower(text)} {
		if mark := m.personal(s); mark != "" && !slices.Contains(all, mark) {
			all = append(all, mark)
		}
	}
	return all
}

// personal returns a value that tells who somebody is.
func (m *masker) personal(s string) string {
	switch m.mode {
	case Full:
		return s
	case None:
		return ""
	}
	return m.mark(s)
}

// steps returns what a dry run has planned. Groups are no people.
func (m *masker) steps(steps []trace.Step) []trace.Step {
	all := slices.Clone(steps)
	for i := range all {
		s := &all[i]
		if s.Resource == "User" {
			s.Name, s.To = m.personal(s.Name), m.personal(s.To)
		}
		if m.mode == None {
			s.Name, s.To, s.GroupName = "", "", ""
		}
	}
	return all
}

// references are attributes whose value is an identifier.
var references = map[string]bool{"members": true, "manager": true, "groups": true}

// legible are attributes whose values the log keeps as they are, beside those that tell nothing of a person.
var legible = map[string]bool{"id": true, "location": true, "$ref": true, "detail": true, "usertype": true}

func (m *masker) isOpen(a redact.Attribute) bool {
	switch {
	case a.Plain(), legible[a.Name]:
		return true
	case a.Name == "value":
		return references[a.Parent]
	case a.Name == "display":
		return a.Parent == "groups"
	case a.Name == "displayname", a.Name == "members": // members as plain strings are identifiers
		return m.group
	case a.Name == "manager":
		return true
	}
	return false
}

// document masks a whole JSON document, whatever is in it.
func (m *masker) document(v doc.Value) []byte {
	return redact.Append(make([]byte, 0, len(v.Raw())+64), v, redact.Attribute{}, m)
}

// Value implements [redact.Rewriter].
func (m *masker) Value(dst []byte, a redact.Attribute, v doc.Value) []byte {
	k := v.Kind()
	if k != doc.String && k != doc.Number || m.mode == Full || m.isOpen(a) {
		return append(dst, v.Raw()...)
	}
	if k == doc.String && bytes.IndexByte(v.Raw(), '\\') < 0 { // then it is its text
		if mark, ok := m.known[string(v.Raw()[1:len(v.Raw())-1])]; ok {
			return append(append(append(dst, '"'), mark...), '"')
		}
	}
	return doc.AppendString(dst, m.mark(v.Text()))
}

// Literal implements [redact.Rewriter].
func (m *masker) Literal(a redact.Attribute, s string) string {
	if m.mode == Full || m.isOpen(a) {
		return s
	}
	return m.mark(s)
}

// path masks the values that a path or a filter compares with.
func (m *masker) path(s string) string { return redact.Path(s, m) }

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
			if !redact.PlainParameter(param) {
				param = quirks.Hidden
			}
			out = append(out, param)
		case doc.FoldEqual(param, "filter"):
			out = append(out, param+"="+m.path(decoded))
		case redact.PlainParameter(param):
			out = append(out, param+"="+decoded)
		default:
			out = append(out, param+"="+quirks.Hidden)
		}
	}
	return strings.Join(out, " & ")
}

// ofWords are the rules for words of the protocol: what was there before and after is nobody's value.
var ofWords = map[string]bool{"operation-case": true, "operation-spaces": true, "operation-alias": true, "boolean-string": true, "localized-boolean": true}

// rules returns the applications of rules, their values masked by the place they are at.
func (m *masker) rules(records []quirks.Correction) []quirks.Correction {
	out := make([]quirks.Correction, len(records))
	for i, r := range records {
		out[i] = quirks.Correction{Rule: r.Rule, Path: m.path(r.Path)}
		switch {
		case ofWords[r.Rule]:
			out[i].Before, out[i].After = r.Before, r.After
		case m.mode != None:
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
	m.in = append(m.in[:0], s...)
	if d, err := doc.Scan(m.in); err == nil {
		m.out = redact.Append(m.out[:0], d.Value(), redact.Of(place), m)
		return string(m.out)
	}
	if strings.HasSuffix(s, "…") {
		return m.mark(s)
	}
	return m.path(s)
}
