package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

const entraSecret = "the-secret-of-a-client-of-oauth-2"

// token asks a token endpoint with a form, as Entra does.
func (s *server) token(addr, form string, header ...string) (int, http.Header, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/scim/oauth2/token", strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Basic" {
			id, secret, _ := strings.Cut(header[i+1], ":")
			r.SetBasicAuth(id, secret)
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		s.t.Fatalf("%d %q: %v", res.StatusCode, text, err)
	}
	return res.StatusCode, res.Header, answer
}

// TestTokenEndpoint: a client gets a token below the SCIM root that is good at every gateway of its organization, also
// after a reload, and at no other one's, until the client is revoked. Nothing of it reaches the upstream.
func TestTokenEndpoint(t *testing.T) {
	rec := newRecorder(t)
	addr := rec.Listener.Addr().String()
	client := "client entra " + entraSecret
	globex := "\n\tscim_gateway /globex/* " + addr + " {\n\t\tclient entra " + entraSecret + "\n\t\torganization globex\n\t}"
	s := startOperated(t, acme(rec, client)+globex)
	s.secrets = append(s.secrets, entraSecret)
	other := freeAddr(t)
	startProcess(t, filepath.Join(s.dir, "storage"), "http://"+other+" {"+acme(rec, client)+"\n}\n")

	status, header, answer := s.token(s.addr, "grant_type=client_credentials&scope=scim", "Basic", "entra:"+entraSecret)
	token, _ := answer["access_token"].(string)
	if status != 200 || token == "" || answer["token_type"] != "Bearer" || answer["expires_in"] != 3600.0 || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d, %v, %v", status, header, answer)
	}
	s.secrets = append(s.secrets, token)
	if status, _, _ := s.token(s.addr, "grant_type=client_credentials&client_id=entra&client_secret="+entraSecret); status != 200 {
		t.Errorf("secret in the form: %d", status)
	}
	for name, tt := range map[string]struct {
		form   string
		header []string
		status int
		code   string
	}{
		"wrong secret": {"grant_type=client_credentials", []string{"Basic", "entra:wrong"}, 401, "invalid_client"},
		"nobody":       {"grant_type=client_credentials", nil, 401, "invalid_client"},
		"other grant":  {"grant_type=password", []string{"Basic", "entra:" + entraSecret}, 400, "unsupported_grant_type"},
		"JSON":         {`{"grant_type":"client_credentials"}`, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"too large":    {strings.Repeat("a", 10_000), nil, 413, "invalid_request"},
		"broken":       {"%zz", nil, 400, "invalid_request"},
	} {
		status, header, answer := s.token(s.addr, tt.form, tt.header...)
		if status != tt.status || answer["error"] != tt.code {
			t.Errorf("%s: %d, %v", name, status, answer)
		}
		if basic := len(tt.header) > 0 && tt.header[0] == "Basic"; (header.Get("WWW-Authenticate") != "") != (status == 401 && basic) {
			t.Errorf("%s: WWW-Authenticate %q", name, header.Get("WWW-Authenticate"))
		}
	}
	for request, want := range map[string]int{ // whose bodies never come
		"PUT /scim/oauth2/token HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n":                                                               405,
		"POST /scim/oauth2/token HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n":                                  400,
		"POST /scim/oauth2/token HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999999\r\n\r\n": 413,
	} {
		if status, _, _ := s.raw(request); status != want {
			t.Errorf("%.40q: %d, want %d", request, status, want)
		}
	}
	if seen := rec.take(nil); len(seen) > 0 {
		t.Errorf("%v reached the upstream", seen)
	}

	s.want("the token", token, 200)
	if got := s.try(s.addr, http.MethodGet, "/globex/Users/1", token); got != 401 {
		t.Errorf("the token at another organization: %d", got)
	}
	s.becomes("the token at the other gateway", other, token, 200)
	s.move(acme(rec, client))
	s.want("the token after a reload", token, 200)
	if got := s.try(s.addr, http.MethodGet, "/scim/Users/1", entraSecret); got != 401 {
		t.Errorf("the secret itself is no key: %d", got)
	}
	s.must("key", "revoke", "entra")
	s.want("the token of a client that was revoked", token, 401)
	s.becomes("the same at the other gateway", other, token, 401)
	if status, _, _ := s.token(s.addr, "grant_type=client_credentials", "Basic", "entra:"+entraSecret); status != 401 {
		t.Errorf("a revoked client gets a token: %d", status)
	}
}

// TestNoTokenEndpoint: without a client there is none.
func TestNoTokenEndpoint(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, acme(rec, ""))
	if got := s.try(s.addr, http.MethodPost, "/scim/oauth2/token", testKey); got != 404 {
		t.Errorf("with a key: %d", got)
	}
	if got := s.try(s.addr, http.MethodPost, "/scim/oauth2/token", "wrong"); got != 401 {
		t.Errorf("without: %d", got)
	}
	if seen := rec.take(nil); len(seen) > 0 {
		t.Errorf("%v reached the upstream", seen)
	}
}
