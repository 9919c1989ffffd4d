package mapping

import (
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// path is an operator's path into JSON, compiled. The zero path is the whole document.
type path struct {
	steps []string
}

func parsePath(text string) (path, error) {
	if text == "" {
		return path{}, fault("the path is empty")
	}
	if text == "@this" {
		return path{}, nil
	}
	return path{strings.Split(text, ".")}, nil
}

func (p path) whole() bool { return len(p.steps) == 0 }

// find is the value at the path; invalid where there is none.
func (p path) find(v doc.Value) doc.Value {
	for _, s := range p.steps {
		if i, err := strconv.Atoi(s); err == nil && v.Kind() == doc.Array {
			n := 0
			var found doc.Value
			for item := range v.Items() {
				if n == i {
					found = item
				}
				n++
			}
			v = found
			continue
		}
		v, _ = v.Lookup(s)
	}
	return v
}
