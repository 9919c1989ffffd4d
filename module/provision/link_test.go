package provision

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger/storagetest"
	"github.com/caddy-scim/gateway/module/upstream"
)

// strangers puts members into the organization whom the provider has nothing to do with.
func (b *bitwarden) strangers(g *gateway, addresses ...string) {
	for _, address := range addresses {
		name, _, _ := strings.Cut(address, "@")
		b.members = append(b.members, map[string]any{"id": "id-" + name, "email": address, "status": 2, "type": 2, "externalId": "x-" + name})
	}
	g.seen.users.Expire()
}

// linking is a gateway with words about who may be linked.
func linking(t *testing.T, existing string, linkBy, domains []string) (*gateway, *bitwarden, *storagetest.Storage) {
	return remembering(t, func(o *Organization) { o.Existing, o.LinkBy, o.EmailDomains = existing, linkBy, domains })
}

func (g *gateway) finds(t *testing.T, f, want string) {
	t.Helper()
	if got := strings.Join(g.find(t, "Users", f), " "); got != want {
		t.Errorf("%s finds %q, not %q", f, got, want)
	}
}

// A member whose address is elsewhere is not linked by it, however the provider goes about it: by a search, after a conflict,
// by a create, or by activating somebody who waited.
func TestEmailDomains(t *testing.T) {
	for _, existing := range []string{ExistingConflict, ExistingLink} {
		g, b, storage := linking(t, existing, nil, []string{"Example.com", "example.org"})
		b.strangers(g, "bob@elsewhere.example", "jane@EXAMPLE.com", "sub@eu.example.com")
		const other = `"emails":[{"value":"bob@elsewhere.example","type":"work","primary":true}]`
		for range 2 {
			for _, f := range []string{`userName eq "bob@elsewhere.example"`, `emails eq "BOB@elsewhere.example"`, `emails[value eq "bob@elsewhere.example"]`,
				`userName sw "bob"`, `not (userName eq "jane@example.com")`, `userName eq "sub@eu.example.com"`, `userName eq "bob@elsewhere.example" or externalId eq "x-bob"`} {
				g.finds(t, f, "")
			}
			g.finds(t, `externalId eq "x-bob"`, "id-bob")
			g.finds(t, `id eq "id-bob"`, "id-bob")
			g.finds(t, `active eq true`, "id-jane")
			g.finds(t, `emails eq "jane@example.com"`, "id-jane")
			if n := g.must(t, 200, "GET", "/Users", "").body["totalResults"]; n != 1.0 {
				t.Errorf("%v are listed", n)
			}
			for _, body := range []string{user("bob@elsewhere.example", "b"), user("robert@example.com", "r", other)} {
				if a, told := g.told(t, "POST", "/Users", body); a.status != 409 || a.scimType != "uniqueness" || !strings.Contains(a.err.Detail, "email_domains") || told != "protected id-bob email_domains" {
					t.Errorf("%s: %d %v, %s", body, a.status, a.err, told)
				}
			}
			g = g.restarted(t, storage)
		}
		waits := g.must(t, 201, "POST", "/Users", strings.Replace(user("late@example.com", "l", strings.ReplaceAll(other, "bob", "late")), "true", "false", 1)).id()
		b.strangers(g, "late@elsewhere.example")
		if a := g.do(t, "PATCH", "/Users/"+waits, patchOp(`{"op":"replace","path":"active","value":true}`)); a.status != 409 || !strings.Contains(a.err.Detail, "email_domains") {
			t.Errorf("activated: %d %v", a.status, a.err)
		}
		// Who is the provider's stays so, wherever the address is.
		id := g.must(t, 201, "POST", "/Users", user("guest@elsewhere.example", "g")).id()
		g = g.restarted(t, storage)
		g.finds(t, `userName eq "guest@elsewhere.example"`, id)
		// So does who is known by id: a leaver, whatever the storage has lost.
		g.must(t, 200, "GET", "/Users/id-bob", "")
		g.must(t, 200, "PATCH", "/Users/id-bob", patchOp(disable))
		if m := b.member(t, "id-bob"); m["status"] != -1 {
			t.Errorf("%v", m)
		}
	}
}

// What the gateway made itself is no stranger's, though the answer was lost.
func TestEmailDomainsAndALostAnswer(t *testing.T) {
	g, b, _ := linking(t, ExistingConflict, nil, []string{"example.com"})
	lose := true
	b.after = func(r *http.Request) *upstream.Answer {
		if r.Method != http.MethodPost || !lose {
			return nil
		}
		lose = false
		return &upstream.Answer{Status: 502, Header: http.Header{}}
	}
	g.must(t, 502, "POST", "/Users", user("guest@elsewhere.example", "g"))
	id := g.must(t, 201, "POST", "/Users", user("guest@elsewhere.example", "g")).id()
	g.finds(t, `userName eq "guest@elsewhere.example"`, id)
	if len(b.members) != 1 {
		t.Errorf("%d members", len(b.members))
	}
}

// The address and the externalId together are more than the address alone.
func TestEmailDomainsAndExternalID(t *testing.T) {
	g, b, _ := linking(t, ExistingLink, nil, []string{"example.com"})
	b.strangers(g, "bob@elsewhere.example")
	g.must(t, 409, "POST", "/Users", user("somebody@example.com", "x-bob"))
	if id := g.must(t, 201, "POST", "/Users", user("bob@elsewhere.example", "x-bob")).id(); id != "id-bob" {
		t.Errorf("linked %s", id)
	}
	g.finds(t, `userName eq "bob@elsewhere.example"`, "id-bob")
}

// What the configuration does not name links nobody, and nobody is found by it who is not linked.
func TestLinkBy(t *testing.T) {
	const address = `"emails":[{"value":"jane@example.com","type":"work","primary":true}]`
	for by, may := range map[string]struct{ userName, externalId, email bool }{
		"userName":       {userName: true},
		"externalId":     {externalId: true},
		"email":          {email: true},
		"userName email": {userName: true, email: true},
	} {
		open := func() (*gateway, *bitwarden) {
			g, b, _ := linking(t, ExistingLink, strings.Fields(by), nil)
			b.strangers(g, "jane@example.com")
			return g, b
		}
		for _, c := range []struct {
			filter, body string
			may          bool
		}{
			{`userName eq "jane@example.com"`, user("jane@example.com", "other"), may.userName || may.email}, // the address is the name there
			{`externalId eq "x-jane"`, user("somebody@example.com", "x-jane"), may.externalId},
			{`emails.value eq "jane@example.com"`, user("janet", "other", address), may.email},
		} {
			g, _ := open()
			found := ""
			if attribute, _, _ := strings.Cut(c.filter, " "); c.may && (attribute != "userName" || may.userName) {
				found = "id-jane"
			}
			g.finds(t, c.filter, found)
			a, told := g.told(t, "POST", "/Users", c.body)
			switch {
			case !c.may && told != "protected id-jane link_by":
				t.Errorf("link_by %s: told %s", by, told)
			case c.may && (a.status != 201 || a.id() != "id-jane"), !c.may && (a.status != 409 || !strings.Contains(a.err.Detail, "link_by is "+by)):
				t.Errorf("link_by %s: POST %s: %d %v", by, c.body, a.status, a.err)
			case c.may:
				g.finds(t, `active eq true`, "id-jane")
			default:
				g.finds(t, `active eq true`, "")
			}
		}
	}
}

// A domain with other letters than those of ASCII is the same in its "xn--" form, as DNS has it.
func TestEmailDomainsWithOtherLetters(t *testing.T) {
	g, b, _ := linking(t, ExistingLink, nil, []string{"Bücher.example", "xn--strae-oqa.example", "not_dns.example"})
	b.strangers(g, "ann@xn--bcher-kva.example", "ben@BÜCHER.example", "cem@straße.example", "dan@strasse.example", "eva@NOT_dns.example")
	for address, want := range map[string]string{
		"ann@xn--bcher-kva.example": "id-ann", "ben@bücher.example": "id-ben", "cem@straße.example": "id-cem", "dan@strasse.example": "", "eva@not_dns.example": "id-eva",
	} {
		g.finds(t, `userName eq "`+address+`"`, want)
	}
}

func TestLinksAreChecked(t *testing.T) {
	for want, o := range map[string]*Organization{
		`link_by: unknown word "mail"`: {LinkBy: []string{"mail"}},
		`email_domains: "a@b.example"`: {EmailDomains: []string{"example.com", "a@b.example"}},
		`email_domains: ""`:            {EmailDomains: []string{""}},
		`link_by needs the ledger`:     {LinkBy: []string{"email"}, Ledger: LedgerConfig{Off: true}},
		`email_domains needs the led`:  {EmailDomains: []string{"example.com"}, Ledger: LedgerConfig{Off: true}},
	} {
		o.Mapping = bitwardenMapping()
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
