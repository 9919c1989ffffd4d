package provision

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// What links a member who was in the organization before the provider knew of them to a user of the provider.
const (
	ByUserName   = "userName"
	ByExternalID = "externalId"
	ByEmail      = "email"
)

// usualLinks are what links where the configuration says nothing. An externalId alone does not: providers give a leaver's to
// somebody new (Entra's is made of the mail nickname), and whoever is linked or let in again by it may be anybody.
var usualLinks = []string{ByUserName, ByEmail}

// checkLinks finds what is wrong with the words about who may be linked.
func (o *Organization) checkLinks() error {
	for _, by := range o.LinkBy {
		if known := []string{ByUserName, ByExternalID, ByEmail}; !slices.Contains(known, by) {
			return fmt.Errorf("link_by: unknown word %q; one of %q", by, known)
		}
	}
	for _, domain := range o.EmailDomains {
		if domain == "" || strings.ContainsAny(domain, "@*, \t") || strings.Trim(domain, ".") != domain {
			return fmt.Errorf("email_domains: %q is no domain such as example.com", domain)
		}
	}
	return nil
}

// stranger reports whether a subject is a member with whom the provider has nothing to do yet.
func (s *session) stranger(sub *subject) bool {
	return sub.entry != nil && (sub.record == nil || !sub.record.Linked && !sub.record.Deleted)
}

// outside reports whether a member has an address, and none in the domains of the configuration.
func (s *session) outside(sub *subject) bool {
	if len(s.config.EmailDomains) == 0 || sub.entry == nil {
		return false
	}
	k, shown := s.user, sub.shown()
	addresses := slices.DeleteFunc(append(value.Texts(k.rt, shown, "emails.value"), value.Texts(k.rt, shown, "userName")...),
		func(text string) bool { return !strings.Contains(text, "@") })
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(address string) bool {
		domain := address[strings.LastIndexByte(address, '@')+1:]
		return slices.ContainsFunc(s.config.EmailDomains, func(listed string) bool { return schema.Fold(listed) == schema.Fold(domain) })
	})
}

// samePerson reports whether a resource is the user who is to be created, by what may link the two.
func (s *session) samePerson(sub *subject, wanted *doc.Node) bool {
	if !s.stranger(sub) {
		return s.alike(sub, wanted, usualLinks, false)
	}
	links := s.config.LinkBy
	if len(links) == 0 {
		links = usualLinks
	}
	return s.alike(sub, wanted, links, s.outside(sub))
}

// alike reports whether a resource and a user who is to be created have something of links in common, and, of a member
// outside, not the address alone.
func (s *session) alike(sub *subject, wanted *doc.Node, links []string, outside bool) bool {
	k := s.user
	shares := func(attribute string, texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			l := lookup{Attribute: attribute, Value: text}
			return text != "" && (l.In(k.rt, sub.res) || l.In(k.rt, sub.shown()))
		})
	}
	name, address := strings.TrimSpace(wanted.Get("userName").Text()), k.Email(wanted)
	named := slices.Contains(links, ByUserName) && shares("userName", name)
	addressed := slices.Contains(links, ByEmail) && (shares("emails.value", name, address) || shares("userName", address))
	known := shares("externalId", wanted.Get("externalId").Text())
	switch {
	case known && slices.Contains(links, ByExternalID):
		return true
	case outside:
		return named && !strings.Contains(name, "@") || known && (named || addressed)
	}
	return named || addressed
}

// offersAll reports whether the provider is shown every member in a list.
func (o *Organization) offersAll() bool { return len(o.LinkBy) == 0 && len(o.EmailDomains) == 0 }

// offered reports whether the provider is shown a user in a list. It links whom it finds, so that a member whom it has
// nothing to do with yet is shown where the filter asks for what may link them, and nowhere else.
func (s *session) offered(ctx context.Context, sub *subject, f filter.Filter) (bool, error) {
	links, outside := s.config.LinkBy, s.outside(sub)
	if len(links) == 0 {
		if !outside {
			return true, nil
		}
		links = []string{ByUserName, ByExternalID, ByEmail}
	}
	k := s.user
	_, asked := value.Lookups(f, k.rt, func(attribute string) bool {
		switch attribute {
		case "id":
			return true
		case "externalId":
			return slices.Contains(links, ByExternalID)
		case "userName":
			return slices.Contains(links, ByUserName) && (!outside || !strings.Contains(sub.shown().Get("userName").Text(), "@"))
		case "emails.value":
			return slices.Contains(links, ByEmail) && !outside
		}
		return false
	})
	if asked {
		return true, nil
	}
	full, err := s.withLedger(ctx, k, sub)
	return err == nil && !s.stranger(full), err
}

// conflict returns the answer to a resource that the organization has already.
func conflict(k *kind) error {
	detail := "a user with this userName, e-mail address or externalId exists already"
	if k.name == "group" {
		detail = "a group with this displayName or externalId exists already"
	}
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}

// another returns the answer to a user who stands in the way of a new one and is not taken for the same person.
func (s *session) another(ctx context.Context, sub *subject) error {
	var line, detail string
	switch {
	case !s.stranger(sub):
		return conflict(s.user)
	case s.outside(sub):
		line, detail = "email_domains", "the organization has a member with this userName, e-mail address or externalId already, whose address is outside of email_domains: such a member is not linked by the address alone"
	case len(s.config.LinkBy) > 0:
		line, detail = "link_by", "the organization has a member with this userName, e-mail address or externalId already, who is not linked by that: link_by is "+strings.Join(s.config.LinkBy, " ")
	default:
		return conflict(s.user)
	}
	trace.Say(ctx, trace.Protected, sub.id, line)
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}
