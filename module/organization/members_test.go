package organization

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const (
	collection1 = "11111111-aaaa-4aaa-8aaa-000000000001"
	nobody      = "99999999-aaaa-4aaa-8aaa-000000000009"
)

func TestMemberShape(t *testing.T) {
	a := start(t, Handler{})
	id := a.invited("Jane.Doe@Example.com")
	want := `{"object":"member","id":"` + id + `","userId":null,"name":null,"email":"jane.doe@example.com","twoFactorEnabled":false,` +
		`"status":0,"type":2,"externalId":null,"permissions":null,"collections":[],"resetPasswordEnrolled":false,"ssoExternalId":null}`
	a.want("GET", "members/"+id, "", 200, want)
	a.want("GET", "members/"+strings.ToUpper(id), "", 200, want)
	a.want("GET", "members", "", 200, `{"object":"list","data":[`+want+`]}`)
	a.want("GET", "members/"+id+"/group-ids", "", 200, `[]`)
	if id != strings.ToLower(id) || uuid.Validate(id) != nil {
		t.Errorf("id %s", id)
	}
}

func TestCreateMember(t *testing.T) {
	a := start(t, Handler{})
	g := a.newGroup(`{"name":"Sales"}`)
	m := a.invite(`{"EMAIL":"jane@example.com","type":4,"externalId":"jane","permissions":{"manageScim":true},"unknown":1,` +
		`"collections":[{"id":"` + collection1 + `","readOnly":true,"hidePasswords":true}],"groups":["` + g + `","` + nobody + `","` + g + `"]}`)
	if *m.ExternalID != "jane" || !m.Permissions.ManageSCIM || m.Permissions.ManageUsers ||
		len(m.Collections) != 1 || !m.Collections[0].ReadOnly || !m.Collections[0].HidePasswords || m.Collections[0].Manage {
		t.Errorf("created %+v", m)
	}
	if got := a.ids("members/" + m.ID.String() + "/group-ids"); !slices.Equal(got, []string{g}) {
		t.Errorf("groups %v", got)
	}
	// External ids are not unique, and a blank one is none.
	if again := a.invite(`{"email":"john@example.com","type":2,"externalId":"jane"}`); *again.ExternalID != "jane" {
		t.Errorf("created %+v", again)
	}
	if m := a.invite(`{"email":"jim@example.com","type":2,"externalId":" "}`); m.ExternalID != nil {
		t.Errorf("created %+v", m)
	}
	a.invite(`{"email":"jo@example.com","type":2,"externalId":"` + strings.Repeat("é", 300) + `"}`)
}

func TestCreateMemberRefused(t *testing.T) {
	a := start(t, Handler{})
	a.invited("jane@example.com")
	tests := []struct{ name, body, want string }{
		{"member already", `{"email":"JANE@example.com","type":2}`, refused("This user has already been invited.")},
		{"no body", ``, refused("Body is empty.")},
		{"null", `null`, refused("Body is empty.")},
		{"no type", `{"email":"x@example.com"}`, invalid("Type", "The Type field is required.")},
		{"abolished type", `{"email":"x@example.com","type":3}`, invalid("Type", "The field Type is invalid.")},
		{"type out of range", `{"email":"x@example.com","type":-1}`, invalid("Type", "The field Type is invalid.")},
		{"type as text", `{"email":"x@example.com","type":"2"}`, invalid("$.type", "The JSON value could not be converted.")},
		{"no address", `{"type":2}`, invalid("Email", "The Email field is required.")},
		{"blank address", `{"email":"  ","type":2}`, invalid("Email", "The Email field is required.")},
		{"no domain", `{"email":"jane","type":2}`, invalid("Email", "The Email field is not a supported e-mail address format.")},
		{"external id too long", `{"email":"x@example.com","type":2,"externalId":"` + strings.Repeat("e", 301) + `"}`,
			invalid("ExternalId", "The field ExternalId must be a string with a maximum length of 300.")},
		{"permissions of a user", `{"email":"x@example.com","type":2,"permissions":{}}`,
			invalid("Permissions", "Only users with the Custom role may use custom permissions.")},
		{"collection without id", `{"email":"x@example.com","type":2,"collections":[{"readOnly":true}]}`,
			invalid("Collections[0].Id", "The Id field is required.")},
		{"collection without readOnly", `{"email":"x@example.com","type":2,"collections":[{"id":"` + collection1 + `"}]}`,
			invalid("Collections[0].ReadOnly", "The ReadOnly field is required.")},
		{"manage and read only", `{"email":"x@example.com","type":2,"collections":[{"id":"` + collection1 + `","readOnly":true,"manage":true}]}`,
			refused("The Manage property is mutually exclusive and cannot be true while the ReadOnly or HidePasswords properties are also true.")},
		{"group id that is no GUID", `{"email":"x@example.com","type":2,"groups":["sales"]}`,
			invalid("$", "The JSON value could not be converted: a GUID was expected.")},
		{"half a body", `{"email":`, invalid("$", "The JSON value could not be read: unexpected end of JSON input.")},
		{"more than a body", `{"email":"x@example.com","type":2}{}`, invalid("$", "The JSON value could not be read: invalid character '{' after top-level value.")},
		{"not UTF-8", "{\"email\":\"x\xff@example.com\",\"type\":2}", invalid("$", "The JSON value is not valid UTF-8.")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.want("POST", "members", tt.body, 400, tt.want)
		})
	}
	if all := a.everybody(); len(all) != 1 {
		t.Errorf("%d members", len(all))
	}
}

func TestUpdateMemberIsAReset(t *testing.T) {
	a := start(t, Handler{})
	g := a.newGroup(`{"name":"Sales"}`)
	full := `"externalId":"jane","collections":[{"id":"` + collection1 + `","readOnly":false,"hidePasswords":false,"manage":true}]`
	m := a.invite(`{"email":"jane@example.com","type":4,"permissions":{"manageUsers":true},"groups":["` + g + `"],` + full + `}`)
	path := "members/" + m.ID.String()

	// What is echoed stays; permissions of a custom role and groups stay when they are null.
	a.want("PUT", path, `{"type":4,"permissions":null,"groups":null,`+full+`}`, 200, "*")
	if m := a.member(m.ID.String()); *m.ExternalID != "jane" || len(m.Collections) != 1 || !m.Collections[0].Manage || !m.Permissions.ManageUsers {
		t.Errorf("updated %+v", m)
	}
	// What is left out goes, and the address cannot be changed.
	a.want("PUT", path, `{"type":2,"email":"other@example.com"}`, 200, "*")
	if m := a.member(m.ID.String()); m.ExternalID != nil || len(m.Collections) != 0 || m.Permissions != nil || m.Type != roleUser || m.Email != "jane@example.com" {
		t.Errorf("updated %+v", m)
	}
	if got := a.ids(path + "/group-ids"); !slices.Equal(got, []string{g}) {
		t.Errorf("groups %v", got)
	}
	a.want("PUT", path, `{"type":2,"groups":[]}`, 200, "*")
	a.want("GET", path+"/group-ids", "", 200, "[]")

	a.want("PUT", path, `{"externalId":"x"}`, 400, invalid("Type", "The Type field is required."))
	a.want("PUT", path, ``, 400, refused("Body is empty."))
	a.want("PUT", path, `{"type":2,"collections":[{"id":"`+collection1+`","readOnly":false,"hidePasswords":true,"manage":true}]}`, 400, "*")
	a.want("PUT", "members/"+nobody, `{"type":2}`, 404, "")
}

func TestMemberGroupIDs(t *testing.T) {
	a := start(t, Handler{})
	id := a.invited("jane@example.com")
	g1, g2 := a.newGroup(`{"name":"A"}`), a.newGroup(`{"name":"B"}`)
	path := "members/" + id + "/group-ids"
	a.want("PUT", path, `{"groupIds":["`+g1+`","`+nobody+`"]}`, 200, "")
	a.want("GET", path, "", 200, `["`+g1+`"]`)
	a.want("GET", "groups/"+g1+"/member-ids", "", 200, `["`+id+`"]`)
	a.want("PUT", path, `{"groupIds":["`+g2+`"]}`, 200, "")
	a.want("GET", "groups/"+g1+"/member-ids", "", 200, `[]`)
	a.want("GET", "groups/"+g2+"/member-ids", "", 200, `["`+id+`"]`)
	a.want("PUT", path, `{}`, 400, invalid("GroupIds", "The GroupIds field is required."))
	a.want("GET", "groups/"+g2+"/member-ids", "", 200, `["`+id+`"]`)
	a.want("PUT", "members/"+nobody+"/group-ids", `{"groupIds":[]}`, 404, "")
	a.want("GET", "members/"+nobody+"/group-ids", "", 404, "")
}

func TestDeleteMember(t *testing.T) {
	a := start(t, Handler{})
	g := a.newGroup(`{"name":"A"}`)
	id := a.invite(`{"email":"jane@example.com","type":2,"groups":["` + g + `"]}`).ID.String()
	a.want("DELETE", "members/"+id, "", 200, "")
	a.want("DELETE", "members/"+id, "", 404, "")
	a.want("GET", "members/"+id, "", 404, "")
	a.want("GET", "members", "", 200, `{"object":"list","data":[]}`)
	a.want("GET", "groups/"+g+"/member-ids", "", 200, `[]`)
	if again := a.invited("jane@example.com"); again == id {
		t.Error("an id came back")
	}
}

func TestLifeCycle(t *testing.T) {
	a := start(t, Handler{})
	id := a.invited("jane@example.com")
	path := "members/" + id
	check := func(want status) {
		t.Helper()
		if got := a.member(id).Status; got != want {
			t.Fatalf("status %d, want %d", got, want)
		}
	}
	a.want("POST", path+"/reinvite", "", 200, "")
	a.want("POST", path+"/confirm", "", 400, refused("User invalid."))
	a.want("POST", path+"/restore", "", 400, refused("Already active."))

	// An invitation that is revoked and restored is still to be accepted.
	a.want("POST", path+"/revoke", "", 200, "")
	check(statusRevoked)
	a.want("POST", path+"/revoke", "", 400, refused("Already revoked."))
	a.want("POST", path+"/accept", "", 400, refused("User invalid."))
	a.want("POST", path+"/reinvite", "", 400, refused("User invalid."))
	a.want("POST", "members", `{"email":"jane@example.com","type":2}`, 400, refused("This user has already been invited."))
	a.want("POST", path+"/restore", "", 200, "")
	check(statusInvited)

	a.want("POST", path+"/accept", `{"name":"`+strings.Repeat("n", 51)+`"}`, 400, "*")
	a.want("POST", path+"/accept", `[]`, 400, "*")
	a.want("POST", path+"/accept", `{"name":"Jane Doe"}`, 200, "*")
	check(statusAccepted)
	if m := a.member(id); m.Name == nil || *m.Name != "Jane Doe" || m.UserID == nil {
		t.Errorf("accepted %+v", m)
	}
	a.want("POST", path+"/reinvite", "", 400, refused("User invalid."))
	a.want("POST", path+"/accept", "", 400, refused("User invalid."))
	a.want("POST", path+"/confirm", "", 200, "*")
	check(statusConfirmed)
	a.want("POST", path+"/confirm", "", 400, refused("User invalid."))
	a.want("POST", path+"/revoke", `{"ignored":true}`, 200, "")
	a.want("POST", path+"/restore", "", 200, "")
	check(statusConfirmed)
	a.want("POST", path+"/restore", "", 400, refused("Already active."))

	for _, step := range []string{"reinvite", "revoke", "restore", "accept", "confirm"} {
		a.want("POST", "members/"+nobody+"/"+step, "", 404, "")
		a.want("POST", "members/jane/"+step, "", 404, "")
	}
}

func TestRevokedMemberKeepsItsPlace(t *testing.T) {
	a := start(t, Handler{})
	g := a.newGroup(`{"name":"A"}`)
	access := `"externalId":"j","collections":[{"id":"` + collection1 + `","readOnly":true}]`
	id := a.invite(`{"email":"jane@example.com","type":2,"groups":["` + g + `"],` + access + `}`).ID.String()
	a.want("POST", "members/"+id+"/revoke", "", 200, "")
	a.want("PUT", "members/"+id, `{"type":1,`+access+`}`, 200, "*")
	a.want("GET", "groups/"+g+"/member-ids", "", 200, `["`+id+`"]`)
	a.want("POST", "members/"+id+"/restore", "", 200, "")
	if m := a.member(id); m.Status != statusInvited || len(m.Collections) != 1 || *m.ExternalID != "j" || m.Type != roleAdmin {
		t.Errorf("restored %+v", m)
	}
}

func TestLastOwner(t *testing.T) {
	const last = "Organization must have at least one confirmed owner."
	a := start(t, Handler{Owner: "Olivia@Example.com"})
	olivia := a.everybody()["olivia@example.com"]
	if olivia == nil || olivia.Status != statusConfirmed || olivia.Type != roleOwner || olivia.UserID == nil {
		t.Fatalf("owner %+v", olivia)
	}
	path := "members/" + olivia.ID.String()
	a.invite(`{"email":"invited.owner@example.com","type":0}`) // does not count: not confirmed
	a.want("DELETE", path, "", 400, refused(last))
	a.want("POST", path+"/revoke", "", 400, refused(last))
	a.want("PUT", path, `{"type":2}`, 400, refused(last))
	a.want("PUT", path, `{"type":0,"externalId":"o"}`, 200, "*")

	second := a.confirmed("second@example.com", roleOwner)
	a.want("POST", path+"/revoke", "", 200, "")
	a.want("POST", "members/"+second+"/revoke", "", 400, refused(last))
	a.want("POST", path+"/restore", "", 200, "")
	a.want("PUT", "members/"+second, `{"type":2}`, 200, "*")
	a.want("DELETE", path, "", 400, refused(last))
}

func TestSeats(t *testing.T) {
	const full = "Seat limit has been reached."
	a := start(t, Handler{Seats: 3, Owner: "olivia@example.com"})
	jane := a.invited("jane@example.com")
	john := a.invited("john@example.com")
	a.want("POST", "members", `{"email":"jim@example.com","type":2}`, 400, refused(full))
	a.want("POST", "members", `{"email":"jane@example.com","type":2}`, 400, refused("This user has already been invited."))
	a.want("POST", "members/"+jane+"/revoke", "", 200, "")
	jim := a.invited("jim@example.com")
	a.want("POST", "members/"+jane+"/restore", "", 400, refused(full))
	if m := a.member(jane); m.Status != statusRevoked {
		t.Errorf("status %d", m.Status)
	}
	a.want("DELETE", "members/"+jim, "", 200, "")
	a.want("POST", "members/"+jane+"/restore", "", 200, "")
	a.want("POST", "members/"+john+"/accept", "", 200, "*")
	a.want("POST", "members", `{"email":"jim@example.com","type":2}`, 400, refused(full))
	// Deleting somebody who is revoked frees nothing.
	a.want("POST", "members/"+jane+"/revoke", "", 200, "")
	a.want("DELETE", "members/"+jane, "", 200, "")
	a.invited("jim@example.com")
	a.want("POST", "members", `{"email":"joe@example.com","type":2}`, 400, refused(full))
}

func TestCheckEmail(t *testing.T) {
	good := []string{"a@b.de", "first.last+tag@sub.example.com", "a_b.com#EXT#@tenant.onmicrosoft.com", "a@ex\u00e4mple.com", "o'neil@example.museum"}
	bad := []string{
		"", "a", "a@b", "@example.com", "a@", "a@b.c0m", "a@[192.0.2.1]", "J\u00e4ne@example.com", "Jane <jane@example.com>", "<jane@example.com>",
		"jane@example.com ", "a b@example.com", "a@b@example.com", "jane@example.com,john@example.com", "jane@example.com.", "(x)jane@example.com",
	}
	for _, s := range good {
		if CheckEmail(s) != nil {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range bad {
		if CheckEmail(s) == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
