package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// impatient makes reverse_proxy give up early.
const impatient = `transport http {
			response_header_timeout 300ms
		}`

// TestFaultyUpstream holds what the provider is told against what the upstream did: its trouble is never our caller's
// bad key (401), never a resource that is gone (404) and never success.
func TestFaultyUpstream(t *testing.T) {
	abort := func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	half := func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: 500\r\n\r\n{\"id\":\"1\",")
			_ = conn.Close()
		}
	}
	slow := func(w http.ResponseWriter, r *http.Request, _ []byte) {
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}
	const html = "<html><body>Internal error at db01.internal.example: stack trace</body></html>"
	const tooSlow = "too slow" // the last one: from here on nobody waits for long
	cases := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request, []byte)
		want   int
	}{
		{"401", status(401, "application/json", `{"error":"bad upstream credentials"}`), 502},
		{"403", status(403, "application/json", `{}`), 502},
		{"500 HTML", status(500, "text/html", html), 502},
		{"503", status(503, "text/plain", "busy"), 502},
		{"redirect", status(302, "text/html", ""), 502},
		{"200 HTML", status(200, "text/html", html), 502},
		{"200 broken JSON", status(200, "application/json", `{"id":"1",`), 502},
		{"200 array", status(200, "application/json", `[]`), 502},
		{"hangs up", abort, 502},
		{"half an answer", half, 502},
		{"429", func(w http.ResponseWriter, r *http.Request, b []byte) {
			w.Header().Set("Retry-After", "7")
			status(429, "application/json", `{}`)(w, r, b)
		}, 429},
		{tooSlow, slow, 504},
	}
	rec := newRecorder(t)
	requests := []struct{ method, path, body string }{
		{"GET", "/Users/1", ""},
		{"GET", "/Users?filter=userName+eq+%22a%40example.com%22", ""},
		{"POST", "/Users", newUser},
		{"PATCH", "/Users/1", patchOp + `[{"op":"Replace","path":"active","value":"False"}]}`},
		{"DELETE", "/Users/1", ""},
	}
	site := func(more string) string {
		return gateway(rec.Listener.Addr().String(), "upstream scim /v2\n"+more)
	}
	s := start(t, site(""))
	c := s.entra("/scim")
	for _, tc := range cases {
		if tc.name == tooSlow {
			s.move(site(impatient))
			c = s.entra("/scim")
		}
		for _, r := range requests {
			if r.method == "DELETE" && tc.name == "200 array" {
				continue // what a server shows of a resource that is no more is its own business, if only it is JSON
			}
			t.Run(tc.name+"/"+r.method+" "+r.path, func(t *testing.T) {
				rec.take(tc.answer)
				res, err := c.Do(r.method, r.path, r.body)
				if err != nil {
					t.Fatal(err)
				}
				mustBeError(t, res, tc.want)
				if tc.want == 429 && res.Header.Get("Retry-After") != "7" {
					t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
				}
				for _, leak := range []string{"db01", "stack", "bad upstream", rec.Listener.Addr().String()} {
					if strings.Contains(string(res.Raw), leak) {
						t.Errorf("the answer shows %q: %s", leak, res.Raw)
					}
				}
			})
		}
	}
	t.Run("down", func(t *testing.T) {
		rec.Close()
		for _, r := range requests {
			res, err := c.Do(r.method, r.path, r.body)
			if err != nil {
				t.Fatal(err)
			}
			mustBeError(t, res, 503)
		}
	})
}

// TestNobodyAnswers: a chain that falls through is an error, not an empty success.
func TestNobodyAnswers(t *testing.T) {
	s := start(t, `
	scim_gateway /scim/* {
		key test {KEY}
		upstream scim
	}`)
	res, err := s.entra("/scim").Read("/Users", "1")
	if err != nil {
		t.Fatal(err)
	}
	mustBeError(t, res, 502)
}

// TestTokenTrouble is about the gateway's own credential at an organization: it is refused, or ends early. Lists that are
// none are in TestFaultyLists, calls that fail in TestConvergence.
func TestTokenTrouble(t *testing.T) {
	rec := newRecorder(t)
	site := gateway(rec.Listener.Addr().String(), bitwarden)
	const member = `{"object":"member","id":"6f2b0a52-3b8e-4a0e-9f5c-0d7b1c2e3f41","email":"a@example.com","status":2,"type":2,"externalId":null,"collections":[]}`
	t.Run("token refused", func(t *testing.T) {
		s := start(t, site)
		rec.take(status(400, "application/json", `{"error":"invalid_client"}`))
		res, err := s.entra("/scim").Find("/Users", "userName", "a@example.com")
		if err != nil {
			t.Fatal(err)
		}
		mustBeError(t, res, 502)
	})
	t.Run("token expired in between", func(t *testing.T) {
		s := start(t, site)
		tokens, refused := 0, false
		rec.take(func(w http.ResponseWriter, r *http.Request, b []byte) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/connect/token"):
				tokens++
				status(200, "application/json", fmt.Sprintf(`{"access_token":"t%d","expires_in":3600,"token_type":"Bearer"}`, tokens))(w, r, b)
			case r.Header.Get("Authorization") != "Bearer t2":
				refused = true
				status(401, "application/json", `{}`)(w, r, b)
			default:
				status(200, "application/json", `{"object":"list","data":[`+member+`]}`)(w, r, b)
			}
		})
		res, err := s.entra("/scim").Find("/Users", "userName", "a@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != 200 || res.Total() != 1 || tokens != 2 || !refused {
			t.Errorf("%d tokens, answer %d %s", tokens, res.Status, res.Raw)
		}
	})
}

func mustBeError(t *testing.T, res *entra.Response, want int) {
	t.Helper()
	if res.Status != want {
		t.Errorf("status %d, want %d: %.300s", res.Status, want, res.Raw)
		return
	}
	if res.String("status") != fmt.Sprint(want) || res.String("detail") == "" || res.Header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("no SCIM error: %q %.300s", res.Header.Get("Content-Type"), res.Raw)
	}
}

// TestSecretsStayOut: after a day's work neither key nor client text is in any log.
func TestSecretsStayOut(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, gateway(rec.Listener.Addr().String(), "upstream scim /v2"))
	c := s.entra("/scim")
	wrong := *c
	wrong.Secret = "the-wrong-key-that-nobody-may-see"
	for _, client := range []*entra.Client{c, &wrong} {
		for _, body := range []string{newUser, strings.Replace(newUser, `"active":true`, `"active":"maybe","password":"hunter2-secret"`, 1)} {
			if _, err := client.Do("POST", "/Users", body); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := client.Do("PATCH", "/Users/1", patchOp+`[{"op":"Replace","path":"password","value":"hunter2-secret"},{"op":"Replace","path":"displayName","value":"Very Private"}]}`); err != nil {
			t.Fatal(err)
		}
	}
	s.accessLog(6)
	logs := s.logs()
	for _, secret := range []string{testKey, wrong.Secret, "hunter2-secret", "Very Private", "User5@Example.com"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the logs hold %q", secret)
		}
	}
	if !strings.Contains(logs, `"user_id":"test"`) {
		t.Error("the access log does not name the key")
	}
}

// TestRawSocket sends what no HTTP client sends.
func TestRawSocket(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, gateway(rec.Listener.Addr().String(), "upstream scim /v2"))
	for name, head := range map[string]string{
		"dot-dot id":         "GET /scim/Users/%2e%2e HTTP/1.1",
		"slash in id":        "GET /scim/Users/a%2fb/c HTTP/1.1",
		"query in id":        "GET /scim/Users/a%3ffilter HTTP/1.1",
		"control in id":      "GET /scim/Users/a%00b HTTP/1.1",
		"unknown endpoint":   "GET /scim/Devices HTTP/1.1",
		"lower-case segment": "GET /scim/users/.. HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "%s\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", head, s.addr, testKey)
			text, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			for _, seen := range rec.take(nil) {
				if !strings.HasPrefix(seen.URI, "/v2/Users/a") || strings.Count(seen.URI, "/") != 3 || strings.Contains(seen.URI, "?") {
					t.Errorf("%s reached the upstream", seen.URI)
				}
			}
			if strings.HasPrefix(string(text), "HTTP/1.1 3") {
				t.Errorf("a redirect: %s", text)
			}
		})
	}
}

// TestUnsentBody: who is refused need not send the body first.
func TestUnsentBody(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, gateway(rec.Listener.Addr().String(), "upstream scim /v2\nmax_body 1000"))
	for name, tc := range map[string]struct {
		head   string
		status string
	}{
		"wrong key":             {"POST /scim/Users HTTP/1.1\r\nAuthorization: Bearer wrong\r\nContent-Length: 100000", "401"},
		"wrong key, no length":  {"POST /scim/Users HTTP/1.1\r\nAuthorization: Bearer wrong\r\nTransfer-Encoding: chunked", "401"},
		"no endpoint":           {"POST /scim/Devices HTTP/1.1\r\nAuthorization: Bearer " + testKey + "\r\nContent-Length: 900", "404"},
		"too large":             {"POST /scim/Users HTTP/1.1\r\nAuthorization: Bearer " + testKey + "\r\nContent-Type: application/scim+json\r\nContent-Length: 100000", "413"},
		"a body for a deletion": {"DELETE /scim/Users/1 HTTP/1.1\r\nAuthorization: Bearer " + testKey + "\r\nContent-Length: 900", "204"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			fmt.Fprintf(conn, "%s\r\nHost: %s\r\n\r\n", tc.head, s.addr)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer res.Body.Close()
			if !strings.HasPrefix(res.Status, tc.status) || !res.Close {
				t.Errorf("%s, connection closed: %v", res.Status, res.Close)
			}
		})
	}
}
