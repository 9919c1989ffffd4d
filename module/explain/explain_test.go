package explain

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/google/go-cmp/cmp"

	_ "github.com/caddy-scim/gateway/caddyfile"
)

var update = flag.Bool("update", false, "write what is explained into the golden files")

// configured writes a Caddyfile, and returns its path.
func configured(t *testing.T, sites string) string {
	t.Helper()
	dir := t.TempDir()
	text := "{\n\tadmin off\n\tauto_https off\n\tstorage file_system " + dir + "/storage\n}\n:80 {\n" + sites + "\n}\n"
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	scimServer = `	scim_gateway /scim/* 127.0.0.1:1 {
		key entra {env.NOT_SET}
		quirks entra
		upstream scim /scim/v2
	}`
	organization = `	scim_gateway /acme/* 127.0.0.1:1 {
		key entra {env.NOT_SET}
		quirks entra
		organization acme
		upstream bitwarden {
			client_id {env.NOT_SET}
			client_secret {env.NOT_SET}
		}
	}`
)

// explained runs the command.
func explained(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	cmd := command()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetIn(strings.NewReader(input))
	cmd.SetArgs(append(args, "--adapter", "caddyfile"))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// TestCorpus explains one row of each kind of the corpus: of each chapter, what passes, what is rewritten, what is refused.
func TestCorpus(t *testing.T) {
	type row struct {
		ID, Action string
		BodyGen    any    `json:"body_gen"`
		PathGen    any    `json:"path_gen"`
		BodyB64    string `json:"body_b64"`
		Path       string
	}
	config := configured(t, scimServer)
	seen := map[string]bool{}
	for _, file := range []string{"entra.jsonl", "field.jsonl"} {
		text, err := os.ReadFile(filepath.Join("../../transforms/quirks/testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r row
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			kind := r.ID[:1] + " " + r.Action
			if seen[kind] || r.BodyGen != nil || r.PathGen != nil || r.BodyB64 != "" || r.Path == "" {
				continue
			}
			seen[kind] = true
			t.Run(r.ID, func(t *testing.T) {
				got, err := explained(t, string(line), "--config", config)
				switch {
				case err == ErrRefused: //nolint:errorlint // as it is
					got += "exit status 1\n"
				case err != nil:
					got = "error: " + err.Error() + "\n"
				}
				golden := filepath.Join("testdata", r.ID+".txt")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("run with -update if this is meant\n%s", diff)
				}
			})
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d kinds", len(seen))
	}
}

// Whatever form a request has, it is the same request.
func TestForms(t *testing.T) {
	config := configured(t, scimServer+"\n"+organization)
	const body = `{"Operations":[{"op":"Add","path":"displayName","value":"Ann"}]}`
	quoted, _ := json.Marshal(body)
	har := `{"log":{"entries":[{"request":{"method":"PATCH","url":"https://scim.example.com/acme/Users/7","headers":[{"name":":method","value":"PATCH"},{"name":"content-type","value":"application/scim+json"}],"postData":{"text":` + string(quoted) + `}}}]}}`
	record := `{"id":3,"time":"2026-11-30T08:00:00Z","organization":"acme","resource":"User","verb":"patch","subject":"7","status":200,"ms":1,"received":{"body":` + body + `}}`
	for name, tt := range map[string]struct {
		input string
		args  []string
	}{
		"as it travels":       {"PATCH /acme/Users/7 HTTP/1.1\r\nHost: scim.example.com\r\nContent-Type: application/scim+json\r\nContent-Length: 3\r\n\r\n" + body + "\n", nil},
		"with bare newlines":  {"PATCH /acme/Users/7\nContent-Type: application/scim+json\n\n" + body, nil},
		"a body":              {body, []string{"--method", "patch", "--path", "/acme/Users/7"}},
		"HAR":                 {har, nil},
		"a record of the log": {record, []string{"-o", "acme"}},
		"method, path, body":  {`{"method":"PATCH","path":"/acme/Users/7","body":` + body + `}`, nil},
	} {
		out, err := explained(t, tt.input, append(tt.args, "--config", config, "--json")...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var e Explanation
		if err := json.Unmarshal([]byte(out), &e); err != nil {
			t.Fatal(err)
		}
		if e.Outcome != Asks || e.Verb != "patch" || e.Subject != "7" || len(e.Rules) != 2 || len(e.Calls) != 1 || !e.Calls[0].Planned ||
			e.Calls[0].Path != "/api/public/members/7" || e.Organization != "acme" {
			t.Errorf("%s: %s", name, out)
		}
	}
	// What a body is the body of is guessed.
	for input, want := range map[string]string{
		`{"userName":"ann@example.com","emails":[{"value":"a@example.com"}]}`:                             "POST /Users",
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Chess"}`:               "POST /Groups",
		`{"Operations":[{"op":"add","path":"members","value":[{"value":"1"}]}]}`:                          "PATCH /Groups/example",
		`{"Operations":[{"op":"replace","path":"active","value":false}]}`:                                 "PATCH /Users/example",
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","displayName":"Ann A"}`: "POST /Users",
	} {
		if out, err := explained(t, input, "--config", config, "-o", "acme"); err != nil || !strings.HasPrefix(out, want+"\n  That is a guess") {
			t.Errorf("%v %s, want %s", err, out, want)
		}
	}
}

func TestBadInput(t *testing.T) {
	config := configured(t, scimServer+"\n"+organization)
	empty := configured(t, "respond 404")
	for name, tt := range map[string]struct {
		input, want string
		args        []string
	}{
		"nothing":             {"", "there is no input", nil},
		"prose":               {"hello there\n", "neither JSON nor an HTTP request", nil},
		"a method alone":      {"{}", "--method needs --path", []string{"--method", "PUT"}},
		"a path that is none": {"{}", "is no path", []string{"--method", "PUT", "--path", "Users"}},
		"an empty HAR":        {`{"log":{"entries":[]}}`, "no entries", nil},
		"two gateways":        {`{"userName":"a"}`, "--organization; there are: acme (/acme/*), the one at /scim/*", nil},
		"nobody's name":       {`{"userName":"a"}`, `no organization "globex"`, []string{"-o", "globex"}},
		"no log":              {"", "there is no provisioning log at", []string{"--row", "7", "--file", filepath.Join(t.TempDir(), "none.db")}},
		"no values":           {`{"id":3,"time":"2026-11-30T08:00:00Z","resource":"User","verb":"create","received":{"bytes":70}}`, "has not kept the document", nil},
	} {
		out, err := explained(t, tt.input, append(tt.args, "--config", config)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	if _, err := explained(t, `{"userName":"a"}`, "--config", empty); err == nil || !strings.Contains(err.Error(), "has no scim_gateway") {
		t.Errorf("no gateway: %v", err)
	}
	// A document that is none is explained as what it is: refused.
	out, err := explained(t, `{"userName":`, "--config", config, "-o", "acme")
	if err != ErrRefused || !strings.Contains(out, "400 invalidSyntax") { //nolint:errorlint // as it is
		t.Errorf("half a document: %v %s", err, out)
	}
}
