package organization

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// directoryOf writes an import that overwrites nothing.
func directoryOf(members, groups string) string {
	return `{"members":[` + members + `],"groups":[` + groups + `],"overwriteExisting":false}`
}

func TestImportMembers(t *testing.T) {
	a := start(t, Handler{Owner: "olivia@example.com"})
	plain := a.invite(`{"email":"plain@example.com","type":1,"collections":[{"id":"` + collection1 + `","readOnly":true}]}`).ID
	a.invite(`{"email":"other@example.com","type":2,"externalId":"o1"}`)
	a.invite(`{"email":"gone@example.com","type":2,"externalId":"g1"}`)
	a.invite(`{"email":"gone.twin@example.com","type":2,"externalId":"g1"}`)
	a.invite(`{"email":"boss@example.com","type":0,"externalId":"b1"}`)

	a.want("POST", "organization/import", directoryOf(
		`{"email":"Plain@Example.com","externalId":"p1"},`+ // is linked
			`{"email":"other@example.com","externalId":"o2"},`+ // has another external id, which stays
			`{"email":"new@example.com","externalId":4711},`+ // is invited
			`{"email":"new@example.com","externalId":"n2"},`+ // is a member by then
			`{"externalId":"g1","deleted":true},`+ // both are deleted
			`{"externalId":"b1","deleted":true},`+ // is an owner
			`{"externalId":"unknown","deleted":true}`, ""), 200, "")

	all := a.everybody()
	if len(all) != 5 {
		t.Errorf("%d members", len(all))
	}
	if m := all["plain@example.com"]; m.ID != plain || *m.ExternalID != "p1" || m.Type != roleAdmin || len(m.Collections) != 1 {
		t.Errorf("linked %+v", m)
	}
	if m := all["other@example.com"]; *m.ExternalID != "o1" {
		t.Errorf("other %+v", m)
	}
	if m := all["new@example.com"]; *m.ExternalID != "4711" || m.Status != statusInvited || m.Type != roleUser {
		t.Errorf("new %+v", m)
	}
	if all["boss@example.com"] == nil || all["olivia@example.com"] == nil {
		t.Error("an owner is gone")
	}
}

func TestImportOverwrites(t *testing.T) {
	a := start(t, Handler{})
	a.invited("manual@example.com")
	a.invite(`{"email":"stays@example.com","type":2,"externalId":"s1"}`)
	a.invite(`{"email":"goes@example.com","type":2,"externalId":"g1"}`)
	a.want("POST", "organization/import", `{"members":[{"email":"stays@example.com","externalId":"s1"}],"groups":[],"overwriteExisting":true}`, 200, "")
	all := a.everybody()
	if len(all) != 2 || all["manual@example.com"] == nil || all["stays@example.com"] == nil {
		t.Errorf("left are %v", all)
	}
}

func TestImportGroups(t *testing.T) {
	a := start(t, Handler{})
	manual := a.invited("manual@example.com")
	jane := a.invite(`{"email":"jane@example.com","type":2,"externalId":"j"}`).ID.String()
	sales := a.newGroup(`{"name":"Sales","externalId":"s"}`)
	sameName := a.newGroup(`{"name":"Design"}`)
	a.want("PUT", "groups/"+sales+"/member-ids", `{"memberIds":["`+manual+`"]}`, 200, "")
	a.want("PUT", "groups/"+sameName+"/member-ids", `{"memberIds":["`+manual+`"]}`, 200, "")

	a.want("POST", "organization/import", directoryOf(
		`{"email":"new@example.com","externalId":"n"}`,
		`{"name":"Sales 2","externalId":"s","memberExternalIds":["j","n","unknown"]},`+
			`{"name":"Design","externalId":7,"memberExternalIds":[]}`), 200, "")

	ids := []string{jane, a.everybody()["new@example.com"].ID.String()}
	slices.Sort(ids)
	if got := a.ids("groups/" + sales + "/member-ids"); !slices.Equal(got, ids) {
		t.Errorf("members %v, want %v", got, ids)
	}
	if got := a.ids("groups/" + sameName + "/member-ids"); !slices.Equal(got, []string{manual}) {
		t.Errorf("members of the manual group %v", got)
	}
	var names []string
	for _, g := range a.allGroups() {
		external := "-"
		if g.ExternalID != nil {
			external = *g.ExternalID
		}
		names = append(names, g.Name+" "+external)
	}
	slices.Sort(names)
	if want := []string{"Design -", "Design 7", "Sales 2 s"}; !slices.Equal(names, want) {
		t.Errorf("groups %v, want %v", names, want)
	}
}

func TestImportStages(t *testing.T) {
	a := start(t, Handler{Seats: 1})
	a.want("POST", "organization/import",
		`{"members":[{"email":"a@example.com","externalId":"a"},{"email":"b@example.com","externalId":"b"}],"groups":[],"overwriteExisting":false,"inviteUsersAfterProvisioning":false}`, 200, "")
	m := a.everybody()["a@example.com"]
	if m.Status != statusStaged {
		t.Fatalf("status %d", m.Status)
	}
	path := "members/" + m.ID.String()
	a.want("POST", path+"/reinvite", "", 400, refused("User invalid."))
	a.want("POST", path+"/revoke", "", 200, "")
	a.want("POST", path+"/restore", "", 200, "")
	if got := a.member(m.ID.String()).Status; got != statusStaged {
		t.Errorf("status %d", got)
	}
	a.invited("takes.the.seat@example.com")
}

func TestImportIsAllOrNothing(t *testing.T) {
	a := start(t, Handler{Seats: 2})
	a.invite(`{"email":"plain@example.com","type":2}`)
	a.invite(`{"email":"gone@example.com","type":2,"externalId":"g"}`)
	a.want("POST", "organization/import", directoryOf(
		`{"externalId":"g","deleted":true},{"email":"plain@example.com","externalId":"p"},{"email":"n1@example.com","externalId":"1"},{"email":"n2@example.com","externalId":"2"}`,
		`{"name":"G","externalId":"g","memberExternalIds":["p"]}`), 400, refused("Seat limit has been reached."))
	all := a.everybody()
	if len(all) != 2 || all["plain@example.com"].ExternalID != nil || all["gone@example.com"] == nil || len(a.allGroups()) != 0 {
		t.Errorf("left are %v", all)
	}
	a.want("POST", "members", `{"email":"x@example.com","type":2}`, 400, refused("Seat limit has been reached."))
}

func TestImportRefused(t *testing.T) {
	a := start(t, Handler{})
	many := func(n int, deleted bool) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"email":"m%d@example.com","externalId":"%d","deleted":%t}`, i, i, deleted)
		}
		return b.String()[1:]
	}
	tests := []struct{ name, body, want string }{
		{"no body", ``, refused("Body is empty.")},
		{"no members", `{"groups":[],"overwriteExisting":false}`, invalid("Members", "The Members field is required.")},
		{"no groups", `{"members":[],"groups":null,"overwriteExisting":false}`, invalid("Groups", "The Groups field is required.")},
		{"overwriteExisting left out", `{"members":[],"groups":[]}`, invalid("OverwriteExisting", "The OverwriteExisting field is required.")},
		{"member without external id", directoryOf(`{"email":"a@example.com"}`, ``), invalid("Members[0].ExternalId", "The ExternalId field is required.")},
		{"external id too long", directoryOf(`{"email":"a@example.com","externalId":"`+strings.Repeat("x", 301)+`"}`, ``),
			invalid("Members[0].ExternalId", "The field ExternalId must be a string with a maximum length of 300.")},
		{"external id of another type", directoryOf(`{"email":"a@example.com","externalId":true}`, ``),
			invalid("$", "The JSON value could not be read: a string or a number was expected.")},
		{"no address", directoryOf(`{"externalId":"a"}`, ``), invalid("Members[0].Email", "Email is required for enabled members.")},
		{"bad address", directoryOf(`{"email":"a","externalId":"a"}`, ``), invalid("Members[0].Email", "The Email field is not a supported e-mail address format.")},
		{"group without name", directoryOf(``, `{"externalId":"g"}`), invalid("Groups[0].Name", "The Name field is required.")},
		{"group without external id", directoryOf(``, `{"name":"g"}`), invalid("Groups[0].ExternalId", "The ExternalId field is required.")},
		{"too many members", directoryOf(many(2001, false), ``), refused("You cannot import this much data at once.")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.want("POST", "organization/import", tt.body, 400, tt.want)
		})
	}
	a.want("POST", "organization/import", directoryOf(many(2001, true), ``), 200, "")
	a.want("POST", "organization/import", `{"largeImport":true,`+directoryOf(many(2001, false), ``)[1:], 200, "")
	if n := len(a.everybody()); n != 2001 {
		t.Errorf("%d members", n)
	}
}
