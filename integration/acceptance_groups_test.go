package integration

import (
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

var groupScenarios = []scenario{
	{name: "G-R1 read", method: "GET", path: "/Groups/{G1}", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		list, _ := r.Body["members"].([]any)
		if r.ID() != w.ids["G1"] || r.String("displayName") != "Test Group 1" || r.String("externalId") != "A" || len(list) != 2 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "G-R1 read without members", method: "GET", path: "/Groups/{G1}?excludedAttributes=members", status: 200, check: func(t *testing.T, _ *world, r *entra.Response) {
		if _, there := r.Body["members"]; there {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "read empty group", method: "GET", path: "/Groups/{G2}", status: 200, check: func(t *testing.T, _ *world, r *entra.Response) {
		if list, ok := r.Body["members"].([]any); !ok || len(list) != 0 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "G-R2 read unknown", method: "GET", path: "/Groups/{nobody}", status: 404},
	{name: "G-R3 first page", method: "GET", path: "/Groups?count=2&excludedAttributes=members", status: 200, check: func(t *testing.T, _ *world, r *entra.Response) {
		if list, _ := r.Body["Resources"].([]any); r.Total() != 3 || len(list) != 2 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "G-R4 displayName", method: "GET", path: "/Groups?filter=displayName+eq+%22Test+Group+2%22&excludedAttributes=members", status: 200, check: total(1, "G2")},
	{name: "G-R5 externalId", method: "GET", path: "/Groups?filter=externalId+eq+%22C%22", status: 200, check: total(1, "G3")},
	{name: "G-R6 externalId of none", method: "GET", path: "/Groups?filter=externalId+eq+%22Z%22", status: 200, check: total(0)},

	{name: "G-R7 displayName without count", method: "GET", path: "/Groups?filter=displayName+eq+%22Test+Group+2%22", status: 200, check: all(total(1, "G2"), page(1, 1))},
	{name: "G-R7 all without count", method: "GET", path: "/Groups", status: 200, check: all(total(3, "G1", "G2", "G3"), page(1, 3))},
	{name: "G-R8 all on one page", method: "GET", path: "/Groups?startIndex=1&count=10", status: 200, check: all(total(3, "G1", "G2", "G3"), page(1, 3))},
	{name: "G-R8 last page", method: "GET", path: "/Groups?startIndex=3&count=2", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		if page(3, 1)(t, w, r); r.Total() != 3 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "G-R8 beyond the last page", method: "GET", path: "/Groups?startIndex=4&count=2", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		if page(4, 0)(t, w, r); r.Total() != 3 {
			t.Errorf("%s", r.Raw)
		}
	}},

	{name: "G-C1 G-C4 create with members", method: "POST", path: "/Groups", status: 201, body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"New","externalId":"N","members":[{"display":"x","value":"{U1}"}]}`,
		check: func(t *testing.T, w *world, r *entra.Response) {
			w.ids["G4"] = r.ID()
			named("G4", "New", "N")(t, w, r)
			members("G4", "U1")(t, w, r)
			if r.Header.Get("Location") != w.c.TenantURL+"/Groups/"+r.ID() {
				t.Errorf("Location %q", r.Header.Get("Location"))
			}
		}},
	{name: "G-C4 create with an empty list", method: "POST", path: "/Groups", status: 201, body: `{"displayName":"New","externalId":"N","members":[]}`,
		check: func(t *testing.T, w *world, r *entra.Response) {
			w.ids["G4"] = r.ID()
			all(named("G4", "New", "N"), members("G4", ""))(t, w, r)
		}},
	{name: "G-C4 create with a member named twice", method: "POST", path: "/Groups", status: 201, body: `{"displayName":"New","externalId":"N","members":[{"value":"{U2}"},{"value":"{U2}"}]}`,
		check: func(t *testing.T, w *world, r *entra.Response) {
			w.ids["G4"] = r.ID()
			members("G4", "U2")(t, w, r)
		}},
	{name: "G-C2 blank name", method: "POST", path: "/Groups", body: `{"displayName":" "}`, status: 400, scimType: "invalidValue"},
	{name: "G-C2 no name", method: "POST", path: "/Groups", body: `{"externalId":"x"}`, status: 400, scimType: "invalidValue"},
	{name: "G-C3 externalId taken", method: "POST", path: "/Groups", body: `{"displayName":"New","externalId":"A"}`, status: 409, scimType: "uniqueness"},
	{name: "create with a blank externalId", method: "POST", path: "/Groups", body: `{"displayName":"New","externalId":""}`, status: 201, check: all(withoutExternalID, func(t *testing.T, w *world, _ *entra.Response) {
		res := w.must(t, 201, "POST", "/Groups", `{"displayName":"Newer","externalId":""}`)
		withoutExternalID(t, w, res)
	})},
	{name: "equal name", method: "POST", path: "/Groups", body: `{"displayName":"Test Group 1","externalId":"other"}`, status: 409, scimType: "uniqueness"},
	{name: "create with unknown member", method: "POST", path: "/Groups", body: `{"displayName":"New","members":[{"value":"{nobody}"}]}`, status: 400, scimType: "invalidValue"},

	{name: "G-P1 put", method: "PUT", path: "/Groups/{G1}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Renamed","externalId":"A","members":[{"value":"{U2}"},{"value":"{U3}"}]}`, status: 200,
		check: all(named("G1", "Renamed", "A"), members("G1", "U2,U3"))},
	{name: "G-P2 put unknown", method: "PUT", path: "/Groups/{nobody}", body: `{"displayName":"x"}`, status: 404},
	{name: "put empty members", method: "PUT", path: "/Groups/{G1}", body: `{"displayName":"Test Group 1","externalId":"A","members":[]}`, status: 200, check: members("G1", "")},
	{name: "G-P3 put without members and externalId", method: "PUT", path: "/Groups/{G1}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Renamed"}`, status: 200, check: all(named("G1", "Renamed", "A"), members("G1", "U1,U4"))},
	{name: "put a blank externalId", method: "PUT", path: "/Groups/{G1}", body: `{"displayName":"Test Group 1","externalId":"  "}`, status: 200, check: all(named("G1", "Test Group 1", ""), members("G1", "U1,U4"), withoutExternalID)},
	{name: "G-D1 delete", method: "DELETE", path: "/Groups/{G1}", status: 204, check: all(is("user1@example.com", "confirmed"), func(t *testing.T, w *world, _ *entra.Response) {
		if groupNamed(t, w.org, w.spelled("Test Group 1")) != nil || w.lookUp(t, "/Groups", `displayName eq "Test Group 1"`) != nil {
			t.Error("the group is still there")
		}
	})},
	{name: "G-D2 delete unknown", method: "DELETE", path: "/Groups/{nobody}", status: 404},

	{name: "G-A1 rename, path-less", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","value":{"displayName":"x"}}]}`, status: 204, check: all(named("G1", "x", "A"), members("G1", "U1,U4"))},
	{name: "G-A2 rename, path in other case", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Replace","path":"displayname","value":"x"}]}`, status: 204, check: named("G1", "x", "A")},
	{name: "rename to a taken name", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Replace","path":"displayName","value":"Test Group 2"}]}`, status: 409, scimType: "uniqueness", check: named("G1", "Test Group 1", "A")},
	{name: "G-A4 replace members", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","path":"members","value":[{"value":"{U2}"}]}]}`, status: 204, check: members("G1", "U2")},
	{name: "G-A5 add by the path", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members[value eq \"{U2}\"]","value":{}}]}`, status: 204, check: members("G1", "U1,U2,U4")},
	{name: "G-A5 add by the path, without a value", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","path":"members[value eq \"{U2}\"]"},{"op":"add","path":"members[value eq \"{U3}\"]","value":null}]}`, status: 204, check: members("G1", "U1,U2,U3,U4")},
	{name: "G-A5 add by the path, with a list", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members[value eq \"{U2}\"]","value":[{"$ref":null,"value":"{U2}"}]}]}`, status: 204, check: members("G1", "U1,U2,U4")},
	{name: "add somebody else than the path's", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","path":"members[value eq \"{U2}\"]","value":[{"value":"{U3}"}]}]}`, status: 400, scimType: "invalidValue", check: members("G1", "U1,U4")},
	{name: "add an unknown member by the path", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","path":"members[value eq \"{nobody}\"]","value":{}}]}`, status: 400, scimType: "invalidValue", check: members("G1", "U1,U4")},
	{name: "G-A6 add a member", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members[value eq \"{U1}\"]","value":{}}]}`, status: 204, check: members("G1", "U1,U4")},
	{name: "G-A7 add members", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{U2}"},{"$ref":null,"value":"{U3}"}]}]}`, status: 204, check: members("G1", "U1,U2,U3,U4")},
	{name: "G-A8 duplicates", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","path":"members","value":[{"value":"{U2}"},{"value":"{U2}"},{"value":"{U1}"}]}]}`, status: 204, check: members("G1", "U1,U2,U4")},
	{name: "G-A9 add some who are members", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members","value":[{"value":"{U1}"},{"value":"{U3}"}]}]}`, status: 204, check: members("G1", "U1,U3,U4")},
	{name: "add members, path-less", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","value":{"members":[{"value":"{U2}"}]}}]}`, status: 204, check: members("G1", "U1,U2,U4")},
	{name: "add an unknown member", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","path":"members","value":[{"value":"{U2}"},{"value":"{nobody}"}]}]}`, status: 400, scimType: "invalidValue", check: members("G1", "U1,U4")},
	{name: "G-A10 remove one and rename", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"remove","path":"members[value eq \"{U1}\"]"},{"op":"replace","value":{"displayName":"x"}}]}`, status: 204, check: all(members("G1", "U4"), named("G1", "x", "A"))},
	{name: "G-A11 remove with value array", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{U1}"},{"$ref":null,"value":"{U4}"}]}]}`, status: 204, check: all(members("G1", ""), is("user1@example.com", "confirmed"))},
	{name: "remove one with value array", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{U1}"}]}]}`, status: 204, check: members("G1", "U4")},
	{name: "remove nothing with an empty array", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Remove","path":"members","value":[]}]}`, status: 204, check: members("G1", "U1,U4")},
	{name: "remove all", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"remove","path":"members"}]}`, status: 204, check: members("G1", "")},
	{name: "remove a stranger", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Remove","path":"members","value":[{"value":"{nobody}"}]}]}`, status: 204, check: members("G1", "U1,U4")},
	{name: "add and remove", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"members","value":[{"value":"{U2}"}]},{"op":"Remove","path":"members","value":[{"value":"{U1}"}]}]}`, status: 204, check: members("G1", "U2,U4")},
	{name: "G-A12 externalId", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Replace","path":"externalId","value":"N"}]}`, status: 204, check: all(named("G1", "Test Group 1", "N"), members("G1", "U1,U4"))},
	{name: "G-A13 externalId, path-less with name", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","value":{"displayName":"x","externalId":"N"}}]}`, status: 204, check: named("G1", "x", "N")},
	{name: "G-A14 externalId, Add", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","path":"externalId","value":"N"}]}`, status: 204, check: all(named("G1", "Test Group 1", "N"), members("G1", "U1,U4"))},
	{name: "G-A15 externalId, Add, path-less", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"add","value":{"externalId":"N"}}]}`, status: 204, check: all(named("G1", "Test Group 1", "N"), members("G1", "U1,U4"))},
	{name: "G-A16 externalId taken", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","path":"externalId","value":"B"}]}`, status: 409, scimType: "uniqueness", check: named("G1", "Test Group 1", "A")},
	{name: "G-A17 externalId too long", needs: "a limit of groups' externalId", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","path":"externalId","value":"` + strings.Repeat("x", 301) + `"}]}`, status: 400, scimType: "invalidValue", check: named("G1", "Test Group 1", "A")},
	{name: "G-A18 same externalId", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","path":"externalId","value":"A"}]}`, status: 204, check: named("G1", "Test Group 1", "A")},
	{name: "G-A19 empty externalId", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Replace","path":"externalId","value":""}]}`, status: 204, check: all(named("G1", "Test Group 1", ""), anonymous("G1"))},
	{name: "G-A19 blank externalId, Add, path-less", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"Add","value":{"externalId":"  "}}]}`, status: 204, check: all(named("G1", "Test Group 1", ""), members("G1", "U1,U4"), anonymous("G1"))},
	// Bitwarden answers 204 and does nothing; a provider that is told so believes that it is done.
	{name: "G-A20 unknown operation", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[{"op":"replace","path":"displayName","value":"x"},{"op":"move","path":"displayName","value":"y"}]}`, status: 400, scimType: "invalidSyntax", check: named("G1", "Test Group 1", "A")},
	{name: "G-A21 no operations", method: "PATCH", path: "/Groups/{G1}", body: patchOp + `[]}`, status: 204, check: members("G1", "U1,U4")},
	{name: "G-A22 unknown group", method: "PATCH", path: "/Groups/{nobody}", body: patchOp + `[{"op":"replace","path":"displayName","value":"x"}]}`, status: 404},
	{name: "membership test of other clients", method: "GET", path: "/Groups?filter=id+eq+%22{G1}%22+and+members+eq+%22{U1}%22&attributes=id", status: 200, check: total(1, "G1")},
}
