package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

const newUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user5@example.com","displayName":"Test User 5",` +
	`"name":{"formatted":"Test User 5"},"emails":[{"primary":true,"type":"work","value":"User5@Example.com"}],"externalId":"UE","active":true}`

var userScenarios = []scenario{
	{name: "U-R1 read", method: "GET", path: "/Users/{U1}", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		meta, _ := r.Body["meta"].(map[string]any)
		emails, _ := r.Body["emails"].([]any)
		if r.ID() != w.ids["U1"] || r.String("displayName") != "Test User 1" || r.String("externalId") != "UA" || r.Body["active"] != true ||
			r.String("userName") != "user1@example.com" || meta["resourceType"] != "User" || len(emails) != 1 {
			t.Errorf("%s", r.Raw)
		}
		if location, _ := meta["location"].(string); location != w.c.TenantURL+"/Users/"+w.ids["U1"] {
			t.Errorf("meta.location %q", location)
		}
	}},
	{name: "U-R2 read unknown", method: "GET", path: "/Users/{nobody}", status: 404},
	{name: "U-R3 first page", method: "GET", path: "/Users?startIndex=1&count=2", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		list, _ := r.Body["Resources"].([]any)
		if r.Total() != 4+w.others || len(list) != 2 || r.Body["itemsPerPage"] != 2.0 || r.Body["startIndex"] != 1.0 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "U-R4 unquoted filter", method: "GET", path: "/Users?filter=userName+eq+user2@example.com&count=10", status: 200, check: total(1, "U2")},
	{name: "U-R5 externalId of a revoked person", method: "GET", path: "/Users?filter=externalId+eq+%22UC%22", status: 200,
		check: all(total(1, "U3"), func(t *testing.T, _ *world, r *entra.Response) {
			if r.First()["active"] != false {
				t.Errorf("%s", r.Raw)
			}
		})},
	{name: "U-R6 U-R9 externalId of nobody", method: "GET", path: "/Users?filter=externalId+eq+%22UZ%22", status: 200, check: total(0)},
	{name: "U-R7 userName without count", method: "GET", path: "/Users?filter=userName+eq+%22user2@example.com%22", status: 200, check: all(total(1, "U2"), page(1, 1))},
	{name: "U-R7 everybody without count", method: "GET", path: "/Users", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		page(1, 4+w.others)(t, w, r)
	}},
	{name: "U-R8 last page", method: "GET", path: "/Users?startIndex={everybody}&count=10", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		if list, _ := r.Body["Resources"].([]any); r.Total() != 4+w.others || len(list) != 1 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "U-R8 all on one page", method: "GET", path: "/Users?startIndex=1&count=10", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		page(1, 4+w.others)(t, w, r)
	}},
	{name: "U-R8 from the third on", method: "GET", path: "/Users?startIndex=3&count=1", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		if page(3, 1)(t, w, r); r.Total() != 4+w.others {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "U-R9 userName of nobody", method: "GET", path: "/Users?filter=userName+eq+%22user9@example.com%22", status: 200, check: all(total(0), page(1, 0))},
	{name: "count 0", method: "GET", path: "/Users?count=0", status: 200, check: func(t *testing.T, w *world, r *entra.Response) {
		if list, ok := r.Body["Resources"].([]any); r.Total() != 4+w.others || !ok || len(list) != 0 {
			t.Errorf("%s", r.Raw)
		}
	}},
	{name: "filter active", method: "GET", path: "/Users?filter=active+eq+%22False%22", status: 200, check: total(1, "U3")},
	{name: "filter e-mail value path", method: "GET", path: "/Users?filter=emails[type+eq+%22work%22].value+eq+%22USER4@example.com%22", status: 200, check: total(1, "U4")},
	{name: "filter id", method: "GET", path: "/Users?filter=id+eq+%22{U2}%22", status: 200, check: total(1, "U2")},
	{name: "filter and", method: "GET", path: "/Users?filter=userName+eq+%22user1@example.com%22+and+externalId+eq+%22UB%22", status: 200, check: total(0)},
	{name: "filter on an attribute nobody keeps", method: "GET", path: "/Users?filter=title+eq+%22x%22", status: 400, scimType: "invalidFilter"},
	{name: "filter broken", method: "GET", path: "/Users?filter=userName+eq", status: 400, scimType: "invalidFilter"},
	{name: "attributes", method: "GET", path: "/Users/{U1}?attributes=userName", status: 200, check: func(t *testing.T, _ *world, r *entra.Response) {
		if r.String("userName") == "" || r.ID() == "" || r.Body["displayName"] != nil || r.Body["meta"] == nil {
			t.Errorf("%s", r.Raw)
		}
	}},

	{name: "U-C1 create", method: "POST", path: "/Users", body: newUser, status: 201, check: all(is("user5@example.com", "invited"), external("user5@example.com", "UE"),
		func(t *testing.T, w *world, r *entra.Response) {
			if location := r.Header.Get("Location"); location != w.c.TenantURL+"/Users/"+r.ID() || r.Body["active"] != true {
				t.Errorf("Location %q, %s", location, r.Raw)
			}
			if p := personWith(t, w.org, "user5@example.com"); p.rest != w.newcomer || p.id != r.ID() {
				t.Errorf("created as %+v, answered %s", p, r.Raw)
			}
		})},
	{name: "U-C9 what somebody new gets", method: "POST", path: "/Users", body: newUser, status: 201, check: func(t *testing.T, w *world, r *entra.Response) {
		p := personWith(t, w.org, "user5@example.com")
		if p.mail != "user5@example.com" || p.rest != w.newcomer {
			t.Errorf("created as %+v", p)
		}
		for _, g := range w.org.groups(t) {
			if slices.Contains(g.members, p.id) {
				t.Errorf("%s is in the group %s", p.mail, g.name)
			}
		}
	}},
	{name: "U-C2 no e-mail at all", method: "POST", path: "/Users", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"no-mail","active":true,"emails":[{"primary":true,"type":"work","value":" "}]}`, status: 400, scimType: "invalidValue"},
	{name: "U-C6 empty list of e-mails", method: "POST", path: "/Users", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"no-mail","active":true,"emails":[]}`, status: 400, scimType: "invalidValue", check: is("no-mail", "")},
	{name: "U-C4 e-mail taken", method: "POST", path: "/Users", body: strings.NewReplacer("user5", "user1", "User5", "User1").Replace(newUser), status: 409, scimType: "uniqueness"},
	{name: "U-C4 U-C7 externalId taken", method: "POST", path: "/Users", body: strings.ReplaceAll(newUser, `"UE"`, `"UA"`), status: 409, scimType: "uniqueness", check: is("user5@example.com", "")},
	// Bitwarden takes the userName for an externalId where there is none. What nobody has sent is not made up here.
	{name: "U-C8 userName that is somebody's externalId", method: "POST", path: "/Users", status: 201, check: all(is("user5@example.com", "invited"), withoutExternalID),
		body: strings.NewReplacer(`"userName":"user5@example.com"`, `"userName":"UA"`, `"externalId":"UE",`, "").Replace(newUser)},
	// What Bitwarden calls staged is somebody who is not active yet: they are known to SCIM, and nobody has invited them.
	{name: "U-C10 create inactive", method: "POST", path: "/Users", body: off(newUser), status: 201, check: func(t *testing.T, w *world, r *entra.Response) {
		if p := personWith(t, w.org, "user5@example.com"); p.id != "" {
			t.Errorf("invited as %+v", p)
		}
		if found := w.lookUp(t, "/Users", `externalId eq "UE"`); found["id"] != r.ID() || found["active"] != false || r.Body["active"] != false {
			t.Errorf("created as %s, found as %v", r.Raw, found)
		}
	}},
	{name: "U-C14 create inactive, e-mail taken", method: "POST", path: "/Users", body: off(strings.NewReplacer("user5", "user1", "User5", "User1").Replace(newUser)), status: 409, scimType: "uniqueness", check: is("user1@example.com", "confirmed")},
	{name: "U-C14 create inactive, externalId taken", method: "POST", path: "/Users", body: off(strings.ReplaceAll(newUser, `"UE"`, `"UA"`)), status: 409, scimType: "uniqueness", check: is("user5@example.com", "")},
	{name: "create with a blank externalId", method: "POST", path: "/Users", body: strings.ReplaceAll(newUser, `"UE"`, `"  "`), status: 201, check: all(is("user5@example.com", "invited"), withoutExternalID, func(t *testing.T, w *world, _ *entra.Response) {
		// The next one without an externalId has nothing in common with the first.
		res := w.must(t, 201, "POST", "/Users", strings.NewReplacer("user5", "user6", "User5", "User6", "User 5", "User 6", `"UE"`, `"  "`).Replace(newUser))
		withoutExternalID(t, w, res)
	})},
	{name: "U-C5 blank primary, second address", method: "POST", path: "/Users", status: 201, check: is("second@example.com", "invited"),
		body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"second-user","externalId":"S","active":true,"emails":[{"primary":true,"type":"home","value":""},{"type":"work","value":"second@example.com"}]}`},
	{name: "create without active is active", method: "POST", path: "/Users", body: strings.Replace(newUser, `,"active":true`, "", 1), status: 201, check: is("user5@example.com", "invited")},
	{name: "create with string booleans", method: "POST", path: "/Users", status: 201, check: is("user5@example.com", "invited"),
		body: strings.NewReplacer(`"active":true`, `"active":"True"`, `"primary":true`, `"primary":"True"`).Replace(newUser)},
	{name: "create with two primaries", method: "POST", path: "/Users", status: 400, scimType: "invalidValue",
		body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"p@example.com","emails":[{"primary":true,"type":"work","value":"a@example.com"},{"primary":true,"type":"home","value":"b@example.com"}]}`},

	{name: "U-P1 put inactive", method: "PUT", path: "/Users/{U2}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user2@example.com","externalId":"UB","active":false}`, status: 200, check: all(is("user2@example.com", "revoked"), external("user2@example.com", "UB"))},
	{name: "U-P2 put active", method: "PUT", path: "/Users/{U3}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user3@example.com","externalId":"UC","active":true}`, status: 200, check: is("user3@example.com", "confirmed")},
	{name: "put a blank externalId", method: "PUT", path: "/Users/{U2}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user2@example.com","externalId":" ","active":true}`, status: 200, check: all(external("user2@example.com", ""), withoutExternalID)},
	{name: "U-P3 put unknown", method: "PUT", path: "/Users/{nobody}", body: `{"userName":"x@example.com","active":true}`, status: 404},
	{name: "put without active never revokes", method: "PUT", path: "/Users/{U2}", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user2@example.com","externalId":"UB"}`, status: 200, check: is("user2@example.com", "confirmed")},

	{name: "U-A1 disable, path-less", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","value":{"active":false}}]}`, status: 200, check: is("user2@example.com", "revoked")},
	{name: "U-A2 restore, path-less", method: "PATCH", path: "/Users/{U3}", body: patchOp + `[{"op":"replace","value":{"active":true}}]}`, status: 200, check: is("user3@example.com", "confirmed")},
	{name: "U-A3 disable, string", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","path":"active","value":"False"}]}`, status: 200, check: all(is("user2@example.com", "revoked"), external("user2@example.com", "UB"))},
	{name: "disable, string, path-less", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","value":{"active":"False"}}]}`, status: 200, check: is("user2@example.com", "revoked")},
	{name: "disable, Add", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Add","path":"active","value":"False"}]}`, status: 200, check: is("user2@example.com", "revoked")},
	{name: "disable, URN path", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":"False"}]}`, status: 200, check: is("user2@example.com", "revoked")},
	{name: "U-A4 unknown", method: "PATCH", path: "/Users/{nobody}", body: patchOp + `[{"op":"replace","path":"active","value":false}]}`, status: 404},
	{name: "U-A5 no operations", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[]}`, status: 200, check: is("user2@example.com", "confirmed")},
	{name: "U-A6 externalId", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","path":"externalId","value":"new"}]}`, status: 200, check: external("user2@example.com", "new")},
	{name: "U-A7 externalId, path-less", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","value":{"externalId":"new"}}]}`, status: 200, check: external("user2@example.com", "new")},
	{name: "U-A8 externalId cleared", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Remove","path":"externalId"}]}`, status: 200, check: external("user2@example.com", "")},
	{name: "U-A8 externalId replaced with null", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","path":"externalId","value":null}]}`, status: 200, check: all(external("user2@example.com", ""), withoutExternalID)},
	{name: "U-A8 externalId replaced with blanks", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","path":"externalId","value":"  "}]}`, status: 200, check: all(external("user2@example.com", ""), withoutExternalID)},
	{name: "U-A8 empty externalId, path-less", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","value":{"externalId":""}}]}`, status: 200, check: all(external("user2@example.com", ""), withoutExternalID)},
	{name: "U-A9 externalId taken", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","path":"externalId","value":"UA"}]}`, status: 409, scimType: "uniqueness", check: external("user2@example.com", "UB")},
	{name: "U-A10 externalId too long", needs: "a limit of users' externalId", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","path":"externalId","value":"` + strings.Repeat("x", 301) + `"}]}`, status: 400, scimType: "invalidValue", check: external("user2@example.com", "UB")},
	{name: "U-A11 name of an existing person", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Add","path":"displayName","value":"Other"},{"op":"Replace","path":"name.givenName","value":"O"}]}`, status: 200, check: all(is("user2@example.com", "confirmed"), external("user2@example.com", "UB"))},
	{name: "U-A12 disable and externalId", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","value":{"active":false,"externalId":"x"}}]}`, status: 200, check: all(is("user2@example.com", "revoked"), external("user2@example.com", "x"))},
	{name: "U-A13 restore and externalId", method: "PATCH", path: "/Users/{U3}", body: patchOp + `[{"op":"replace","value":{"active":true,"externalId":"x"}}]}`, status: 200, check: all(is("user3@example.com", "confirmed"), external("user3@example.com", "x"))},
	{name: "unknown operation", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"replace","path":"active","value":false},{"op":"move","path":"x"}]}`, status: 400, scimType: "invalidSyntax", check: is("user2@example.com", "confirmed")},
	{name: "remove without path", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"remove"}]}`, status: 400, scimType: "noTarget"},
	{name: "malformed JSON", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":`, status: 400, scimType: "invalidSyntax"},
	{name: "not a boolean", method: "PATCH", path: "/Users/{U2}", body: patchOp + `[{"op":"Replace","path":"active","value":"perhaps"}]}`, status: 400, scimType: "invalidValue", check: is("user2@example.com", "confirmed")},

	{name: "U-D1 delete", method: "DELETE", path: "/Users/{U2}", status: 204, check: is("user2@example.com", "")},
	{name: "U-D2 delete unknown", method: "DELETE", path: "/Users/{nobody}", status: 404},
	{name: "an account that must not go", method: "DELETE", path: "/Users/{boss}", status: 403, needs: "an account that must not go"},
	{name: "an account that must not be revoked", method: "PATCH", path: "/Users/{boss}", body: patchOp + `[{"op":"Replace","path":"active","value":"False"}]}`, status: 403, needs: "an account that must not go"},
}
