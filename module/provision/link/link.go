// Package link decides who is who: whether a member whom an organization has is the user that a provider means. It knows what
// is asked for, what the organization shows, and what is remembered; it asks nobody and changes nothing.
//
// A member with whom the provider has nothing to do yet is a stranger ([Member.Stranger]). What may link a stranger to a user
// of the provider is said by the configuration, [Rules]; whoever else has something in common with a new user is the same
// person, or stands in the way.
package link

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/provision/view"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// What may link a stranger to a user of the provider.
const (
	byUserName   = "userName"
	byExternalID = "externalId"
	byEmail      = "email"
)

// usual is what links where the configuration says nothing. An externalId alone does not: providers give a leaver's to
// somebody new (Entra's is made of the mail nickname), and whoever is linked or let in again by it may be anybody.
var usual = []string{byUserName, byEmail}

// Rules are what the configuration says about strangers.
type Rules struct {
	*plan.Resource // users

	By      []string // what links them; empty for what is usual
	Domains []string // where those have their address who are linked by it alone; empty for anywhere
}

// Check finds what is wrong with the words of the configuration.
func (r *Rules) Check() error {
	for _, by := range r.By {
		if known := []string{byUserName, byExternalID, byEmail}; !slices.Contains(known, by) {
			return fmt.Errorf("link_by: unknown word %q; one of %q", by, known)
		}
	}
	for _, domain := range r.Domains {
		if domain == "" || strings.ContainsAny(domain, "@*, \t") || strings.Trim(domain, ".") != domain {
			return fmt.Errorf("email_domains: %q is no domain such as example.com", domain)
		}
	}
	return nil
}

// Restrict reports whether there are strangers whom a list of everybody does not show.
func (r *Rules) Restrict() bool { return len(r.By)+len(r.Domains) > 0 }

// Member is somebody whom the organization has, or who waits to be created there.
type Member struct {
	Entry  *view.Entry    // what the organization shows; nil for who waits
	Record *ledger.Record // what is remembered; nil for nothing
	User   *doc.Node      // the two together, as the provider sees them
}

// Stranger reports whether the provider has nothing to do with a member yet.
func (m Member) Stranger() bool {
	return m.Entry != nil && (m.Record == nil || !m.Record.Linked && !m.Record.Deleted)
}

// Verdict says whether a member is a user who is to be created.
type Verdict int

// The verdicts.
const (
	Same      Verdict = iota // the same person
	Another                  // not the same, and known to the provider, or alike by what never links
	Outside                  // a stranger whose address is outside of the domains
	NotLinked                // a stranger who is alike by something that does not link
)

// Judge says whether a member is the user who is to be created, and if not, why.
func (r *Rules) Judge(m Member, wanted *doc.Node) Verdict {
	links, stranger, outside := usual, m.Stranger(), false
	if stranger {
		if outside = r.outside(m); len(r.By) > 0 {
			links = r.By
		}
	}
	switch {
	case r.alike(m, wanted, links, outside):
		return Same
	case outside:
		return Outside
	case stranger && len(r.By) > 0:
		return NotLinked
	}
	return Another
}

// Made reports whether a member may be what a call has made that was to create a user: the configuration has no say in that.
func (r *Rules) Made(m Member, wanted *doc.Node) bool { return r.alike(m, wanted, usual, false) }

// Renamed reports whether the provider knows a member under another userName than that of the user who is to be created. Such a
// member is somebody else to it, whatever address or externalId the two share: linked, one of them would act as the other.
func (r *Rules) Renamed(m Member, wanted *doc.Node) bool {
	known := m.Entry == nil || m.Record != nil && m.Record.Linked && !m.Record.Deleted
	return known && !value.Lookup{Attribute: "userName", Value: nameOf(wanted)}.In(r.Type, m.User)
}

// Offers reports whether a list by a filter, which holds for a member, shows the member even if it is a stranger. The provider
// links whom it finds, so that a stranger is shown where the filter asks for what may link, and nowhere else.
func (r *Rules) Offers(m Member, f filter.Filter) bool {
	links, outside := r.By, r.outside(m)
	if len(links) == 0 {
		if !outside {
			return true
		}
		links = []string{byUserName, byExternalID, byEmail}
	}
	_, asked := value.Lookups(f, r.Type, func(attribute string) bool {
		switch attribute {
		case "id":
			return true
		case "externalId":
			return slices.Contains(links, byExternalID)
		case "userName":
			return slices.Contains(links, byUserName) && (!outside || !isAddress(m.Entry.Resource().Get("userName").Text()))
		case "emails.value":
			return slices.Contains(links, byEmail) && !outside
		}
		return false
	})
	return asked
}

// outside reports whether a member has an address, and none in the domains of the configuration.
func (r *Rules) outside(m Member) bool {
	if len(r.Domains) == 0 || m.Entry == nil {
		return false
	}
	shown := m.Entry.Resource()
	addresses := slices.DeleteFunc(append(value.Texts(r.Type, shown, "emails.value"), value.Texts(r.Type, shown, "userName")...),
		func(text string) bool { return !isAddress(text) })
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(address string) bool {
		domain := asDNS(address[strings.LastIndexByte(address, '@')+1:])
		return slices.ContainsFunc(r.Domains, func(listed string) bool { return asDNS(listed) == domain })
	})
}

// asDNS returns a domain as DNS has it: in small letters, and with others than those of ASCII in their "xn--" form (RFC 5891 §5).
func asDNS(domain string) string {
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		return ascii
	}
	return schema.Fold(domain)
}

// alike reports whether a member and a user who is to be created have something of links in common, and, of a member
// outside, not the address alone.
func (r *Rules) alike(m Member, wanted *doc.Node, links []string, outside bool) bool {
	shares := func(attribute string, texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			l := value.Lookup{Attribute: attribute, Value: text}
			return text != "" && (l.In(r.Type, m.User) || m.Entry != nil && l.In(r.Type, m.Entry.Resource()))
		})
	}
	name, address := nameOf(wanted), r.Email(wanted)
	named := slices.Contains(links, byUserName) && shares("userName", name)
	addressed := slices.Contains(links, byEmail) && (shares("emails.value", name, address) || shares("userName", address))
	known := shares("externalId", wanted.Get("externalId").Text())
	switch {
	case known && slices.Contains(links, byExternalID):
		return true
	case outside:
		return named && !isAddress(name) || known && (named || addressed)
	}
	return named || addressed
}

func nameOf(user *doc.Node) string { return strings.TrimSpace(user.Get("userName").Text()) }

func isAddress(text string) bool { return strings.Contains(text, "@") }
