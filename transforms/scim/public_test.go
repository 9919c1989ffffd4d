package scim_test

import (
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func TestRelocate(t *testing.T) {
	const base = "https://gw.example/scim"
	for in, want := range map[string]string{
		`{"id":"1" , "meta":{"location":"http://10.0.0.7:80/v2/Users/a%40b"}}`:                         `{"id":"1" , "meta":{"location":"https://gw.example/scim/Users/a%40b"}}`,
		`{"members":[{"$ref":"../Users/2","value":"2"},{"value":"3"}]}`:                                `{"members":[{"$ref":"https://gw.example/scim/Users/2","value":"2"},{"value":"3"}]}`,
		`{"manager":{"$ref":"Users/9"}}`:                                                               `{"manager":{"$ref":"https://gw.example/scim/Users/9"}}`,
		`{"Resources":[{"meta":{"location":"http://u/Groups/Users"}}]}`:                                `{"Resources":[{"meta":{"location":"https://gw.example/scim/Groups/Users"}}]}`,
		`{"meta":{"location":"https://gw.example/scim/Users/1"} }`:                                     `{"meta":{"location":"https://gw.example/scim/Users/1"} }`,
		`{"photos":[{"value":"https://cdn.example/Users/1.png"}],"addresses":[{"locality":"/Users"}]}`: `{"photos":[{"value":"https://cdn.example/Users/1.png"}],"addresses":[{"locality":"/Users"}]}`,
		`{"location":"/Users","meta":{"location":"http://u/Users/scim/Users/7"}}`:                      `{"location":"/Users","meta":{"location":"https://gw.example/scim/Users/7"}}`,
		`{"$ref":"https://elsewhere.example/Userspace/1"}`:                                             `{"$ref":"https://elsewhere.example/Userspace/1"}`,
		`{"meta":{"location":"http://u/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"}}`:       `{"meta":{"location":"https://gw.example/scim/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"}}`,
	} {
		d, err := doc.Scan([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(scim.Relocate(d, base).Raw()); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}
