package quirks_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// TestPasswordsAreNotRecorded sends a password in every form that a rule could change.
func TestPasswordsAreNotRecorded(t *testing.T) {
	var ids []string
	for _, r := range quirks.Rules() {
		ids = append(ids, r.ID)
	}
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra, Enable: ids})
	const secret = "N3w-s3cret!"
	for _, c := range []struct {
		verb scim.Verb
		text string
	}{
		{scim.Patch, patchHead + `{"op":"Replace","path":"password","value":"SECRET"}]}`},
		{scim.Patch, patchHead + `{"op":"Replace","path":"Password","value":[{"$ref":null,"value":"SECRET"}]}]}`},
		{scim.Patch, patchHead + `{"op":"Remove","path":"password","value":"SECRET"}]}`},
		{scim.Patch, patchHead + `{"op":"Add","value":{"password":"SECRET","name.givenName":"x"}}]}`},
		{scim.Patch, patchHead + `{"op":"Add","value":{"PASSWORD":[{"value":"SECRET"}],"name.givenName":"x","urn:ietf:params:scim:schemas:core:2.0:User:password":[{"value":"SECRET"}]}}]}`},
		{scim.Patch, patchHead + `{"op":"Add","path":"password","val":"SECRET","value":"x"}]}`},
		{scim.Patch, `{"password":"SECRET","Operations":[{"op":"Add","path":"title","value":"x"}]}`},
		{scim.Patch, patchHead + `{"op":"Replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":[{"value":"SECRET"}]}]}`},
		{scim.Create, `{"userName":"a","Password":"SECRET"}`},
		{scim.Create, `{"userName":"a","password":[{"value":"SECRET"}],"urn:ietf:params:scim:schemas:core:2.0:User:password":"SECRET"}`},
		{scim.Replace, `{"userName":"a","password":[{"$ref":null,"value":"SECRET"}]}`},
	} {
		text := strings.ReplaceAll(c.text, "SECRET", secret)
		acc := quirks.Account{Limit: 50}
		d, err := n.Scan([]byte(text), &acc)
		if err != nil {
			t.Fatal(err)
		}
		out, err := n.Body(n.Schemas().User, c.verb, "x", d, &acc)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error has the password: %v", c.text, err)
			}
			continue
		}
		if said := fmt.Sprint(acc.Records()); strings.Contains(said, secret) {
			t.Errorf("%s: recorded: %s", c.text, said)
		}
		if !bytes.Contains(out.Raw(), []byte(secret)) && c.verb != scim.Patch {
			t.Errorf("%s: the password is gone: %s", c.text, out.Raw())
		}
		if acc.Applied() == 0 {
			t.Errorf("%s: nothing was applied", c.text)
		}
	}
}

// TestErrorsNameNoValues refuses requests with personal data in every place that may be wrong.
func TestErrorsNameNoValues(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	const personal = "alex.morgan@example.com"
	for _, text := range []string{
		`{"op":"Replace","path":"active","value":"PERSON"}`,
		`{"op":"PERSON","path":"active","value":"x"}`,
		`{"op":"Replace","path":"emails[value eq 'PERSON'].type","value":"x"}`,
		`{"op":"Replace","path":"emails[value eq \"PERSON\".type","value":"x"}`,
		`{"op":"Replace","path":"PERSON","value":"x"}`,
		`{"op":"Replace","value":"PERSON"}`,
		`{"op":"Replace","value":{"emails[value eq \"PERSON\"].primary":"yes"}}`,
		`{"op":"Replace","value":{"emails[value eq \"a]b\" and display eq \"PERSON\"].primary":"yes"}}`,
		`{"op":"Replace","value":{"emails[value eq \"PERSON\"].primary":null}}`,
		`{"op":"Remove","value":{"userName":"PERSON"}}`,
		`{"op":"Remove","path":"emails.value","value":"PERSON"}`,
		`{"op":"Replace","path":"emails[value eq \"PERSON\"].value"}`,
		`{"op":"Replace","value":{"id":"PERSON"}}`,
		`{"op":"Replace","path":"userName","value":"PERSON\u0000"}`,
	} {
		d, err := doc.Scan([]byte(patchHead + strings.ReplaceAll(text, "PERSON", personal) + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, err = n.Body(n.Schemas().User, scim.Patch, "x", d, nil)
		e, ok := errors.AsType[*scim.Error](err)
		if !ok {
			t.Errorf("%s: not refused: %v", text, err)
			continue
		}
		if strings.Contains(e.Detail, personal) || strings.Contains(e.Detail, "alex") {
			t.Errorf("%s: %s", text, e.Detail)
		}
	}
	for _, query := range []string{"filter=userName+eq+PERSON", "filter=userName+sw+%22PERSON%22", "filter=%22PERSON%22", "count=PERSON", "attributes=PERSON,userName+x", "filter=PERSON;x"} {
		_, err := n.Query(n.Schemas().User, scim.List, strings.ReplaceAll(query, "PERSON", personal), nil)
		if err != nil && strings.Contains(err.Error(), personal) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestDeactivates(t *testing.T) {
	for text, want := range map[string]bool{
		`{"op":"Replace","path":"active","value":"False"}`:                                                               true,
		`{"op":"replace","path":"active","value":false}`:                                                                 true,
		`{"op":"Replace","path":"Active","value":"Faux"}`:                                                                true,
		`{"op":"Replace","value":{"active":"False"}}`:                                                                    true,
		`{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}`:                                       true,
		`{"op":"Replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":false},{"op":"bad"}`:         true,
		`{"op":"Replace","path":"active","value":"Fasle"}`:                                                               true,
		`{"op":"Replace","path":"active","value":"True"}`:                                                                false,
		`{"op":"Replace","path":"active","value":"Vrai"}`:                                                                false,
		`{"op":"Replace","path":"displayName","value":"False"}`:                                                          false,
		`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:active","value":"False"}`:       false,
		`{"op":"Replace","path":"emails","value":[{"value":"x","active":false}]}`:                                        false,
		`"x",null,{"op":"Replace","path":["active"],"value":false},{"op":"Replace","path":"active"},{"value":[{"a":1}]}`: false,
	} {
		if got := quirks.Deactivates(patchOf(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if quirks.Deactivates(doc.Doc{}) {
		t.Error("no document")
	}
}

func TestOperationLimits(t *testing.T) {
	n := newNormalizer(t, quirks.Config{MaxOperations: 3})
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{`{"op":"add","path":"title","value":"x"},{"op":"add","path":"title","value":"x"},{"op":"add","path":"title","value":"x"}`, true},
		{`{"op":"add","path":"title","value":"x"},{"op":"add","path":"title","value":"x"},{"op":"add","path":"title","value":"x"},{"op":"add","path":"title","value":"x"}`, false},
		{`{"op":"remove","path":"emails","value":[{"value":"a"},{"value":"b"},{"value":"c"}]}`, true},
		{`{"op":"remove","path":"emails","value":[{"value":"a"},{"value":"b"},{"value":"c"},{"value":"d"}]}`, false},
		{`{"op":"add","value":{"name.givenName":"a","name.familyName":"b","a.b":"c","d.e":"f"}}`, false},
	} {
		_, err := n.Body(n.Schemas().User, scim.Patch, "x", patchOf(t, c.text), nil)
		e, _ := errors.AsType[*scim.Error](err)
		if c.ok != (err == nil) || err != nil && e.Status != 413 {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	members := make([]string, 1000)
	for i := range members {
		members[i] = fmt.Sprintf(`{"value":"%d"}`, i)
	}
	n = newNormalizer(t, quirks.Config{MaxOperations: 999})
	if _, err := n.Body(n.Schemas().Group, scim.Patch, "x", patchOf(t, `{"op":"remove","path":"members","value":[`+strings.Join(members, ",")+`]}`), nil); err == nil {
		t.Error("1,000 removes from one, where 999 are allowed")
	}
	n = newNormalizer(t, quirks.Config{MaxBytes: 20_000})
	if _, err := n.Body(n.Schemas().Group, scim.Patch, "x", patchOf(t, `{"op":"remove","path":"members","value":[`+strings.Join(members, ",")+`]}`), nil); err == nil {
		t.Error("a document that grows beyond its limit")
	}
}
