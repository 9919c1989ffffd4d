package caddyfile_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
)

// The worked example of docs/mapping.md: the text that its last step arrives at, and the requests of its check.
func TestWorkedExample(t *testing.T) {
	page, err := os.ReadFile("../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$").FindAllSubmatch(page, -1)
	if len(blocks) < 2 { // those of the worked example come first
		t.Fatalf("the page has %d Caddyfiles", len(blocks))
	}
	t.Setenv("ORG_SECRET", "0123456789abcdefghijklmnopqrst")
	first := runExample(t, string(blocks[0][1]))
	if status, body := first.do(t, "GET", `/Users?filter=userName%20eq%20%22olivia@example.com%22`, ""); status != 200 || !strings.Contains(body, `"totalResults":1`) {
		t.Errorf("the first step's check: %d %s", status, body)
	}
	last := runExample(t, string(blocks[1][1]))
	id := ""
	for _, step := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"GET", `/Users?filter=userName%20eq%20%22olivia@example.com%22`, "", 200, `"totalResults":0`},
		{"POST", "/Users", `{"userName":"Bob@example.com","externalId":"bob","active":true}`, 201, `"state":"invited"`},
		{"POST", "/Users", `{"userName":"Bob@example.com","externalId":"bob","active":true}`, 409, `"uniqueness"`},
		{"PATCH", "/Users/{id}", `{"Operations":[{"op":"Replace","path":"active","value":false}]}`, 200, `"state":"revoked"`},
		{"PATCH", "/Users/{id}", `{"Operations":[{"op":"Replace","path":"externalId","value":"b2"}]}`, 200, `"externalId":"b2"`},
		{"PATCH", "/Users/{id}", `{"Operations":[{"op":"Add","path":"title","value":"Dr"}]}`, 200, `"externalId":"b2"`},
		{"POST", "/Groups", `{"displayName":"Chess","members":[{"value":"{id}"}]}`, 201, `"value":"{id}"`},
		{"POST", "/Groups", `{"displayName":"chess"}`, 409, `"uniqueness"`},
		{"DELETE", "/Users/{id}", "", 204, ""},
		{"GET", "/Users/{id}", "", 404, `"status":"404"`},
		{"GET", "/Groups", "", 200, `"members":[]`},
	} {
		fill := strings.NewReplacer("{id}", id).Replace
		status, body := last.do(t, step.method, fill(step.path), fill(step.body))
		if status != step.status || !strings.Contains(body, fill(step.holds)) {
			t.Fatalf("%s %s %s: %d %s", step.method, step.path, step.body, status, body)
		}
		if id == "" && status == 201 {
			var made struct{ ID string }
			if err := json.Unmarshal([]byte(body), &made); err != nil {
				t.Fatal(err)
			}
			id = made.ID
		}
	}
}

type example struct{ root, key string }

// runExample runs a Caddyfile at another address, with another key and in a folder of its own.
func runExample(t *testing.T, text string) *example {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	const key = "a-key-of-at-least-sixteen-characters"
	sum := sha256.Sum256([]byte(key))
	text = regexp.MustCompile("sha256:[0-9a-f]{64}").ReplaceAllString(text, "sha256:"+hex.EncodeToString(sum[:]))
	text = strings.Replace(text, ":8080 {", "http://"+address+" {", 1)
	text = strings.Replace(text, "organization.db", filepath.Join(dir, "organization.db"), 1)
	text = "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system " + dir + "\n}\n" + text
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &example{"http://" + address + "/scim/v2", key}
}

func (e *example) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, e.root+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.key)
	req.Header.Set("Content-Type", "application/scim+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
