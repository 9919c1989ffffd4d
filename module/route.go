package module

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// The endpoints of RFC 7644 §3.2. Their names are case-sensitive, as paths are.
const (
	users                 = "/Users"
	groups                = "/Groups"
	serviceProviderConfig = "/ServiceProviderConfig"
	schemas               = "/Schemas"
	resourceTypes         = "/ResourceTypes"
)

// maxID is how many bytes an identifier may have.
const maxID = 1024

// route is what a path says (RFC 7644 §3.2).
type route struct {
	root     string // escaped, what precedes the endpoint, without a slash at the end
	endpoint string // one of the endpoints
	id       string // decoded; empty for the endpoint itself
	escaped  string // the id as it came
}

// suffix returns the path below the root, in the spelling it is sent on with.
func (rt route) suffix() string {
	if rt.id == "" {
		return rt.endpoint
	}
	return rt.endpoint + "/" + rt.escaped
}

// resource reports whether the route is about users or groups, not about discovery.
func (rt route) resource() bool { return rt.endpoint == users || rt.endpoint == groups }

// errNoEndpoint returns the error for everything that is no SCIM endpoint.
func errNoEndpoint() *scim.Error {
	return scim.Errorf(http.StatusNotFound, "", "there is no SCIM endpoint at this path")
}

// parseRoute reads a path. The first segment that names an endpoint ends the root, so that a root never contains one and
// nothing below an identifier can be reached. Identifiers are one segment, and stay as they came for whoever sends them
// on: %2f in one is a slash for some servers and a letter for others, so it is refused, as dot segments are. A feature flag
// in the path belongs into the query of the Tenant URL (Q1); the rule that repairs it has had its turn.
func parseRoute(path string) (route, error) {
	if !strings.HasPrefix(path, "/") {
		return route{}, errNoEndpoint()
	}
	var rt route
	rest := path
	for rest != "" {
		segment, _, _ := strings.Cut(rest[1:], "/")
		name, ok := decodeSegment(segment)
		if !ok || quirks.IsFlag(name) {
			return route{}, errNoEndpoint()
		}
		after := rest[1+len(segment):]
		switch name = "/" + name; name {
		case "/Bulk", "/Me", "/.search":
			if after == "" || name == "/Me" {
				return route{}, notOffered(name)
			}
		case users, groups, serviceProviderConfig, schemas, resourceTypes:
			rt.root, rt.endpoint = path[:len(path)-len(rest)], name
			return rt, rt.identify(after)
		}
		rest = after
	}
	return route{}, errNoEndpoint()
}

func notOffered(endpoint string) error {
	return scim.Errorf(http.StatusNotImplemented, "", "the gateway does not offer %s", endpoint)
}

// identify reads what follows the endpoint: nothing, or one segment.
func (rt *route) identify(after string) error {
	if after == "" {
		return nil
	}
	id, ok := decodeSegment(after[1:])
	switch {
	case !ok, rt.endpoint == serviceProviderConfig:
		return errNoEndpoint()
	case id == ".search":
		return notOffered("/.search")
	}
	rt.id, rt.escaped = id, after[1:]
	return nil
}

// decodeSegment returns one path segment decoded, and whether it can be taken for just one by everybody.
func decodeSegment(s string) (string, bool) {
	if s == "" || len(s) > 3*maxID {
		return "", false
	}
	id, err := url.PathUnescape(s)
	if err != nil || len(id) > maxID || upstream.HasDots(s) {
		return "", false
	}
	for _, r := range id {
		if r == '/' || r == '\\' || unicode.IsControl(r) {
			return "", false
		}
	}
	return id, true
}

// verb returns what a method does at a route. Override headers are not looked at: POST on a resource is a mistake, whatever
// X-HTTP-Method-Override says (O11).
func (rt route) verb(method string) (scim.Verb, error) {
	var allowed []string
	switch {
	case !rt.resource():
		if method == http.MethodGet {
			return scim.Read, nil
		}
		allowed = []string{http.MethodGet}
	case rt.id == "":
		switch method {
		case http.MethodGet:
			return scim.List, nil
		case http.MethodPost:
			return scim.Create, nil
		}
		allowed = []string{http.MethodGet, http.MethodPost}
	default:
		switch method {
		case http.MethodGet:
			return scim.Read, nil
		case http.MethodPut:
			return scim.Replace, nil
		case http.MethodPatch:
			return scim.Patch, nil
		case http.MethodDelete:
			return scim.Delete, nil
		}
		allowed = []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete}
	}
	return 0, &methodError{strings.Join(allowed, ", ")}
}

// methodError is 405 with the methods that there are (RFC 9110 §15.5.6).
type methodError struct{ allow string }

func (*methodError) Error() string { return "405: no such method" }

func (*methodError) Unwrap() error {
	return scim.Errorf(http.StatusMethodNotAllowed, "", "this endpoint has no such method")
}
