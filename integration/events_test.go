package integration

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-scim/gateway/integration/entra"
)

func init() { caddy.RegisterModule(eventRecorder{}) }

// eventRecorder is a handler of Caddy's events that notes the gateway's: "scim_invited User 7".
type eventRecorder struct{}

var told struct {
	sync.Mutex
	events []string
}

func (eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (eventRecorder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return nil
}

func (eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	if !strings.HasPrefix(e.Name(), "scim_") {
		return nil
	}
	text := fmt.Sprint(e.Name(), " ", e.Data["organization"], " ", e.Data["resource"], " ", e.Data["id"])
	if e.Name() == "scim_guard_tripped" {
		text = fmt.Sprint(e.Name(), " ", e.Data["organization"], " ", e.Data["kind"], " ", e.Data["limit"])
	}
	told.Lock()
	defer told.Unlock()
	told.events = append(told.events, text)
	return nil
}

// emitted waits until some events have come, and returns all that have since the last time: they come after the answer.
func emitted(t *testing.T, n int) []string {
	t.Helper()
	for range 1000 {
		told.Lock()
		events := slices.Clone(told.events)
		if len(events) >= n {
			told.events = nil
			told.Unlock()
			return events
		}
		told.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d events have not come: %v", n, told.events)
	return nil
}

const recordEvents = `events {
		on * recorder
	}`

// TestEvents: what a provider changes is an event of Caddy, once it is shown, in front of an organization and of a SCIM
// server alike; what changes nothing is none.
func TestEvents(t *testing.T) {
	handler, _, _ := scimServer(t)
	other := httptest.NewServer(handler)
	defer other.Close()
	for name, site := range map[string]string{
		"acme": gateway("", "organization acme\nguard {\n\tdisables 2 per 1h\n\tfloor 2\n\tshare off\n}\n"+bitwarden) + organization,
		"peer": gateway(other.Listener.Addr().String(), "organization peer\nguard {\n\tdisables 2 per 1h\n\tfloor 2\n}\nupstream scim /v2\n"),
	} {
		t.Run(name, func(t *testing.T) {
			told.events = nil
			s := startServer(&server{t: t, dir: t.TempDir(), globals: recordEvents}, site)
			c := s.entra("/scim")
			is := func(r *entra.Response, err error, want ...string) *entra.Response {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range want {
					kind, id, found := strings.Cut(w, " ")
					if !found {
						id = r.ID()
					}
					resource := "User"
					if kind == "scim_group_changed" {
						resource = "Group"
					}
					want[i] = strings.Join([]string{kind, name, resource, id}, " ")
				}
				if got := emitted(t, len(want)); !slices.Equal(got, want) {
					t.Errorf("%d %s: events %q, want %q", r.Status, r.Raw, got, want)
				}
				return r
			}
			create := func(user string) string {
				r, err := c.Create(entra.User{UserName: user + "@example.com", ExternalID: user})
				return is(r, err, "scim_invited").ID()
			}
			jane, bob, cy := create("jane"), create("bob"), create("cy")
			r, err := c.SetActive(jane, false)
			is(r, err, "scim_revoked "+jane)
			r, err = c.SetActive(jane, true)
			is(r, err, "scim_restored "+jane)
			r, err = c.Do("POST", "/Groups", map[string]any{
				"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "Sales", "externalId": "s",
			})
			group := is(r, err, "scim_group_changed").ID()
			r, err = c.Do("PATCH", "/Groups/"+group, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"value":"`+jane+`"}]}]}`)
			is(r, err, "scim_group_changed "+group)
			r, err = c.Do("GET", "/Groups/"+group, nil)
			is(r, err)
			r, err = c.Delete("/Groups", group)
			is(r, err, "scim_group_changed "+group)
			r, err = c.Delete("/Users", bob)
			is(r, err, "scim_removed "+bob)

			// The guard lets two go, jane being one of them, and trips at the third.
			r, err = c.SetActive(cy, false)
			is(r, err, "scim_revoked "+cy)
			dee := create("dee")
			if r, err = c.SetActive(dee, false); err != nil || r.Status != 503 {
				t.Fatalf("%v %v", r, err)
			}
			if got := emitted(t, 1); !slices.Equal(got, []string{"scim_guard_tripped " + name + " disables 2"}) {
				t.Errorf("events %q", got)
			}
		})
	}
}
