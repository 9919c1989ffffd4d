package requests

import (
	"net/url"
	"strings"
)

// query makes the query of a list.
func (m maker) query() string {
	var pairs []string
	for range m.IntN(4) {
		name := pick(m, parameters)
		value := pick(m, []string{"1", "0", "-1", "20", "x", "", " 7", "99999999999", "userName", "name.givenName,emails", "active"})
		if strings.EqualFold(name, "filter") {
			value = m.filter(2)
		}
		if m.chance(3) {
			pairs = append(pairs, name+"="+value)
			continue
		}
		pairs = append(pairs, name+"="+url.QueryEscape(value))
	}
	return strings.Join(pairs, "&")
}

// filter makes a filter.
func (m maker) filter(depth int) string {
	switch n := m.IntN(20); {
	case n < 3 && depth > 0:
		return m.filter(depth-1) + pick(m, []string{" and ", " or ", " AND ", "  and "}) + m.filter(depth-1)
	case n == 3 && depth > 0:
		return pick(m, []string{"not (", "(", "NOT("}) + m.filter(depth-1) + ")"
	case n == 4:
		return pick(m, filters)
	}
	attr := pick(m, filterAttributes)
	return attr + " " + pick(m, comparisons) + " " + pick(m, literals)
}

// url makes the path and query of a request as administrators spoil them.
func (m maker) url() string {
	return pick(m, []string{"/Users", "/Groups/", "/scim//Users/", "/Users/" + ID + "/", "/aadOptscim062020/Users", "/AzureAdScimPatch062020/Groups", "/"}) +
		pick(m, []string{"", "?", "?aadOptscim062020", "?aadOptscim062020=/Users", "?aadOptscim062020/Users?filter=a", "?AzureAdScimPatch2020=1/Groups", "?x=/Users"})
}
