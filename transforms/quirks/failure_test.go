package quirks_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// A conflict is one of uniqueness only where the upstream says nothing else and the request brings a value that may be taken;
// and what the upstream calls by another status is a conflict where it means one.
func TestFailure(t *testing.T) {
	const (
		words    = `{"error":"This value already exists"}`
		taken    = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"uniqueness","detail":"taken"}`
		frozen   = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"mutability","detail":"read only"}`
		mutable  = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"mutability","detail":"it is already in use"}`
		name     = `{"op":"replace","path":"userName","value":"b"}`
		members  = `{"op":"add","path":"members","value":[{"value":"x"}]}`
		title    = `{"op":"replace","path":"title","value":"b"}`
		userName = "urn:ietf:params:scim:schemas:core:2.0:User"
	)
	user, group := schema.Standard().User, schema.Standard().Group
	for _, c := range []struct {
		name   string
		rt     *schema.ResourceType
		verb   scim.Verb
		patch  string
		status int
		body   string
		want   string // status and type; empty is a success
		enable []string
	}{
		{name: "a conflict", rt: user, verb: scim.Create, status: 409, want: "409 uniqueness"},
		{name: "a conflict of a replace", rt: user, verb: scim.Replace, status: 409, want: "409 uniqueness"},
		{name: "a conflict of a patch", rt: user, verb: scim.Patch, patch: title, status: 409, want: "409 uniqueness"},
		{name: "a conflict of a delete", rt: group, verb: scim.Delete, status: 409, body: words, want: "409 "},
		{name: "a conflict of a read", rt: user, verb: scim.Read, status: 409, want: "409 "},
		{name: "a conflict of another type", rt: user, verb: scim.Patch, patch: title, status: 409, body: frozen, want: "409 mutability"},

		{name: "words of a create", rt: user, verb: scim.Create, status: 500, body: words, want: "409 uniqueness"},
		{name: "words of a replace", rt: user, verb: scim.Replace, status: 422, body: words, want: "409 uniqueness"},
		{name: "an error of a replace", rt: user, verb: scim.Replace, status: 500, body: words, want: "500 "},
		{name: "a replace that changes what cannot be changed", rt: user, verb: scim.Replace, status: 400, body: mutable, want: "400 mutability"},
		{name: "words of a userName", rt: user, verb: scim.Patch, patch: name, status: 400, body: words, want: "409 uniqueness"},
		{name: "words of a userName without a path", rt: user, verb: scim.Patch, patch: `{"op":"replace","value":{"title":"x","UserName":"b"}}`, status: 400, body: words, want: "409 uniqueness"},
		{name: "words of a userName in its schema", rt: user, verb: scim.Patch, patch: `{"op":"replace","value":{"` + userName + `":{"userName":"b"}}}`, status: 400, body: words, want: "409 uniqueness"},
		{name: "words of an address", rt: user, verb: scim.Patch, patch: title + `,{"op":"add","path":"emails[type eq \"work\"].value","value":"b"}`, status: 422, body: words, want: "409 uniqueness"},
		{name: "words of an externalId", rt: group, verb: scim.Patch, patch: `{"op":"add","path":"externalId","value":"b"}`, status: 400, body: words, want: "409 uniqueness"},
		{name: "words of a group's name", rt: group, verb: scim.Patch, patch: `{"op":"replace","path":"displayName","value":"b"}`, status: 400, body: words, want: "409 uniqueness"},
		{name: "words of a user's displayName", rt: user, verb: scim.Patch, patch: `{"op":"replace","path":"displayName","value":"b"}`, status: 400, body: words, want: "400 "},
		{name: "words of a title", rt: user, verb: scim.Patch, patch: title, status: 400, body: words, want: "400 "},
		{name: "words of an address that goes", rt: user, verb: scim.Patch, patch: `{"op":"remove","path":"emails"}`, status: 400, body: words, want: "400 "},
		{name: "words of a member", rt: group, verb: scim.Patch, patch: members, status: 400, body: words, want: "400 "},

		{name: "type of a create", rt: user, verb: scim.Create, status: 400, body: taken, want: "409 uniqueness"},
		{name: "type of a replace", rt: user, verb: scim.Replace, status: 500, body: taken, want: "409 uniqueness"},
		{name: "type of a patch", rt: user, verb: scim.Patch, patch: title, status: 422, body: taken, want: "409 uniqueness"},

		{name: "a member that is there", rt: group, verb: scim.Patch, patch: members, status: 409, body: words, enable: []string{"answer-existing-member"}},
		{name: "a member that is there by type", rt: group, verb: scim.Patch, patch: members, status: 400, body: taken, enable: []string{"answer-existing-member"}},
		{name: "a member that is there by words", rt: group, verb: scim.Patch, patch: members, status: 400, body: words, want: "400 ", enable: []string{"answer-existing-member"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNormalizer(t, quirks.Config{Enable: c.enable})
			op := &scim.Operation{Type: c.rt, Verb: c.verb, ID: "1"}
			if c.patch != "" {
				op.Body = patchOf(t, c.patch)
			}
			e := n.Failure(op, c.status, []byte(c.body), nil)
			if (e == nil) != (c.want == "") || e != nil && c.want != shortError(e) {
				t.Errorf("got %v, want %q", e, c.want)
			}
		})
	}
}

func shortError(e *scim.Error) string {
	return (&scim.Error{Status: e.Status, Type: e.Type}).Error()[:4+len(e.Type)]
}

// An error without schemas is one of SCIM where it has the words of one, and nothing else.
func TestErrorWithoutSchemas(t *testing.T) {
	n := newNormalizer(t, quirks.Config{})
	for text, want := range map[string]string{
		`{"status":400,"scimType":"invalidValue","detail":"Bad thing"}`:                      "400 invalidValue: Bad thing",
		`{"status":"400","scimType":"mutability"}`:                                           "400 mutability: the upstream refused the request",
		`{"status":"400","scimType":"invalidVers","detail":"1.1"}`:                           "400 invalidVers: 1.1",
		`{"schemas":null,"status":"400","scimType":"mutability","detail":"no"}`:              "400 mutability: no",
		`{"status":400,"detail":"at db01"}`:                                                  "400 : the upstream refused the request",
		`{"scimType":"invalidValue","detail":"at db01"}`:                                     "400 : the upstream refused the request",
		`{"status":500,"scimType":"invalidValue","detail":"at db01"}`:                        "400 : the upstream refused the request",
		`{"status":400,"scimType":"Conflict","detail":"at db01"}`:                            "400 : the upstream refused the request",
		`{"status":400,"scimType":"invalidValue","detail":"at db01","trace":"a.go:7"}`:       "400 : the upstream refused the request",
		`{"schemas":["urn:x"],"status":400,"scimType":"invalidValue","detail":"at db01"}`:    "400 : the upstream refused the request",
		`{"type":"about:blank","title":"Bad Request","status":400,"detail":"at db01"}`:       "400 : the upstream refused the request",
		`{"status":400,"error":"Bad Request","message":"at db01","scimType":"invalidValue"}`: "400 : the upstream refused the request",
		`["status",400]`: "400 : the upstream refused the request",
	} {
		op := &scim.Operation{Type: schema.Standard().User, Verb: scim.Create}
		if e := n.Failure(op, 400, []byte(text), nil); e == nil || e.Error() != want {
			t.Errorf("%s: %v", text, e)
		}
	}
}

func TestActivates(t *testing.T) {
	for text, want := range map[string]bool{
		`{"op":"replace","path":"active","value":true}`:                                                                 true,
		`{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":true}`:                          true,
		`{"op":"replace","value":{"title":"x","active":true}}`:                                                          true,
		`{"op":"replace","path":"active","value":false},{"op":"replace","path":"active","value":true}`:                  true,
		`{"op":"replace","path":"active","value":true},{"op":"remove","path":"active"}`:                                 false,
		`{"op":"replace","value":{"active":true}},{"op":"replace","value":{"active":false}}`:                            false,
		`{"op":"replace","path":"title","value":true},{"op":"replace","path":"name","value":{"formatted":"x"}}`:         false,
		`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"active"}`: false,
	} {
		if got := quirks.Activates(patchOf(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Whoever means to switch a user off says it in one of many forms.
func TestDeactivatesInEveryForm(t *testing.T) {
	const core = "urn:ietf:params:scim:schemas:core:2.0:User"
	for text, want := range map[string]bool{
		`{"op":"Replace","path":"` + core + `.active","value":"False"}`:                             true,
		`{"op":"Replace","path":"URN:ietf:params:scim:schemas:core:2.0:User:Active","value":false}`: true,
		`{"op":"Replace","value":{"` + core + `":{"active":"False"}}}`:                              true,
		`{"op":"Replace","value":{"` + core + `.active":"False"}}`:                                  true,
		`{"op":"Replace","path":"` + core + `","value":{"active":false}}`:                           true,
		`{"op":"Replace","value":[{"active":"False"}]}`:                                             true,
		`{"op":"Replace","path":"urn:scim:schemas:core:2.0:User:active","value":false}`:             true,
		`{"op":"Replace","value":{"urn:scim:schemas:core:1.0":{"active":"False"}}}`:                 true,
		`{"op":"Replace","path":"active","value":0}`:                                                true,
		`{"op":"Replace","path":"active","value":[0]}`:                                              true,
		`{"op":"Replace","path":"active","value":{"value":"False"}}`:                                true,
		`{"op":"Replace","path":"active","value":1}`:                                                false,
		`{"op":"Replace","value":{"` + core + `":{"active":true}}}`:                                 false,
		`{"op":"Replace","value":{"` + core + `":{"title":"False"}}}`:                               false,
		`{"op":"Replace","path":"` + core + `.title","value":0}`:                                    false,
		`{"op":"Replace","value":{"urn:x:y":{"active":"False"}}}`:                                   false,
		`{"op":"Replace","path":"` + core + `"}`:                                                    false,
	} {
		if got := quirks.Deactivates(patchOf(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for text, want := range map[string]bool{
		`{"userName":"a","active":0}`: true, `{"` + core + `":{"active":false}}`: true, `{"userName":"a","active":1}`: false, `{"active":{}}`: false,
	} {
		d, err := doc.Scan([]byte(text))
		if got := quirks.Deactivates(d); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// What is no word for true may be meant for false, and only a word for false is.
func TestUnclear(t *testing.T) {
	for text, want := range map[string]bool{
		`{"op":"Replace","path":"active","value":"False"}`:        false,
		`{"op":"Replace","path":"active","value":["Falsch"]}`:     false,
		`{"op":"Updaet","path":"active","value":false}`:           false,
		`{"op":"Replace","value":[{"active":{"value":"0"}}]}`:     true,
		`{"op":"Replace","path":"active","value":0}`:              false,
		`{"op":"Replace","path":"active","value":2}`:              true,
		`{"op":"Replace","path":"active","value":"[NULL]"}`:       true,
		`{"op":"frobnicate","path":"active","value":"x"}`:         true,
		`{"op":"Replace","value":{"active":"x","title":"False"}}`: true,
	} {
		d := patchOf(t, text)
		if got := quirks.Unclear(d); got != want || !quirks.Deactivates(d) {
			t.Errorf("%s: %v, and deactivates: %v", text, got, quirks.Deactivates(d))
		}
	}
}
