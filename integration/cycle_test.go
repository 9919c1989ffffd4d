package integration

import (
	"slices"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// cycle is the life of three people and a group as Entra goes through it, in its own words, in one dialect.
func cycle(t *testing.T, c *entra.Client, org backend) {
	t.Helper()
	step := func(name string, res *entra.Response, err error, status int) *entra.Response {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.Status != status {
			t.Fatalf("%s: status %d, want %d: %s", name, res.Status, status, res.Raw)
		}
		if ct := res.Header.Get("Content-Type"); len(res.Raw) > 0 && ct != "application/scim+json" {
			t.Errorf("%s: Content-Type %q", name, ct)
		}
		return res
	}
	// A change is answered 200 with the resource or 204 without: both are in the RFC, a SCIM upstream chooses.
	changed := func(name string, res *entra.Response, err error) *entra.Response {
		t.Helper()
		if err == nil && res.Status == 204 {
			return res
		}
		return step(name, res, err, 200)
	}
	expect := func(mail, want string) {
		t.Helper()
		got := personWith(t, org, mail).state
		if slices.Contains([]string{"invited", "accepted", "confirmed"}, got) {
			got = "active"
		}
		if got != want {
			t.Errorf("%s is %q in the organization, want %q", mail, got, want)
		}
	}
	expectGroup := func(name string, want ...string) {
		t.Helper()
		g := groupNamed(t, org, name)
		if g == nil {
			t.Errorf("there is no group %q", name)
			return
		}
		var got []string
		for _, p := range org.people(t) {
			if slices.Contains(g.members, p.id) {
				got = append(got, p.mail)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(got) != len(g.members) {
			t.Errorf("group %q has %v, %v, want %v", name, got, g.members, want)
		}
	}

	// Test Connection.
	res, err := c.Find("/Users", "userName", "7d420df3-9c1c-4f6f-8c43-2b0b6ab9b9b1")
	if res = step("probe", res, err, 200); res.Total() != 0 || res.Body["Resources"] == nil {
		t.Errorf("the probe answers %s", res.Raw)
	}
	res, err = c.Find("/Groups", "displayName", "b3b1f1c2-6f0b-4b6e-9d5b-0d0b8f6a4d11")
	if res = step("group probe", res, err, 200); res.Total() != 0 {
		t.Errorf("the group probe answers %s", res.Raw)
	}

	// Three people are assigned.
	ids := map[string]string{}
	for _, name := range []string{"ada", "ben", "cyd"} {
		mail := name + "@example.com"
		res, err = c.Find("/Users", "userName", mail)
		if res = step("look up "+name, res, err, 200); res.Total() != 0 {
			t.Fatalf("%s is there before being assigned: %s", name, res.Raw)
		}
		res, err = c.Create(entra.User{
			UserName: mail, Mail: mail, ExternalID: "ext-" + name, DisplayName: name + " Example",
			GivenName: name, FamilyName: "Example",
		})
		res = step("create "+name, res, err, 201)
		if ids[name] = res.ID(); ids[name] == "" {
			t.Fatalf("created %s without id: %s", name, res.Raw)
		}
		if res.Header.Get("Location") == "" {
			t.Errorf("created %s without Location", name)
		}
		expect(mail, "active")
	}
	res, err = c.Create(entra.User{UserName: "ada@example.com", Mail: "ada@example.com", ExternalID: "ext-ada"})
	if res = step("create ada again", res, err, 409); res.String("scimType") != "uniqueness" || res.String("status") != "409" {
		t.Errorf("creating ada again answers %s", res.Raw)
	}
	res, err = c.Find("/Users", "userName", "Ada@Example.com")
	if res = step("match ada", res, err, 200); res.Total() != 1 || res.First()["id"] != ids["ada"] || res.First()["active"] != true {
		t.Errorf("matching ada answers %s", res.Raw)
	}
	res, err = c.Read("/Users", ids["ada"])
	if res = step("read ada", res, err, 200); res.String("userName") != "ada@example.com" {
		t.Errorf("reading ada answers %s", res.Raw)
	}

	// A group comes, is filled, loses one, is renamed.
	res, err = c.CreateGroup("Engineering", "ext-eng")
	group := step("create group", res, err, 201).ID()
	expectGroup("Engineering")
	res, err = c.AddMembers(group, ids["ada"], ids["ben"])
	changed("add ada and ben", res, err)
	res, err = c.AddMembers(group, ids["cyd"])
	changed("add cyd", res, err)
	expectGroup("Engineering", "ada@example.com", "ben@example.com", "cyd@example.com")
	res, err = c.AddMembers(group, ids["cyd"])
	changed("add cyd once more", res, err)
	res, err = c.RemoveMembers(group, ids["ben"])
	changed("remove ben", res, err)
	expectGroup("Engineering", "ada@example.com", "cyd@example.com")
	expect("ben@example.com", "active") // leaving a group is not leaving the organization
	res, err = c.RemoveMembers(group, ids["ben"])
	changed("remove ben again", res, err)
	res, err = c.Replace("/Groups", group, map[string]any{"displayName": "Platform"})
	changed("rename group", res, err)
	expectGroup("Platform", "ada@example.com", "cyd@example.com")
	if groupNamed(t, org, "Engineering") != nil {
		t.Error("the old group is still there")
	}
	res, err = c.Find("/Groups", "displayName", "Platform")
	if res = step("match group", res, err, 200); res.Total() != 1 || res.First()["id"] != group {
		t.Errorf("matching the group answers %s", res.Raw)
	}

	// Ada leaves the scope and comes back: access is revoked and restored, her group is kept meanwhile.
	res, err = c.SetActive(ids["ada"], false)
	changed("disable ada", res, err)
	expect("ada@example.com", "revoked")
	res, err = c.SetActive(ids["ada"], false)
	changed("disable ada again", res, err)
	res, err = c.Read("/Users", ids["ada"])
	if res = step("read disabled ada", res, err, 200); res.Body["active"] != false {
		t.Errorf("disabled ada reads %s", res.Raw)
	}
	res, err = c.Find("/Users", "userName", "ada@example.com")
	if res = step("match disabled ada", res, err, 200); res.Total() != 1 || res.First()["active"] != false {
		t.Errorf("disabled ada matches %s", res.Raw)
	}
	res, err = c.SetActive(ids["ada"], true)
	changed("restore ada", res, err)
	expect("ada@example.com", "active")
	expectGroup("Platform", "ada@example.com", "cyd@example.com")

	// Ben's address changes, and nothing else: his userName stays what the provider made it, whatever holds the two.
	res, err = c.Replace("/Users", ids["ben"], map[string]any{`emails[type eq "work"].value`: "benjamin@example.com"})
	changed("change ben's address", res, err)
	for range 2 { // the provider reads what it wrote, or corrects it in every cycle
		res, err = c.Read("/Users", ids["ben"])
		if res = step("read ben", res, err, 200); res.String("userName") != "ben@example.com" {
			t.Errorf("ben reads %s", res.Raw)
		}
		res, err = c.Find("/Users", "userName", "ben@example.com")
		if res = step("match ben", res, err, 200); res.Total() != 1 || res.First()["id"] != ids["ben"] {
			t.Errorf("matching ben answers %s", res.Raw)
		}
		res, err = c.Replace("/Users", ids["ben"], map[string]any{"userName": "ben@example.com"})
		changed("write ben's userName once more", res, err)
	}
	res, err = c.Replace("/Users", ids["ben"], map[string]any{"userName": "benny@example.com", `emails[type eq "work"].value`: "ben.jamin@example.com"})
	changed("change ben's userName and address", res, err)
	res, err = c.Find("/Users", "userName", "benny@example.com")
	if res = step("match benny", res, err, 200); res.Total() != 1 || res.First()["id"] != ids["ben"] || res.First()["userName"] != "benny@example.com" {
		t.Errorf("matching benny answers %s", res.Raw)
	}

	// Cyd is deleted for good; deleting again finds nobody.
	res, err = c.Delete("/Users", ids["cyd"])
	step("delete cyd", res, err, 204)
	expect("cyd@example.com", "")
	res, err = c.Delete("/Users", ids["cyd"])
	if res = step("delete cyd again", res, err, 404); res.String("status") != "404" {
		t.Errorf("deleting cyd again answers %s", res.Raw)
	}
	res, err = c.Read("/Users", ids["cyd"])
	step("read cyd", res, err, 404)
	res, err = c.Delete("/Groups", group)
	step("delete group", res, err, 204)
	if groupNamed(t, org, "Platform") != nil {
		t.Error("the deleted group is still there")
	}
	expect("ada@example.com", "active")
}
