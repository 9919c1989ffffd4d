package scim

import (
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// endpoints are what URLs of a SCIM server end in (RFC 7644 §3.2, §4).
var endpoints = []string{"/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas"}

// Relocate makes the URLs in an upstream's document those of the gateway: meta.location and every $ref that leads to an
// endpoint get the base of the gateway's root. A provider could not reach the others, and they name internal hosts.
func Relocate(d doc.Doc, base string) doc.Doc {
	r := relocation{d: d, cur: d.Cursor(), ed: d.Edit(), base: base}
	r.value(false)
	return r.ed.Doc()
}

type relocation struct {
	d    doc.Doc
	cur  doc.Cursor
	ed   doc.Edit
	base string
}

// value walks over the value at the cursor; meta tells whether it is that of meta.
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

// PublicURL is an upstream's URL as the gateway's: whatever precedes the endpoint is the base. The endpoint is the first
// segment of that name which at most one more follows, so that neither the upstream's own root nor an id that is called
// like an endpoint is taken for it. What leads to no endpoint stays as it is.
func PublicURL(url, base string) string {
	text := "/" + strings.TrimPrefix(url, "/") // relative URLs begin at the root: Users/1
	best := len(text)
	for _, e := range endpoints {
		for from := 0; ; {
			i := strings.Index(text[from:], e)
			if i < 0 {
				break
			}
			i += from
			from = i + len(e)
			if rest := text[from:]; rest == "" || rest[0] == '/' && !strings.Contains(rest[1:], "/") {
				best = min(best, i)
			}
		}
	}
	if best == len(text) {
		return url
	}
	return base + text[best:]
}
