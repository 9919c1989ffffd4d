package integration

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// TestConcurrentMembership sends 32 PATCHes at once, adds and removes mixed, to one group of an organization that only
// knows "replace all members". What is in the end must be exactly what the requests say.
func TestConcurrentMembership(t *testing.T) {
	s, calls := counted(t)
	c := s.entra("/scim")
	group, ids := crowd(t, c, 32)
	calls.take()
	mixed(t, ids, func(int) *entra.Client { return c }, group)
	exactly(t, c, group, ids[:16])
}

// TestConcurrentDirectives does the same with two directives that speak of one organization, in a process of their own.
func TestConcurrentDirectives(t *testing.T) {
	org := freeAddr(t)
	s := start(t, `
	respond "unused"`+anotherSite(org, organization))
	var sites string
	var clients []*entra.Client
	for range 2 {
		addr := freeAddr(t)
		sites += "http://" + addr + " {" + gateway(org, "organization crowd\n\t\t"+bitwarden) + "\n}\n"
		clients = append(clients, &entra.Client{TenantURL: "http://" + addr + "/scim", Secret: testKey, HTTP: s.http})
	}
	startProcess(t, t.TempDir(), sites)
	group, ids := crowd(t, clients[0], 32)
	mixed(t, ids, func(i int) *entra.Client { return clients[i%2] }, group)
	for _, c := range clients {
		exactly(t, c, group, ids[:16])
	}
}

// crowd creates n people and a group that holds the second half of them.
func crowd(t *testing.T, c *entra.Client, n int) (group string, ids []string) {
	t.Helper()
	for i := range n {
		mail := fmt.Sprintf("p%02d@example.com", i)
		res, err := c.Create(entra.User{UserName: mail, Mail: mail, ExternalID: fmt.Sprint("x", i)})
		if err != nil || res.Status != 201 {
			t.Fatalf("create: %v %v", res, err)
		}
		ids = append(ids, res.ID())
	}
	res, err := c.CreateGroup("Crowd", "crowd")
	if err != nil || res.Status != 201 {
		t.Fatalf("group: %v %v", res, err)
	}
	group = res.ID()
	if res, err := c.AddMembers(group, ids[n/2:]...); err != nil || res.Status >= 300 {
		t.Fatalf("members: %v %v", res, err)
	}
	return group, ids
}

// mixed adds the first half and removes the second half, all at once.
func mixed(t *testing.T, ids []string, client func(int) *entra.Client, group string) {
	t.Helper()
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			c := client(i)
			do := c.AddMembers
			if i >= len(ids)/2 {
				do = c.RemoveMembers
			}
			if res, err := do(group, id); err != nil || res.Status >= 300 {
				t.Errorf("member %d: %+v %v", i, res, err)
			}
		})
	}
	wg.Wait()
}

func exactly(t *testing.T, c *entra.Client, group string, want []string) {
	t.Helper()
	res, err := c.Do(http.MethodGet, "/Groups/"+group, nil)
	if err != nil || res.Status != 200 {
		t.Fatalf("read group: %v %v", res, err)
	}
	var got []string
	list, _ := res.Body["members"].([]any)
	for _, m := range list {
		got = append(got, m.(map[string]any)["value"].(string))
	}
	want = slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the group has %d members, want %d\n got %v\nwant %v", len(got), len(want), got, want)
	}
}
