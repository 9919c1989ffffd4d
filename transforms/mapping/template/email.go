package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// DefaultEmail is the order in which a user's e-mail address is looked for where a mapping does not say. A private
// address is not invited unless the operator asks for it ("first"), nor is a guest at the address that Entra makes up.
var DefaultEmail = []string{"primary", "work", "userName"}

// emailWords are the words of such an order.
var emailWords = []string{"primary", "work", "first", "userName", "guest"}

// PrimaryEmail returns the address that stands for a SCIM user at the organization: the first that the order finds. The words
// are primary (the e-mail marked so), work (of that type), first (any), userName (if it looks like an address) and guest
// (userName even of a guest). Blank values are skipped, and so is, unless the order says guest, the address that Entra makes
// up for a guest, which holds #EXT#: no mail arrives there, be it a userName or mapped to an e-mail. Without any address it
// is empty.
func PrimaryEmail(res *doc.Node, order []string) string {
	if len(order) == 0 {
		order = DefaultEmail
	}
	guests := slices.Contains(order, "guest")
	for _, word := range order {
		if address := email(res, word, guests); address != "" {
			return address
		}
	}
	return ""
}

// OfUserName reports whether a word of an order looks at userName.
func OfUserName(word string) bool { return word == "userName" || word == "guest" }

func madeUp(address string) bool { return strings.Contains(strings.ToUpper(address), "#EXT#") }

func email(res *doc.Node, word string, guests bool) string {
	if OfUserName(word) {
		name := strings.TrimSpace(res.Get("userName").Text())
		if at := strings.IndexByte(name, '@'); at < 1 || at == len(name)-1 || madeUp(name) && word != "guest" {
			return ""
		}
		return name
	}
	for _, e := range res.Get("emails").Items() {
		address := strings.TrimSpace(e.Get("value").Text())
		fits := word == "first" ||
			word == "primary" && e.Get("primary").True() ||
			word == "work" && doc.FoldEqual(e.Get("type").Text(), "work")
		if fits && address != "" && e.Get("value").Kind() == doc.String && (guests || !madeUp(address)) {
			return address
		}
	}
	return ""
}

// CheckEmail returns what is wrong with an order.
func CheckEmail(order []string) error {
	for i, word := range order {
		if !slices.Contains(emailWords, word) {
			return fmt.Errorf("unknown word %q: one of %s", word, strings.Join(emailWords, ", "))
		}
		if slices.Contains(order[:i], word) {
			return fmt.Errorf("%q is there twice", word)
		}
	}
	return nil
}
