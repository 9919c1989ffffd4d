package integration

import (
	"strings"
	"testing"
)

// Somebody in Entra has the address of a contractor whom a person has invited. Entra searches, creates, searches again and
// goes on with whomever it finds: the contractor is nobody that it finds.
func TestEmailDomains(t *testing.T) {
	for _, existing := range []string{"conflict", "link"} {
		o := withPolicy(t, "existing "+existing+"\n\t\temail_domains example.com")
		contractor := o.invite("cora@contractor.example", "", "Cora")
		colleague := o.invite("ann@example.com", "", "Ann")
		before := o.person("cora@contractor.example")
		for _, body := range []string{
			user("cora@contractor.example", "cora@contractor.example", "E1"),
			user("mallory@example.com", "cora@contractor.example", "E2"),
		} {
			for range 2 {
				for _, attribute := range []string{"userName", `emails[type eq "work"].value`} {
					if id := o.find("/Users", attribute, "cora@contractor.example"); id != "" {
						t.Fatalf("existing %s: Entra finds %s by %s, and links her", existing, id, attribute)
					}
				}
				if id := o.find("/Users", "userName", "mallory@example.com"); id != "" {
					t.Fatalf("existing %s: after the conflict Entra finds %s", existing, id)
				}
				if res := o.do(409, "POST", "/Users", body); !strings.Contains(res.String("detail"), "email_domains") || strings.Contains(string(res.Raw), "cora") {
					t.Errorf("%s", res.Raw)
				}
			}
		}
		if now := o.person("cora@contractor.example"); now != before {
			t.Errorf("%+v has become %+v", before, now)
		}
		// She is in groups that people have made, and stays in them; who has her id knows her.
		o.do(200, "GET", "/Users/"+contractor, "")
		if id := o.find("/Users", "userName", "ann@example.com"); id != colleague {
			t.Errorf("found %q, want %q", id, colleague)
		}
		// A contractor whom Entra itself invites is Entra's.
		res := o.do(201, "POST", "/Users", user("dan@contractor.example", "dan@contractor.example", "E3"))
		if id := o.find("/Users", "userName", "dan@contractor.example"); id != res.ID() {
			t.Errorf("found %q, want %q", id, res.ID())
		}
		o.do(200, "PATCH", "/Users/"+res.ID(), disable)
		if p := o.person("dan@contractor.example"); p.state != "revoked" {
			t.Errorf("%+v", p)
		}
	}
}

// Linked by externalId alone: the name and the address of a member say nothing.
func TestLinkBy(t *testing.T) {
	o := withPolicy(t, "existing link\n\t\tlink_by externalId")
	id := o.invite("ann@example.com", "E1", "Ann")
	if found := o.find("/Users", "userName", "ann@example.com"); found != "" {
		t.Errorf("found %s by a name", found)
	}
	if res := o.do(409, "POST", "/Users", user("ann@example.com", "ann@example.com", "E2")); !strings.Contains(res.String("detail"), "link_by") {
		t.Errorf("%s", res.Raw)
	}
	if found := o.find("/Users", "externalId", "E1"); found != id {
		t.Errorf("found %q, want %q", found, id)
	}
	if res := o.do(201, "POST", "/Users", user("ann.married@example.com", "ann.married@example.com", "E1")); res.ID() != id {
		t.Errorf("linked %q, want %q", res.ID(), id)
	}
	if found := o.find("/Users", "userName", "ann.married@example.com"); found != id {
		t.Errorf("found %q, want %q", found, id)
	}
}
