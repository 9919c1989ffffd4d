package quirks

import (
	"slices"
	"strings"
)

// URL repairs what administrators do to the Tenant URL. path is escaped and begins with a slash, query is without the
// question mark. What is not repaired is returned as it came, for the router to refuse; nothing is ever redirected,
// because clients lose the body or the key on the way (Q2).
func (n *Normalizer) URL(path, query string, acc *Account) (string, string) {
	if n.on[queryBeforePath] {
		if flag, rest, ok := strings.Cut(query, "/"); ok && IsFlag(strings.TrimSuffix(flag, "=")) {
			acc.note(queryBeforePath, "", "", "")
			appended, newQuery, _ := strings.Cut(rest, "?")
			path, query = strings.TrimSuffix(path, "/")+"/"+appended, newQuery
		}
	}
	if n.on[flagInPath] {
		segments := strings.Split(path, "/")
		if kept := slices.DeleteFunc(slices.Clone(segments), IsFlag); len(kept) < len(segments) {
			acc.note(flagInPath, "", "", "")
			path = strings.Join(kept, "/")
		}
	}
	if n.on[trailingSlash] && len(path) > 1 && strings.HasSuffix(path, "/") {
		acc.note(trailingSlash, "", "", "")
		path = strings.TrimRight(path, "/")
	}
	return path, query
}
