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
func (u *users) stranger(sub *subject) bool {
	return sub.entry != nil && (sub.record == nil || !sub.record.Linked && !sub.record.Deleted)
}

// outside reports whether a member has an address, and none in the domains of the configuration.
func (u *users) outside(sub *subject) bool {
	if len(u.config.EmailDomains) == 0 || sub.entry == nil {
		return false
	}
	shown := sub.shown()
	addresses := slices.DeleteFunc(append(value.Texts(u.Type, shown, "emails.value"), value.Texts(u.Type, shown, "userName")...),
		func(text string) bool { return !strings.Contains(text, "@") })
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(address string) bool {
		domain := address[strings.LastIndexByte(address, '@')+1:]
		return slices.ContainsFunc(u.config.EmailDomains, func(listed string) bool { return schema.Fold(listed) == schema.Fold(domain) })
	})
}

// samePerson reports whether a resource is the user who is to be created, by what may link the two.
func (u *users) samePerson(sub *subject, wanted *doc.Node) bool {
	if !u.stranger(sub) {
		return u.alike(sub, wanted, usualLinks, false)
	}
	links := u.config.LinkBy
	if len(links) == 0 {
		links = usualLinks
	}
	return u.alike(sub, wanted, links, u.outside(sub))
}

// alike reports whether a resource and a user who is to be created have something of links in common, and, of a member
// outside, not the address alone.
func (u *users) alike(sub *subject, wanted *doc.Node, links []string, outside bool) bool {
	shares := func(attribute string, texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			l := value.Lookup{Attribute: attribute, Value: text}
			return text != "" && (l.In(u.Type, sub.res) || l.In(u.Type, sub.shown()))
		})
	}
	name, address := strings.TrimSpace(wanted.Get("userName").Text()), u.Email(wanted)
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
func (u *users) offered(ctx context.Context, sub *subject, f filter.Filter) (bool, error) {
	links, outside := u.config.LinkBy, u.outside(sub)
	if len(links) == 0 {
		if !outside {
			return true, nil
		}
		links = []string{ByUserName, ByExternalID, ByEmail}
	}
	_, asked := value.Lookups(f, u.Type, func(attribute string) bool {
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
	full, err := u.withLedger(ctx, sub)
	return err == nil && !u.stranger(full), err
}

// conflict returns the answer to a resource that the organization has already.
func (k *kind) conflict() error {
	detail := "a user with this userName, e-mail address or externalId exists already"
	if !k.IsUser() {
		detail = "a group with this displayName or externalId exists already"
	}
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}

// another returns the answer to a user who stands in the way of a new one and is not taken for the same person.
func (u *users) another(ctx context.Context, sub *subject) error {
	var line, detail string
	switch {
	case !u.stranger(sub):
		return u.conflict()
	case u.outside(sub):
		line, detail = "email_domains", "the organization has a member with this userName, e-mail address or externalId already, whose address is outside of email_domains: such a member is not linked by the address alone"
	case len(u.config.LinkBy) > 0:
		line, detail = "link_by", "the organization has a member with this userName, e-mail address or externalId already, who is not linked by that: link_by is "+strings.Join(u.config.LinkBy, " ")
	default:
		return u.conflict()
	}
	trace.Say(ctx, trace.Protected, sub.id, line)
	return scim.Errorf(http.StatusConflict, scim.Uniqueness, "%s", detail)
}
