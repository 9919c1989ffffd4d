package scim

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Adopt makes a server's own discovery document (RFC 7644 §4) one of the gateway in front of it, which has no /Bulk, takes
// the SCIM API key and no other credential, and leads to users and groups only. Where the server is documented is left out:
// it may name an internal host. path is where the document was asked for, below the root. What is true as it stands stays as
// it is, byte for byte.
//
// It is false for a document about a type of resource that the gateway does not lead to.
func Adopt(d doc.Doc, path, base string) (doc.Doc, bool) {
	d = Relocate(d, base)
	n := doc.Tree(d.Value())
	endpoint, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case endpoint == "ServiceProviderConfig":
		n.Delete("documentationUri")
		n.Set("bulk", noBulk())
		n.Set("authenticationSchemes", bearer())
	case endpoint == "ResourceTypes" && id != "":
		if !routed(n) {
			return doc.Doc{}, false
		}
	case endpoint == "ResourceTypes":
		all := n.Get("Resources").Items()
		some := slices.DeleteFunc(slices.Clone(all), func(rt *doc.Node) bool { return !routed(rt) })
		if len(some) < len(all) {
			n.Get("Resources").SetItems(some)
			for _, count := range []string{"totalResults", "itemsPerPage"} {
				n.Set(count, doc.NewInt(int64(len(some))))
			}
		}
	}
	return n.Doc(), true
}

// routed reports whether the gateway leads to resources of a type, whose endpoint may be given as a URL (RFC 7643 §6 has it
// relative to the root).
func routed(rt *doc.Node) bool {
	endpoint := rt.Get("endpoint").Text()
	path := endpoint[strings.LastIndexByte(endpoint, '/')+1:]
	if path != "Users" && path != "Groups" {
		return false
	}
	if strings.Contains(endpoint, "://") {
		rt.Set("endpoint", doc.NewString("/"+path))
	}
	return true
}
