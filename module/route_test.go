package module

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/scim"
)

func TestParseRoute(t *testing.T) {
	ok := map[string]route{
		"/Users":                      {endpoint: users},
		"/scim/v2/Users":              {root: "/scim/v2", endpoint: users},
		"/scim/Users/1":               {root: "/scim", endpoint: users, id: "1", escaped: "1"},
		"/Users/alex%40example.com":   {endpoint: users, id: "alex@example.com", escaped: "alex%40example.com"},
		"/Users/a%3Fb%23c":            {endpoint: users, id: "a?b#c", escaped: "a%3Fb%23c"},
		"/Users/%C3%BC":               {endpoint: users, id: "ü", escaped: "%C3%BC"},
		"/Users/Users":                {endpoint: users, id: "Users", escaped: "Users"},
		"/Groups/Me":                  {endpoint: groups, id: "Me", escaped: "Me"},
		"/a%20b/Groups":               {root: "/a%20b", endpoint: groups},
		"/s/Schemas/urn:ietf:x:2.0:U": {root: "/s", endpoint: schemas, id: "urn:ietf:x:2.0:U", escaped: "urn:ietf:x:2.0:U"},
		"/s/ServiceProviderConfig":    {root: "/s", endpoint: serviceProviderConfig},
		"/s/ResourceTypes/User":       {root: "/s", endpoint: resourceTypes, id: "User", escaped: "User"},
	}
	for path, want := range ok {
		if got, err := parseRoute(path); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", path, got, err)
		}
	}
	refused := map[string]int{
		"/": 404, "": 404, "/scim": 404, "/users": 404, "/scim/USERS/1": 404, "/Userss": 404,
		"/Users/": 404, "/Users/1/": 404, "/Users//": 404, "/scim/aadOptscim062020/Users": 404, "//Users": 404, "/scim//Users": 404, "/Users/1/2": 404, "/Users/1//": 404,
		"/x/..;/Users": 404, "/x/%252e%252e/Users": 404, "/x/..%2f/Users": 404, "/x/.;a/Users": 404, "/x/%2e%2e%3b/Users/1": 404, "/x/a%252f../Users": 404, "/Users/..;": 404,
		"/Users/%252e%252e": 404, "/Users/..%00": 404,
		"/Users/..": 404, "/Users/%2e%2e": 404, "/../Users": 404, "/x/%2e%2e/Users": 404, "/Users/.": 404,
		"/Users/a%2Fb": 404, "/Users/a%2fb": 404, "/Users/a%5Cb": 404, `/Users/a\b`: 404, "/Users/a%00": 404,
		"/Users/%0d%0aX": 404, "/Users/%zz": 404, "/Users/%ff": 404, "/Users/%C2%85": 404,
		"/Users/" + strings.Repeat("x", maxID+1): 404,
		"/s/ServiceProviderConfig/x":             404, "/Users/1/Groups": 404, "/Users/1/Groups/2": 404,
		"/scim/Bulk": 501, "/scim/Me": 501, "/Me/x": 501, "/.search": 501, "/scim/Users/.search": 501,
	}
	for path, status := range refused {
		got, err := parseRoute(path)
		e, isScim := errors.AsType[*scim.Error](err)
		if !isScim || e.Status != status {
			t.Errorf("%s: got %+v, %v, want %d", path, got, err, status)
		}
	}
}
