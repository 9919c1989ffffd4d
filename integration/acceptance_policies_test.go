package integration

import (
	"testing"
)

// TestAcceptanceInvitation is about whom the organization invites, and when. Bitwarden has a setting that lets it create
// members without inviting them; here somebody who is active is invited whatever the configuration says, and it decides
// about those who are not.
func TestAcceptanceInvitation(t *testing.T) {
	for _, test := range []struct {
		name, lines, body string
		status            int
		state             string // in the organization; empty for nobody
	}{
		{"U-C10 inactive, put off", "inactive defer", off(newUser), 201, ""},
		{"U-C11 active, although others are put off", "inactive defer", newUser, 201, "invited"},
		{"U-C12 active, although others are refused", "inactive reject", newUser, 201, "invited"},
		{"U-C13 active, nothing configured", "", newUser, 201, "invited"},
		{"U-C15 inactive, refused", "inactive reject", off(newUser), 400, ""},
		{"U-C15 inactive, refused without a ledger", "ledger off", off(newUser), 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := withPolicy(t, test.lines)
			res := o.do(test.status, "POST", "/Users", test.body)
			p := o.person("user5@example.com")
			if p.state != test.state || p.state != "" && p.externalID != "UE" {
				t.Errorf("in the organization %+v, want %q", p, test.state)
			}
			if test.status >= 400 {
				mustBeError(t, res, test.status)
				return
			}
			if found := o.find("/Users", "externalId", "UE"); found != res.ID() || res.Body["active"] != (test.state != "") {
				t.Errorf("created as %s, found as %q", res.Raw, found)
			}
			again := o.do(409, "POST", "/Users", test.body) // U-C14
			if again.String("scimType") != "uniqueness" {
				t.Errorf("%s", again.Raw)
			}
		})
	}
}

// TestAcceptanceNobodyToInvite is U-C3: whoever waits needs an address as much as whoever is invited at once, and so does
// whoever is to have an account with a name of its own, as Gitea's have.
func TestAcceptanceNobodyToInvite(t *testing.T) {
	for _, p := range []*platform{onEmbedded, onVaultwarden, onDesk, onGitea} {
		t.Run(p.name, func(t *testing.T) {
			scenario{
				method: "POST", path: "/Users", status: 400, scimType: "invalidValue", check: is("no-mail", ""),
				body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"no-mail","externalId":"UE","active":false}`,
			}.run(t, p.open(t, 1, nil)(t, 0))
		})
	}
}
