package scim

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Adopt makes an upstream's own discovery document one that is true in front of it: URLs are the gateway's, a client
// authenticates to the gateway, bulk requests are not routed, and neither are resource types other than users and groups. The
// upstream's documentation says how to reach the upstream, so that it is left out. What a document of its kind must have
// (RFC 7643 §5, §6, §7) and this one has not is added.
//
// path is the one below the root, as in "/ResourceTypes/User"; f says what an upstream does that does not say it itself. The
// document is nil where this is none of its kind, so that the gateway has to write its own. The error is that of a resource
// type that is not there.
func Adopt(d doc.Doc, path, base string, set *schema.Set, f Features) ([]byte, error) {
	n := doc.Tree(Relocate(d, base).Value())
	endpoint, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case endpoint == "ServiceProviderConfig":
		if n.Kind() != doc.Object {
			return nil, nil
		}
		completeConfig(n, base, f)
		return n.AppendTo(nil), nil
	case endpoint == "ResourceTypes" && id != "":
		if n.Get("endpoint").Kind() != doc.String {
			return nil, nil
		}
		if !completeType(n, base, set) {
			return nil, &Error{Status: 404, Detail: "there is no resource type of this name"}
		}
		return n.AppendTo(nil), nil
	case endpoint == "Schemas" && id != "":
		if !completeSchema(n, base) {
			return nil, nil
		}
		return n.AppendTo(nil), nil
	case endpoint == "ResourceTypes":
		return adoptList(n, func(one *doc.Node) bool { return completeType(one, base, set) }), nil
	default:
		return adoptList(n, func(one *doc.Node) bool { return completeSchema(one, base) }), nil
	}
}

// adoptList returns a list of the documents that complete takes. Some upstreams answer without the list around them, or call it
// otherwise. It is nil where there is none.
func adoptList(n *doc.Node, complete func(*doc.Node) bool) []byte {
	list := n
	for _, name := range []string{"Resources", "resource_types", "resourceTypes", "data"} {
		if v := n.Get(name); v.Kind() == doc.Array {
			list = v
		}
	}
	items := list.Items()
	if list.Kind() == doc.Object {
		items = []*doc.Node{list}
	}
	var kept []*doc.Node
	for _, one := range items {
		if one.Kind() == doc.Object && complete(one) {
			kept = append(kept, one)
		}
	}
	if kept == nil {
		return nil
	}
	return ListResponse(len(kept), 1, kept)
}

// completeConfig completes a ServiceProviderConfig (RFC 7643 §5).
func completeConfig(n *doc.Node, base string, f Features) {
	n.Delete("documentationUri")
	for _, feature := range []struct {
		name    string
		unknown bool // what it is where the document does not say
	}{{"patch", f.Patch}, {"filter", f.Filter}, {"changePassword", false}, {"sort", false}, {"etag", false}} {
		n.Rename(feature.name, feature.name)
		v := n.Get(feature.name)
		switch is := doc.NewBool(says(v, feature.unknown)); {
		case v.Kind() != doc.Object:
			n.Set(feature.name, object("supported", is))
		case v.Get("supported").Kind() != doc.Bool:
			v.Set("supported", is)
		}
	}
	filter := n.Get("filter")
	if v := filter.Get("maxResults"); v.Kind() != doc.Number {
		most := f.MaxResults
		if i, err := strconv.Atoi(v.Text()); err == nil {
			most = i
		}
		filter.Set("maxResults", doc.NewInt(int64(most)))
	}
	n.Set("bulk", noBulk())
	n.Set("authenticationSchemes", schemes(f))
	describe(n, ServiceProviderConfigSchema, "ServiceProviderConfig", base+"/ServiceProviderConfig")
}

// says returns what a document says of a feature in a form of its own: a boolean alone, or a word for one.
func says(v *doc.Node, unknown bool) bool {
	if v.Kind() == doc.Object {
		v = v.Get("supported")
	}
	switch {
	case v.Kind() == doc.Bool:
		return v.True()
	case doc.FoldEqual(v.Text(), "true"), v.Text() == "1":
		return true
	case doc.FoldEqual(v.Text(), "false"), v.Text() == "0":
		return false
	}
	return unknown
}

// completeType completes a resource type (RFC 7643 §6), and reports whether the gateway routes it: users and groups, wherever the
// upstream has them. Its endpoint is relative to the gateway's root then, without the upstream's host and path.
func completeType(n *doc.Node, base string, set *schema.Set) bool {
	endpoint := n.Get("endpoint").Text()
	path := endpoint[strings.LastIndexByte(endpoint, '/')+1:]
	for _, rt := range []*schema.ResourceType{set.User, set.Group} {
		if "/"+path != rt.Endpoint {
			continue
		}
		if strings.Contains(endpoint, "://") || endpoint == path {
			n.Set("endpoint", doc.NewString(rt.Endpoint))
		}
		for _, is := range [][2]string{{"id", rt.Name}, {"name", rt.Name}, {"schema", rt.Core.ID}} {
			if n.Get(is[0]).Kind() != doc.String {
				n.Set(is[0], doc.NewString(is[1]))
			}
		}
		describe(n, ResourceTypeSchema, "ResourceType", base+"/ResourceTypes/"+url.PathEscape(n.Get("id").Text()))
		return true
	}
	return false
}

// completeSchema completes a schema (RFC 7643 §7), and reports whether it is one.
func completeSchema(n *doc.Node, base string) bool {
	id := n.Get("id")
	if id.Kind() != doc.String || n.Get("attributes").Kind() != doc.Array {
		return false
	}
	describe(n, SchemaSchema, "Schema", base+"/Schemas/"+url.PathEscape(id.Text()))
	return true
}

// describe gives a discovery document schemas and meta, as far as it lacks them.
func describe(n *doc.Node, uri, resourceType, location string) {
	if n.Get("schemas").Kind() != doc.Array {
		n.Set("schemas", texts(uri))
	}
	have := n.Get("meta")
	if have.Kind() != doc.Object {
		n.Set("meta", meta(resourceType, location))
		return
	}
	if have.Get("resourceType").Kind() != doc.String {
		have.Set("resourceType", doc.NewString(resourceType))
	}
	if have.Get("location").Kind() != doc.String {
		have.Set("location", doc.NewString(location))
	}
}
