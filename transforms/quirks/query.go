package quirks

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// parameters are the query parameters of RFC 7644 §3.4.2 and §3.9.
var parameters = [...]string{"filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder"}

// Query normalizes the query of a request. It is decoded once, and printed again with %20 for a space: what a plus means
// is not the same everywhere (Q5). Any error is a [*scim.Error].
func (n *Normalizer) Query(rt *schema.ResourceType, verb scim.Verb, raw string, acc *Account) (scim.Query, error) {
	q := scim.Query{StartIndex: 1, Count: -1}
	if raw == "" {
		return q, nil
	}
	var (
		out  strings.Builder
		seen [len(parameters)]bool
	)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, err := decode(pair)
		if err != nil {
			return q, badQuery(raw, err)
		}
		if n.on[flagParameter] && IsFlag(name) {
			acc.note(flagParameter, name, name, "")
			continue
		}
		i := parameter(name)
		if i >= 0 {
			if seen[i] {
				return q, badParameter(parameters[i], "is given twice")
			}
			seen[i] = true
			if name != parameters[i] && n.on[parameterCase] {
				acc.note(parameterCase, name, name, parameters[i])
				name = parameters[i]
			}
			if value, err = n.parameter(rt, verb, parameters[i], value, &q, acc); err != nil {
				return q, err
			}
			if name := parameters[i]; value == "" && (name == "attributes" || name == "excludedAttributes") {
				continue // asks for nothing in particular, and some servers return nothing then
			}
		}
		if out.Len() > 0 {
			out.WriteByte('&')
		}
		out.WriteString(encode(name))
		if value != "" || strings.Contains(pair, "=") {
			out.WriteByte('=')
			out.WriteString(encode(value))
		}
	}
	q.Raw = out.String()
	return q, nil
}

// decode decodes a pair as forms are decoded (net/url.ParseQuery), but refuses what could be read in two ways.
func decode(pair string) (name, value string, err error) {
	if strings.Contains(pair, ";") {
		return "", "", errors.New("a semicolon has to be encoded")
	}
	name, value, _ = strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(name); err == nil {
		value, err = url.QueryUnescape(value)
	}
	switch {
	case err != nil:
		return "", "", errors.New("a percent sign is not followed by two hexadecimal digits")
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return "", "", errors.New("it is not UTF-8")
	case strings.ContainsFunc(name+value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "", errors.New("it has control characters")
	}
	return name, value, nil
}

// encode is url.QueryEscape with %20 for a space.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func badQuery(raw string, reason error) error {
	if strings.Contains(doc.Fold(raw), "filter=") {
		return scim.Errorf(400, scim.InvalidFilter, "the query cannot be decoded: %s", reason)
	}
	return scim.Errorf(400, scim.InvalidValue, "the query cannot be decoded: %s", reason)
}

func badFilter(err error) error {
	return scim.Errorf(400, scim.InvalidFilter, "filter is not understood: %s", err)
}

func badParameter(name, reason string) error {
	if name == "filter" {
		return scim.Errorf(400, scim.InvalidFilter, "filter %s", reason)
	}
	return scim.Errorf(400, scim.InvalidValue, "%s %s", name, reason)
}

// IsFlag reports whether a word, a parameter or a part of a path, is a feature flag of Entra's Tenant URL (Q1). A path that still
// has one after [Normalizer.URL] is an administrator's mistake, and leads nowhere.
func IsFlag(name string) bool {
	_, patch := cutFold(name, "azureadscimpatch")
	return patch || doc.FoldEqual(name, "aadoptscim062020")
}

func parameter(name string) int {
	for i, known := range parameters {
		if doc.FoldEqual(name, known) {
			return i
		}
	}
	return -1
}

// parameter normalizes the value of a known parameter.
func (n *Normalizer) parameter(rt *schema.ResourceType, verb scim.Verb, name, value string, q *scim.Query, acc *Account) (string, error) {
	if verb == scim.List {
		switch name {
		case "filter":
			return n.filter(rt, value, q, acc)
		case "startIndex":
			return n.bound(name, value, 1, &q.StartIndex, acc)
		case "count":
			return n.bound(name, value, 0, &q.Count, acc)
		}
	}
	switch name {
	case "attributes":
		return n.attributeList(rt, name, value, &q.Attributes, acc)
	case "excludedAttributes":
		return n.attributeList(rt, name, value, &q.Excluded, acc)
	}
	return value, nil
}

// bound reads a number that may not be below least (RFC 7644 §3.4.2.4). One that is larger than any list is as good as the
// largest.
func (n *Normalizer) bound(name, value string, least int, to *int, acc *Account) (string, error) {
	text := strings.Trim(value, " ")
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) || text[0] == '+' {
		return value, badParameter(name, "is not a number")
	}
	if int(i) >= least {
		*to = int(i)
		return value, nil
	}
	*to = least
	if !n.on[pagingBounds] {
		return value, nil
	}
	bounded := string('0' + byte(least))
	acc.note(pagingBounds, name, value, bounded)
	return bounded, nil
}

// filter parses a filter and prints it canonically.
func (n *Normalizer) filter(rt *schema.ResourceType, text string, q *scim.Query, acc *Account) (string, error) {
	o := n.filterOptions
	f, notes, err := filter.Parse(text, rt, o)
	if err == nil && notes.Has(filter.BareExtension) && !n.on[bareExtension] {
		o.Allow &^= filter.BareExtension
		if plain, plainNotes, plainErr := filter.Parse(text, rt, o); plainErr != nil || !onlyManagers(f, plain) {
			f, notes, err = plain, plainNotes, plainErr
		}
	}
	if err != nil {
		if e, ok := errors.AsType[*filter.Error](err); ok && o.Strict {
			o.Strict = false
			if _, _, err := filter.Parse(text, rt, o); err == nil {
				acc.note(strictFilter, "filter", "", "")
			}
			return text, badFilter(e)
		}
		return text, badFilter(err)
	}
	q.Filter = f
	canon := f.String()
	if canon == text {
		return text, nil
	}
	var t target
	n.judge(&t, notes)
	for _, r := range t.rules {
		if r != none && n.on[r] {
			acc.note(r, "filter", "", "")
		}
	}
	return canon, nil
}

// onlyManagers reports whether no other attribute than the manager was taken for that of an extension in a filter: plain is
// the same filter, read without that leniency.
func onlyManagers(f, plain filter.Filter) bool {
	var bare []bool
	filter.Walk(plain, func(c *filter.Compare) { bare = append(bare, c.Attr.URI == "") })
	only, i := true, 0
	filter.Walk(f, func(c *filter.Compare) {
		if c.Attr.URI != "" && bare[i] && c.Attr.Name != "manager" {
			only = false
		}
		i++
	})
	return only
}

// attributeList normalizes a list of attributes (RFC 7644 §3.9).
func (n *Normalizer) attributeList(rt *schema.ResourceType, name, value string, to *[]string, acc *Account) (string, error) {
	var spelled []string
	for text := range strings.SplitSeq(value, ",") {
		if text = strings.Trim(text, " "); text == "" {
			continue
		}
		t, err := n.resolve(rt, text)
		if err != nil || t.path.Filter != nil {
			return value, scim.Errorf(400, scim.InvalidValue, "%s has something that is no attribute", name)
		}
		for _, r := range t.rules {
			if r != none {
				acc.note(r, name, text, t.canon)
			}
		}
		*to = append(*to, t.canon)
		spelled = append(spelled, t.canon)
	}
	return strings.Join(spelled, ","), nil
}
