package scim

import (
	"net/url"
	"slices"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// Location returns the public URL of a resource (RFC 7644 §3.1). The id stays one path segment, whatever it is made of.
func Location(base string, rt *schema.ResourceType, id string) string {
	return base + rt.Endpoint + "/" + url.PathEscape(id)
}

// Members returns the members of a group, users with some ids, as SCIM shows them (RFC 7643 §4.2).
func Members(ids doc.Strings, users *schema.ResourceType, base string) *doc.Node {
	ref := doc.AppendString(nil, Location(base, users, ""))
	ref = ref[:len(ref)-1] // the id and the quote come behind it
	kind := doc.AppendString(nil, users.Name)
	text := make([]byte, 0, ids.Len()*(len(ref)+len(kind)+len(`{"value":"","$ref":","type":},`)+2*len("b7b1b9d4-0000-4000-8000-b7b1b9d40000"))+2)
	text = append(text, '[')
	for id := range ids.All() {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = doc.AppendString(append(text, `{"value":`...), id)
		text = append(append(text, `,"$ref":`...), ref...)
		text = append(text, url.PathEscape(id)...) // has nothing that JSON escapes
		text = append(append(text, `","type":`...), kind...)
		text = append(text, '}')
	}
	return doc.Printed(append(text, ']'))
}

// Complete gives a resource what every answer has (RFC 7643 §3): the schemas it uses, meta with its type and public URL,
// and members for a group that has none, because a client that got no list at all cannot tell an empty group from a
// server that hides it. What is there already stays, so that meta keeps created, lastModified and version.
func Complete(res *doc.Node, rt *schema.ResourceType, base string) {
	SetSchemas(res, rt)
	if rt.Name == "Group" && value.Absent(res.Get("members")) && rt.Attribute("", "members", "") != nil {
		res.Set("members", doc.NewArray())
	}
	SetMeta(res, rt, base)
}

// SetMeta sets meta.resourceType and, where the resource has an id, meta.location (RFC 7643 §3.1).
func SetMeta(res *doc.Node, rt *schema.ResourceType, base string) {
	meta := res.Get("meta")
	if meta.Kind() != doc.Object {
		meta = doc.NewObject()
		res.Set("meta", meta)
	}
	meta.Set("resourceType", doc.NewString(rt.Name))
	if id := res.Get("id"); id.Kind() == doc.String {
		meta.Set("location", doc.NewString(Location(base, rt, id.Text())))
	}
}

// SetSchemas makes schemas say what the resource consists of (RFC 7643 §3): its core schema and every extension that has
// an object in it. Where it says so already it is left alone, and so are URIs that nobody here knows: they are the
// upstream's.
func SetSchemas(res *doc.Node, rt *schema.ResourceType) {
	want := []string{rt.Core.ID}
	for _, f := range res.Fields() {
		if schema.IsURI(f.Name) && f.Value.Kind() == doc.Object {
			want = append(want, spelled(f.Name, rt))
		}
	}
	list, changed := []*doc.Node{}, false
	for _, item := range res.Get("schemas").Items() {
		switch i := indexFold(want, item.Text()); {
		case i >= 0:
			want = append(want[:i:i], want[i+1:]...)
		case rt.Schema(item.Text()) != nil: // an extension without an object, or a second mention
			changed = true
			continue
		}
		list = append(list, item)
	}
	for _, uri := range want {
		list, changed = append(list, doc.NewString(uri)), true
	}
	if changed {
		res.Set("schemas", doc.NewArray(list...))
	}
}

func spelled(uri string, rt *schema.ResourceType) string {
	if s := rt.Schema(uri); s != nil {
		return s.ID
	}
	return uri
}

func indexFold(list []string, s string) int {
	return slices.IndexFunc(list, func(have string) bool { return doc.FoldEqual(have, s) })
}
