package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// bearer returns the token of a request that carries exactly one, in the header (RFC 6750 §2.1). The scheme is compared
// without case (RFC 9110 §11.1).
func bearer(r *http.Request) (string, Reason) {
	if InQuery(r.URL.RawQuery) {
		return "", Query
	}
	values := r.Header["Authorization"]
	switch len(values) {
	case 0:
		return "", Missing
	case 1:
	default:
		return "", Doubled
	}
	scheme, token, ok := strings.Cut(strings.TrimSpace(values[0]), " ")
	token = strings.TrimSpace(token)
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", Scheme
	case !ok, token == "", strings.ContainsAny(token, " \t,"):
		return "", Malformed
	}
	return token, ""
}

// InQuery reports whether a query has an access_token, in whatever spelling: some servers decode names, take a semicolon
// for an ampersand, or compare without case.
func InQuery(query string) bool {
	if len(query) < len("access_token") {
		return false
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if strings.EqualFold(strings.TrimSpace(name), "access_token") {
			return true
		}
	}
	return false
}
