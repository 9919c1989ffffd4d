package scim

import (
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// ListResponse returns the answer to a query (RFC 7644 §3.4.2): total is how many resources match, start the 1-based index of
// the first one given. Resources is there even when it is empty and itemsPerPage is what this page really holds, because
// Entra takes an answer without them for an incompatible server (Q12, Q76).
func ListResponse(total, start int, resources []*doc.Node) []byte {
	b := append([]byte(nil), `{"schemas":["`+ListSchema+`"],"totalResults":`...)
	b = strconv.AppendInt(b, int64(total), 10)
	b = append(b, `,"startIndex":`...)
	b = strconv.AppendInt(b, int64(start), 10)
	b = append(b, `,"itemsPerPage":`...)
	b = strconv.AppendInt(b, int64(len(resources)), 10)
	b = append(b, `,"Resources":[`...)
	for i, res := range resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = res.AppendTo(b)
	}
	return append(b, ']', '}')
}
