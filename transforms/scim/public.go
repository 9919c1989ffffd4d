package scim

import (
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// endpoints are what URLs of a SCIM server end in (RFC 7644 §3.2, §4).
var endpoints = []string{"Users", "Groups", "ServiceProviderConfig", "ResourceTypes", "Schemas"}

// Relocate makes the URLs in an upstream's document those of the gateway: meta.location and every $ref that leads to an
// endpoint get the base of the gateway's root. A provider could not reach the others, and they name internal hosts.
func Relocate(d doc.Doc, base string) doc.Doc {
	r := relocation{d: d, cur: d.Cursor(), base: base}
	r.ed.Begin(d)
	r.value(false)
	return r.ed.Doc()
}

type relocation struct {
	d    doc.Doc
	cur  doc.Cursor
	ed   doc.Editor
	base string
}

// value walks over the value at the cursor; meta reports whether it is that of meta.
func (r *relocation) value(meta bool) {
	switch r.cur.Kind() {
	case doc.Array:
		for r.cur.Open(); r.cur.More(); {
			r.value(false)
		}
	case doc.Object:
		for r.cur.Open(); r.cur.More(); {
			key := r.d.In(r.cur.Key())
			if key.Is("$ref") || meta && key.Is("location") {
				r.url()
				continue
			}
			r.value(key.Is("meta"))
		}
	default:
		r.cur.Skip()
	}
}

func (r *relocation) url() {
	at := r.cur.Skip()
	v := r.d.In(at)
	if v.Kind() != doc.String {
		return
	}
	text := v.Text()
	if url := PublicURL(text, r.base); url != text {
		r.ed.Cut(at.From, at.To)
		r.ed.WriteString(url)
	}
}

// PublicURL returns an upstream's URL as the gateway's: whatever precedes the endpoint is the base. The endpoint is the last
// segment but one, or else the last, so that neither the upstream's own root nor an id that is called like an endpoint is
// taken for it. What leads to no endpoint stays as it is.
func PublicURL(url, base string) string {
	last := strings.LastIndexByte(url, '/') + 1 // 0 where there is no slash
	if last > 0 {
		first := strings.LastIndexByte(url[:last-1], '/') + 1
		if slices.Contains(endpoints, url[first:last-1]) {
			return base + "/" + url[first:]
		}
	}
	if slices.Contains(endpoints, url[last:]) {
		return base + "/" + url[last:]
	}
	return url
}
