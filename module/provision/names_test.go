package provision

import (
	"fmt"
	"sync"
	"testing"
)

// However many requests give one name at once, one of them gets it: by creating, by renaming, by any attribute that no two
// resources share, in every spelling of the request.
func TestOneNameAtOnce(t *testing.T) {
	for name, bodies := range map[string][2]string{
		"groups are renamed": {
			patchOp(`{"op":"replace","path":"displayName","value":"New"}`),
			patchOp(`{"op":"replace","value":{"displayName":"new"}}`),
		},
		"groups are given an externalId": {
			patchOp(`{"op":"replace","path":"externalId","value":"x"}`),
			patchOp(`{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:Group:externalId","value":"x"}`),
		},
		"a group is renamed and another one replaced": {
			patchOp(`{"op":"replace","path":"displayName","value":"New"}`),
			`{"displayName":"new"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				g, b := onBitwarden(t, nil)
				ids := []string{g.makeGroup(t, "A"), g.makeGroup(t, "B")}
				var wg sync.WaitGroup
				statuses := make([]int, 2)
				for i, body := range bodies {
					method := "PATCH"
					if body[2] == 'd' {
						method = "PUT"
					}
					wg.Go(func() { statuses[i] = g.do(t, method, "/Groups/"+ids[i], body).status })
				}
				wg.Wait()
				if statuses[0]+statuses[1] != 200+409 {
					t.Fatalf("got %v, groups %v", statuses, b.groups)
				}
			}
		})
	}
	for name, bodies := range map[string][2]string{
		"users are renamed": {
			patchOp(`{"op":"replace","path":"userName","value":"New@example.com"}`),
			patchOp(`{"op":"replace","value":{"userName":"new@example.com"}}`),
		},
		"users are given an externalId": {
			patchOp(`{"op":"replace","path":"externalId","value":"x"}`),
			patchOp(`{"op":"add","path":"externalId","value":"x"}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				g, _ := onBitwarden(t, nil)
				ids := g.people(t, "a", "b")
				var wg sync.WaitGroup
				statuses := make([]int, 2)
				for i, body := range bodies {
					wg.Go(func() { statuses[i] = g.do(t, "PATCH", "/Users/"+ids[i], body).status })
				}
				wg.Wait()
				if statuses[0]+statuses[1] != 200+409 {
					t.Fatalf("got %v", statuses)
				}
			}
		})
	}
	t.Run("a user is created beside a rename", func(t *testing.T) {
		for range 20 {
			g, _ := onBitwarden(t, nil)
			id := g.people(t, "a")[0]
			var wg sync.WaitGroup
			statuses := make([]int, 2)
			wg.Go(func() { statuses[0] = g.do(t, "POST", "/Users", user("new@example.com", "new")).status })
			wg.Go(func() {
				statuses[1] = g.do(t, "PATCH", "/Users/"+id, patchOp(`{"op":"replace","path":"userName","value":"NEW@example.com"}`)).status
			})
			wg.Wait()
			if got := fmt.Sprint(statuses); got != "[201 409]" && got != "[409 200]" {
				t.Fatalf("got %s", got)
			}
		}
	})
	t.Run("one member is linked to two users", func(t *testing.T) {
		for range 20 {
			g, b := onBitwarden(t, func(o *Organization) { o.Existing = ExistingLink })
			b.members = append(b.members, map[string]any{"id": "m1", "email": "jane@example.com", "status": 1, "type": 2, "externalId": nil})
			var wg sync.WaitGroup
			statuses := make([]int, 2)
			for i := range statuses {
				body := user(fmt.Sprintf("jane%d@corp.example", i), fmt.Sprint("j", i), `"emails":[{"type":"work","primary":true,"value":"jane@example.com"}]`)
				wg.Go(func() { statuses[i] = g.do(t, "POST", "/Users", body).status })
			}
			wg.Wait()
			if statuses[0]+statuses[1] != 201+409 {
				t.Fatalf("got %v", statuses)
			}
		}
	})
}
