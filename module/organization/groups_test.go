package organization

import (
	"slices"
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	a := start(t, Handler{})
	a.want("GET", "groups", "", 200, `{"object":"list","data":[]}`)
	id := a.newGroup(`{"name":"Research & <Development>"}`)
	path := "groups/" + id
	a.want("GET", path, "", 200, `{"object":"group","id":"`+id+`","name":"Research & <Development>","externalId":null,"collections":[]}`)

	// Neither the name nor the external id has to be unique.
	a.want("POST", "groups", `{"name":"Research & <Development>","externalId":"x"}`, 200, "*")
	a.want("POST", "groups", `{"name":"Other","externalId":"x"}`, 200, "*")
	if n := len(a.allGroups()); n != 3 {
		t.Errorf("%d groups", n)
	}

	// Collections that are not stated stay; an external id that is not stated goes.
	access := `"collections":[{"id":"` + collection1 + `","readOnly":true,"hidePasswords":false,"manage":false}]`
	a.want("PUT", path, `{"name":"R","externalId":"r",`+access+`}`, 200,
		`{"object":"group","id":"`+id+`","name":"R","externalId":"r",`+access+`}`)
	a.want("PUT", path, `{"name":"S"}`, 200, `{"object":"group","id":"`+id+`","name":"S","externalId":null,`+access+`}`)
	a.want("PUT", path, `{"name":"S","collections":null}`, 200, `{"object":"group","id":"`+id+`","name":"S","externalId":null,`+access+`}`)
	a.want("PUT", path, `{"name":"S","collections":[]}`, 200, `{"object":"group","id":"`+id+`","name":"S","externalId":null,"collections":[]}`)
	a.want("GET", path, "", 200, `{"object":"group","id":"`+id+`","name":"S","externalId":null,"collections":[]}`)

	a.want("DELETE", path, "", 200, "")
	a.want("DELETE", path, "", 404, "")
	a.want("GET", path, "", 404, "")
	a.want("PUT", path, `{"name":"S"}`, 404, "")
	a.want("GET", path+"/member-ids", "", 404, "")
	a.want("PUT", path+"/member-ids", `{"memberIds":[]}`, 404, "")
	if n := len(a.allGroups()); n != 2 {
		t.Errorf("%d groups", n)
	}
}

func TestGroupRefused(t *testing.T) {
	a := start(t, Handler{})
	tests := []struct{ name, body, want string }{
		{"no body", ``, refused("Body is empty.")},
		{"no name", `{}`, invalid("Name", "The Name field is required.")},
		{"blank name", `{"name":" "}`, invalid("Name", "The Name field is required.")},
		{"name too long", `{"name":"` + strings.Repeat("n", 101) + `"}`, invalid("Name", "The field Name must be a string with a maximum length of 100.")},
		// .NET counts UTF-16 units, of which each of these has two.
		{"name too long in another way", `{"name":"` + strings.Repeat("🙂", 51) + `"}`, invalid("Name", "The field Name must be a string with a maximum length of 100.")},
		{"name is a number", `{"name":5}`, invalid("$.name", "The JSON value could not be converted.")},
		{"external id too long", `{"name":"n","externalId":"` + strings.Repeat("e", 301) + `"}`,
			invalid("ExternalId", "The field ExternalId must be a string with a maximum length of 300.")},
	}
	id := a.newGroup(`{"name":"` + strings.Repeat("é", 100) + `","externalId":"keep"}`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.want("POST", "groups", tt.body, 400, tt.want)
			a.want("PUT", "groups/"+id, tt.body, 400, tt.want)
		})
	}
	if all := a.allGroups(); len(all) != 1 || *all[0].ExternalID != "keep" {
		t.Errorf("groups %+v", all)
	}
}

func TestMemberIDsAreReplacedAsAWhole(t *testing.T) {
	a := start(t, Handler{})
	id := a.newGroup(`{"name":"A"}`)
	path := "groups/" + id + "/member-ids"
	jane, john := a.invited("jane@example.com"), a.invited("john@example.com")
	both := []string{jane, john}
	slices.Sort(both)

	a.want("PUT", path, `{"memberIds":["`+john+`","`+jane+`","`+jane+`","`+nobody+`"]}`, 200, "")
	a.want("GET", path, "", 200, `["`+both[0]+`","`+both[1]+`"]`)
	a.want("PUT", path, `{"memberIds":["`+strings.ToUpper(jane)+`"]}`, 200, "")
	a.want("GET", path, "", 200, `["`+jane+`"]`)
	a.want("GET", "members/"+john+"/group-ids", "", 200, `[]`)

	for _, body := range []string{`{}`, `{"memberIds":null}`} {
		a.want("PUT", path, body, 400, invalid("MemberIds", "The MemberIds field is required."))
	}
	a.want("PUT", path, `{"memberIds":["jane@example.com"]}`, 400, "*")
	a.want("PUT", path, `{"memberIds":"`+jane+`"}`, 400, invalid("$.memberIds", "The JSON value could not be converted."))
	a.want("GET", path, "", 200, `["`+jane+`"]`)

	a.want("PUT", path, `{"memberIds":[]}`, 200, "")
	a.want("GET", path, "", 200, `[]`)
}
