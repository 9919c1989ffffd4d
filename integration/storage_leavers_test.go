package integration

import (
	"net/http"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
	"github.com/caddy-scim/gateway/integration/storage"
)

// TestReloadClosesStorage: a storage whose client is closed with its configuration costs nothing after a reload, whatever is written.
func TestReloadClosesStorage(t *testing.T) {
	s, c, org, _ := onStorage(t, `{
		closes
	}`)
	ann := must(t, 201)(c.Create(somebody("ann", false)))
	ben := must(t, 201)(c.Create(somebody("ben", true)))
	group := must(t, 201)(c.CreateGroup("Crew", "g"))
	for range 2 {
		s.load(embedded)
		must(t, 204)(c.AddMembers(group, ann, ben))
		must(t, 200)(c.SetActive(ann, false))
		if got := personWith(t, org, "ann@example.com").state; got != "revoked" {
			t.Errorf("after a reload Ann is %q", got)
		}
		must(t, 200)(c.SetActive(ann, true))
		must(t, 204)(c.RemoveMembers(group, ann))
	}
	must(t, 200)(c.SetActive(ben, true))
	must(t, 204)(c.Delete("/Users", ann))
	must(t, 201)(c.Create(somebody("cyd", false)))
	if got := personWith(t, org, "ann@example.com").state; got != "" {
		t.Errorf("after a reload the deleted Ann is %q", got)
	}
	if got := groupNamed(t, org, "Crew"); len(got.members) != 1 {
		t.Errorf("after a reload the group has %v", got.members)
	}
}

// TestLeaversWaitForNoStorage: whatever is wrong with the storage, access is taken away and the provider is told so; it is
// as gone afterwards, when the storage works again.
func TestLeaversWaitForNoStorage(t *testing.T) {
	for _, fault := range []storage.Fault{storage.Full, storage.ReadOnly, storage.Unreadable, storage.Broken, storage.Stuck} {
		t.Run(string(fault), func(t *testing.T) {
			_, c, org, trouble := onStorage(t, "")
			people := map[string]string{}
			for _, name := range []string{"ann", "ben", "cyd"} {
				people[name] = must(t, 201)(c.Create(somebody(name, name == "cyd")))
			}
			group := must(t, 201)(c.CreateGroup("Crew", "g"))
			must(t, 204)(c.AddMembers(group, people["ann"], people["ben"], people["cyd"]))
			must(t, 200)(c.SetActive(people["cyd"], true)) // Cyd's id is the gateway's own

			trouble.Set(fault)
			for _, name := range []string{"ann", "cyd"} {
				must(t, 200)(c.SetActive(people[name], false))
				if got := personWith(t, org, name+"@example.com").state; got != "revoked" {
					t.Errorf("%s is %q", name, got)
				}
			}
			for _, name := range []string{"ben", "cyd"} {
				must(t, 204)(c.Delete("/Users", people[name]))
				if got := personWith(t, org, name+"@example.com").state; got != "" {
					t.Errorf("the deleted %s is %q", name, got)
				}
			}
			trouble.Set(storage.None)
			for _, name := range []string{"ben", "cyd"} {
				res, err := c.Find("/Users", "userName", name+"@corp.example")
				if err != nil || res.Status != 200 || res.Total() != 0 {
					t.Errorf("afterwards %s is found: %v %s", name, err, res.Raw)
				}
				must(t, 201)(c.Create(somebody(name, false)))
			}
			must(t, 200)(c.SetActive(people["ann"], true))
		})
	}
}

// TestUnknownWhileUnreadable: while the ledger cannot be read, nobody is told that a user is gone whom it alone can tell.
func TestUnknownWhileUnreadable(t *testing.T) {
	s, c, _, trouble := onStorage(t, "")
	ann := must(t, 201)(c.Create(somebody("ann", true)))
	must(t, 200)(c.SetActive(ann, true)) // the organization knows Ann by another id
	s.load(`respond 404`)
	trouble.Set(storage.Unreadable)
	s.load(embedded)
	for what, do := range map[string]func() (*entra.Response, error){
		"deactivation": func() (*entra.Response, error) { return c.SetActive(ann, false) },
		"deletion":     func() (*entra.Response, error) { return c.Delete("/Users", ann) },
	} {
		res, err := do()
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d: %s", what, res.Status, res.Raw)
		}
	}
	trouble.Set(storage.None)
	org := newPublicAPI(t, s, "") // what was signed in before went with the configuration
	must(t, 200)(c.SetActive(ann, false))
	if got := personWith(t, org, "ann@example.com").state; got != "revoked" {
		t.Errorf("Ann is %q", got)
	}
}
