package quirks

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// URIs that only quirks know.
const (
	enterpriseTypo = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
	microsoftGroup = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
	scim1Core      = "urn:scim:schemas:core:1.0"
	scimCore       = "urn:scim:schemas:core:"
	scimEnterprise = "urn:scim:schemas:extension:enterprise:"
)

// schemas is what has to become of the list of schemas of a resource.
type schemas struct {
	found   bool                // there is one
	members bool                // there are members, or the resource type has none
	uris    []string            // what it should hold
	has     map[string]struct{} // these, folded
	rules   []ruleID            // why that is not what it holds
	text    string              // the new list, as JSON; empty where it stays
}

func (s *schemas) change(r ruleID) {
	if !slices.Contains(s.rules, r) {
		s.rules = append(s.rules, r)
	}
}

// add puts a URI into the list, once, and reports whether it was not there.
func (s *schemas) add(uri string) bool {
	folded := doc.Fold(uri)
	if _, was := s.has[folded]; was {
		return false
	}
	if s.has == nil {
		s.has = make(map[string]struct{})
	}
	s.has[folded] = struct{}{}
	s.uris = append(s.uris, uri)
	return true
}

// schemas looks through a resource before it is normalized: which extensions it uses is known at its end only.
func (p *pass) schemas() (s schemas, err error) {
	s.members = p.rt.Attribute("", "members", "") == nil
	var used []doc.Value
	list := true
	c := p.d.Cursor()
	for c.Open(); c.More(); {
		key := p.d.In(c.Key())
		kind := c.Kind()
		switch v := c.Skip(); {
		case key.Is("members"):
			s.members = true
		case key.Is("schemas"):
			s.found = true
			list = p.listed(&s, p.d.In(v))
		case kind == doc.Object && isURN(key):
			used = append(used, key)
		}
	}
	if !list {
		return s, nil // for the upstream to refuse
	}
	if len(s.uris) == 0 {
		if !p.on[missingSchemas] {
			return s, scim.Errorf(400, scim.InvalidSyntax, "schemas are missing; a %s has at least %s", p.rt.Name, p.rt.Core.ID)
		}
		s.add(p.rt.Core.ID)
		s.change(missingSchemas)
	}
	if p.on[unlistedExtension] {
		for _, key := range used {
			if s.add(p.canonicalURI(key.Text(), &s)) {
				s.change(unlistedExtension)
			}
		}
	}
	if _, core := s.has[doc.Fold(p.rt.Core.ID)]; core && p.on[duplicateSchemas] {
		if i := slices.Index(s.uris, scim1Core); i >= 0 {
			s.uris = slices.Delete(s.uris, i, i+1)
			s.change(duplicateSchemas)
		}
	}
	if len(s.rules) == 0 {
		return s, nil
	}
	s.text = doc.NewStrings(s.uris...).Node().Text()
	return s, nil
}

// listed takes what is in the list, repaired. It is false where that is no list of strings.
func (p *pass) listed(s *schemas, v doc.Value) bool {
	switch v.Kind() {
	case doc.Null:
		return true
	case doc.String:
		if !p.on[objectForList] {
			return false
		}
		s.change(objectForList)
		p.uri(s, v)
		return true
	case doc.Array:
		for item := range v.Items() {
			if item.Kind() != doc.String {
				return false
			}
			p.uri(s, item)
		}
		return true
	}
	return false
}

// uri takes one URI of the list.
func (p *pass) uri(s *schemas, v doc.Value) {
	uri := v.Text()
	if uri == microsoftGroup && p.on[microsoftGroupSchema] && p.rt.Name == "Group" {
		s.change(microsoftGroupSchema)
		return
	}
	canon := p.canonicalURI(uri, s)
	switch {
	case s.add(canon):
	case p.on[duplicateSchemas]:
		s.change(duplicateSchemas)
	default:
		s.uris = append(s.uris, canon)
	}
}

// canonicalURI repairs a URI and spells it as the schema does.
func (p *pass) canonicalURI(uri string, s *schemas) string {
	if repaired, rest, r := p.n.repairedURI(p.rt, uri); r != none && rest == "" {
		s.change(r)
		return repaired
	}
	if known := p.rt.Schema(uri); known != nil && known.ID != uri && p.on[attributeCase] {
		s.change(attributeCase)
		return known.ID
	}
	return uri
}

// repairedURI returns the URI of RFC 7643 for one that a text, a URI or a path, begins with in the spelling of another time, with
// what follows it and the rule that repairs it; none where there is nothing to repair.
func (n *Normalizer) repairedURI(rt *schema.ResourceType, text string) (uri, rest string, r ruleID) {
	if n.on[enterpriseURNTypo] && hasEnterprise(rt) {
		if rest, ok := cutFold(text, enterpriseTypo); ok {
			return scim.EnterpriseSchema, rest, enterpriseURNTypo
		}
	}
	if !n.on[scim1Schema] {
		return "", "", none
	}
	if rest, ok := cutOld(text, scimCore, rt.Name); ok {
		return rt.Core.ID, rest, scim1Schema
	}
	if rest, ok := cutOld(text, scimEnterprise, rt.Name); ok && hasEnterprise(rt) {
		return scim.EnterpriseSchema, rest, scim1Schema
	}
	return "", "", none
}

// cutOld returns what follows a URN from before RFC 7643 in a text: nothing, or a colon and an attribute. The URN is the prefix
// with a version, and perhaps with the name of the resource type.
func cutOld(text, prefix, name string) (rest string, ok bool) {
	rest, ok = cutFold(text, prefix)
	if !ok || !strings.HasPrefix(rest, "1.0") && !strings.HasPrefix(rest, "2.0") {
		return "", false
	}
	rest = rest[len("1.0"):]
	if after, ok := cutFold(rest, ":"+name); ok && (after == "" || after[0] == ':') {
		rest = after
	}
	return rest, rest == "" || rest[0] == ':'
}

// cutFold returns the text without a prefix, in any case of ASCII letters, and whether it had it.
func cutFold(text, prefix string) (rest string, ok bool) {
	if len(text) < len(prefix) || !doc.FoldEqual(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// isURN reports whether a key is the URN of a schema by its look.
func isURN(key doc.Value) bool {
	raw := key.Raw()
	return len(raw) > 6 && doc.FoldEqual(string(raw[1:5]), "urn:")
}

// hasEnterprise reports whether the enterprise extension is one of the resource type's: elsewhere its URN means nothing,
// misspelled or not.
func hasEnterprise(rt *schema.ResourceType) bool { return rt.Schema(scim.EnterpriseSchema) != nil }
