package caddyfile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/google/go-cmp/cmp"
)

const organizationClient = "organization.0b8f2c1e-51a4-4a3e-9a3c-0d6d9f5e7a11"

// adaptOrganization adapts a Caddyfile and returns the routes of its server as JSON.
func adaptOrganization(t *testing.T, text string) (string, error) {
	t.Helper()
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return "", err
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct{ Routes json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	return string(config.Apps.HTTP.Servers["srv0"].Routes), nil
}

func TestOrganizationAdapts(t *testing.T) {
	hash := "sha256:" + strings.Repeat("0a", 32)
	tests := []struct{ name, text, want string }{
		{
			"only what is required",
			":8080\nscim_organization {\n\tclient " + organizationClient + " secret\n}\n",
			`[{"handle":[{"client_id":"` + organizationClient + `","client_secret":"secret","handler":"scim_organization"}]}]`,
		},
		{
			"everything, behind a matcher",
			":8080\nscim_organization /api/* {\n\tstore state/org.db\n\tclient " + organizationClient + " " + hash + "\n\tseats 25\n\towner olivia@example.com\n}\n",
			`[{"handle":[{"client_id":"` + organizationClient + `","client_secret":"` + hash +
				`","handler":"scim_organization","owner":"olivia@example.com","seats":25,"store":"state/org.db"}],"match":[{"path":["/api/*"]}]}]`,
		},
		{
			"placeholders are left for later",
			":8080\nscim_organization {\n\tclient {env.ID} {env.SECRET}\n\towner {env.OWNER}\n}\n",
			`[{"handle":[{"client_id":"{env.ID}","client_secret":"{env.SECRET}","handler":"scim_organization","owner":"{env.OWNER}"}]}]`,
		},
		{
			"sorted behind respond and before reverse_proxy",
			":8080\nreverse_proxy localhost:1\nscim_organization {\n\tclient " + organizationClient + " secret\n}\nrespond /alive 200\n",
			`[{"handle":[{"handler":"static_response","status_code":200}],"match":[{"path":["/alive"]}]},` +
				`{"handle":[{"client_id":"` + organizationClient + `","client_secret":"secret","handler":"scim_organization"},` +
				`{"handler":"reverse_proxy","upstreams":[{"dial":"localhost:1"}]}]}]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := adaptOrganization(t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(organizationJSON(t, tt.want), organizationJSON(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func organizationJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOrganizationMistakes(t *testing.T) {
	client := "\tclient " + organizationClient + " secret\n"
	tests := []struct{ name, block, want, line string }{
		{"no client", "\tseats 5\n", "needs a client", "Caddyfile:4"},
		{"no block", "", "needs a client", ""},
		{"client without a secret", "\tclient " + organizationClient + "\n", "wrong argument count", "Caddyfile:3"},
		{"client id of a person", "\tclient user.0b8f2c1e-51a4-4a3e-9a3c-0d6d9f5e7a11 secret\n", `must be "organization."`, "Caddyfile:3"},
		{"client id without a GUID", "\tclient organization.acme secret\n", "must be a GUID", "Caddyfile:3"},
		{"short hash", "\tclient " + organizationClient + " sha256:abcd\n", "64 hexadecimal digits", "Caddyfile:3"},
		{"empty secret", "\tclient " + organizationClient + " \"\"\n", "it is empty", "Caddyfile:3"},
		{"seats that are no number", client + "\tseats many\n", "above 0, got many", "Caddyfile:4"},
		{"no seats", client + "\tseats 0\n", "above 0, got 0", "Caddyfile:4"},
		{"owner that is no address", client + "\towner olivia\n", "not a supported e-mail address", "Caddyfile:4"},
		{"store twice", client + "\tstore a\n\tstore b\n", "store is already specified", "Caddyfile:5"},
		{"unknown", client + "\tshade blue\n", "unrecognized subdirective shade", "Caddyfile:4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := adaptOrganization(t, ":8080\nscim_organization {\n"+tt.block+"}\n")
			if err == nil {
				t.Fatal("adapted")
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.line) {
				t.Errorf("got %q, want %q at %s", err, tt.want, tt.line)
			}
		})
	}
	if _, err := adaptOrganization(t, ":8080\nscim_organization acme {\n"+client+"}\n"); err == nil || !strings.Contains(err.Error(), "Caddyfile:2") {
		t.Errorf("an argument: got %v", err)
	}
}
