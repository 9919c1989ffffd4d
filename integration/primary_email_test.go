package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPrimaryEmail invites people at the address that the order says.
func TestPrimaryEmail(t *testing.T) {
	const emails = `"emails":[{"type":"other","value":"other@example.com"},{"type":"home","primary":true,"value":"home@example.com"},{"type":"work","value":"work@example.com"}]`
	const guest = "ann_partner.example#EXT#@tenant.onmicrosoft.com"
	rows := []struct {
		order, userName, emails string
		want                    string // empty: nobody can be invited
	}{
		{"", "ann@example.com", emails, "home@example.com"},
		{"primary_email work primary", "ann@example.com", emails, "work@example.com"},
		{"primary_email first", "ann@example.com", emails, "other@example.com"},
		{"primary_email userName", "ann@example.com", emails, "ann@example.com"},
		{"primary_email userName work", "ann", emails, "work@example.com"},
		{"", "ann@example.com", `"emails":[{"type":"other","value":"other@example.com"}]`, "ann@example.com"},
		{"", "ann", `"emails":[{"type":"other","value":"other@example.com"}]`, ""},
		{"", "ann", `"emails":[{"type":"home","primary":true,"value":" "},{"type":"work","value":"WORK@example.com"}]`, "work@example.com"},
		{"", guest, `"emails":[{"type":"work","value":"ann@partner.example"}]`, "ann@partner.example"},
		{"", guest, `"displayName":"Ann"`, ""},
		{"primary_email primary work first", "ann", `"emails":[{"primary":true,"type":"work","value":"` + guest + `"}]`, ""},
		{"primary_email primary work userName guest", guest, `"displayName":"Ann"`, strings.ToLower(guest)},
		{"primary_email guest work", guest, `"emails":[{"type":"work","value":"ann@partner.example"}]`, strings.ToLower(guest)},
	}
	s := start(t, tenants(len(rows), "", func(i int) string {
		return rows[i].order + "\n\t\t" + bitwardenUpstream(fmt.Sprintf("/org/%d", i))
	})+offices(len(rows)))
	for i, row := range rows {
		t.Run(fmt.Sprintf("%s for %s", row.order, row.userName), func(t *testing.T) {
			o := &office{t, s, s.entra(fmt.Sprintf("/scim/%d", i)), newPublicAPI(t, s, fmt.Sprintf("/org/%d", i))}
			status := 201
			if row.want == "" {
				status = 400
			}
			res := o.do(status, "POST", "/Users", user(row.userName, "", "E", row.emails))
			people := slices.DeleteFunc(o.api.people(t), func(p person) bool { return p.mail == "owner@example.com" })
			if row.want == "" {
				mustBeError(t, res, 400)
				if len(people) > 0 {
					t.Errorf("people %v", people)
				}
				return
			}
			if len(people) != 1 || people[0].mail != row.want {
				t.Errorf("people %v, want %s", people, row.want)
			}
			// Whatever the address, the provider finds its user by its own name.
			if found := o.find("/Users", "userName", row.userName); found != res.ID() || found == "" {
				t.Errorf("found %q, want %q", found, res.ID())
			}
			if got := o.do(200, "GET", "/Users/"+res.ID(), "").String("userName"); got != row.userName {
				t.Errorf("userName %q", got)
			}
		})
	}
}
