package integration

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// raw sends text to the server as it is, and reads one answer. What is announced and not sent never comes: an answer that
// waited for it would be none.
func (s *server) raw(text string) (status int, header http.Header, body string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "Host: h\r\n", "Host: "+s.addr+"\r\n")); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Errorf("no answer to %.80q: %v", text, err)
		return 0, nil, ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b)
}

// TestHostile sends what somebody sends who has no key, or one for something else: all get the same answer, and nothing
// reaches the upstream. Rows of the catalogue's section X and Q8 to Q10.
func TestHostile(t *testing.T) {
	issuer, err := entra.NewIssuer("k1")
	if err != nil {
		t.Fatal(err)
	}
	jwks := httptest.NewServer(issuer)
	t.Cleanup(jwks.Close)
	rec := newRecorder(t)
	addr := rec.Listener.Addr().String()
	const globexKey, officeKey, oldKey = "the-key-of-globex-and-of-nobody-else", "a-key-for-one-office-and-no-other", "a-key-that-ended-years-ago-0123"
	s := start(t, gateway(addr, `
		key office `+officeKey+` {
			from 192.0.2.0/24
		}
		key old `+oldKey+` {
			expires 2020-01-01T00:00:00Z
		}
		entra_token `+corpusTenant+` {
			jwks `+jwks.URL+`
		}
		throttle off`)+`
	scim_gateway /globex/* `+addr+` {
		key globex `+globexKey+`
		throttle off
	}`)
	s.secrets = append(s.secrets, globexKey, officeKey, oldKey)

	claims := func(changes map[string]any) string {
		all := map[string]any{
			"aud": "8adf8e6e-67b2-4cf2-a259-e3dc5476c621", "iss": "https://sts.windows.net/" + corpusTenant + "/",
			"appid": "00000014-0000-0000-c000-000000000000", "tid": corpusTenant,
			"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(),
		}
		maps.Copy(all, changes)
		token, err := issuer.Sign(all)
		if err != nil {
			t.Fatal(err)
		}
		s.secrets = append(s.secrets, token)
		return token
	}
	genuine := claims(nil)
	parts := strings.Split(genuine, ".")
	const elsewhere = "99999999-2222-4333-8444-555555555555"
	get := func(lines ...string) string {
		return "GET /scim/Users/1 HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
	}
	bearer := func(key string) string { return get("Authorization: Bearer " + key) }
	post := func(lines ...string) string {
		return "POST /scim/Users HTTP/1.1\r\nHost: h\r\nContent-Type: application/scim+json\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
	}

	refused := map[string]string{
		"no key":                        get(),
		"a wrong key":                   bearer("wrong"),
		"a key that has expired":        bearer(oldKey),
		"the key of another path":       bearer(globexKey),
		"a key with a slash more":       bearer(testKey + "/"),
		"half a key":                    bearer(testKey[:20]),
		"two keys in one header":        bearer(testKey + ", Bearer " + testKey),
		"the word pasted too":           bearer("Bearer " + testKey),
		"another scheme":                get("Authorization: Basic " + testKey),
		"two headers":                   get("Authorization: Bearer "+testKey, "Authorization: Bearer "+testKey),
		"two headers, one wrong":        get("Authorization: Bearer wrong", "authorization: Bearer "+testKey),
		"a key in the query":            strings.Replace(get(), "/Users/1", "/Users/1?access_token="+testKey, 1),
		"and in the header":             strings.Replace(bearer(testKey), "/Users/1", "/Users/1?x=1&%61ccess_token=wrong", 1),
		"a key in a cookie":             get("Cookie: access_token=" + testKey),
		"a key in another header":       get("X-Api-Key: something"),
		"proxy's credentials":           get("Proxy-Authorization: Bearer " + testKey),
		"forged X-Forwarded-For":        get("Authorization: Bearer "+officeKey, "X-Forwarded-For: 192.0.2.1", "X-Real-Ip: 192.0.2.1"),
		"forged Forwarded":              get("Authorization: Bearer "+officeKey, "Forwarded: for=192.0.2.1", "Client-Ip: 192.0.2.1", "True-Client-Ip: 192.0.2.1"),
		"an identity from outside":      get("X-Forwarded-User: admin", "Remote-User: admin", "X-Remote-User: admin"),
		"Entra's own headers":           get("ADSCIMVersion: 5.0", "User-Agent: AzureAD"),
		"alg none":                      bearer("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."),
		"alg HS256 with the public key": bearer("eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0." + parts[1] + "." + parts[2]),
		"no signature":                  bearer(parts[0] + "." + parts[1] + "."),
		"another token's claims":        bearer(parts[0] + "." + strings.Split(claims(map[string]any{"x": 1}), ".")[1] + "." + parts[2]),
		"another tenant":                bearer(claims(map[string]any{"tid": elsewhere, "iss": "https://sts.windows.net/" + elsewhere + "/"})),
		"another audience":              bearer(claims(map[string]any{"aud": "00000002-0000-0000-c000-000000000000"})),
		"another application":           bearer(claims(map[string]any{"appid": elsewhere})),
		"a token of tomorrow":           bearer(claims(map[string]any{"nbf": time.Now().Add(24 * time.Hour).Unix()})),
		"a token of yesterday":          bearer(claims(map[string]any{"exp": time.Now().Add(-24 * time.Hour).Unix()})),
		"nested deeply":                 bearer("eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("W1tb", 1000) + ".x"),
		"a key of 12 KiB":               bearer(strings.Repeat("k", 12<<10)),
		"a body that never comes":       post("Content-Length: 1000000"),
		"a small one that never comes":  post("Content-Length: 10"),
		"a body larger than any":        post("Content-Length: 99999999999"),
		"chunks that never come":        post("Transfer-Encoding: chunked"),
		"a compressed body":             post("Content-Encoding: gzip", "Content-Length: 5") + "\x1f\x8b\x08\x00\x00",
		"another request in the body":   post("Content-Length: 80") + "GET /scim/Users/1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + testKey[:20] + "\r\n\r\n",
		"a method that is another":      post("X-Http-Method-Override: GET", "Content-Length: 0"),
		"bulk":                          strings.Replace(post("Content-Length: 0"), "/Users", "/Bulk", 1),
		"trace":                         "TRACE /scim/Users/1 HTTP/1.1\r\nHost: h\r\n\r\n",
		"a path that is none":           strings.Replace(get(), "/Users/1", "/nothing", 1),
		"discovery":                     strings.Replace(get(), "/Users/1", "/ServiceProviderConfig", 1),
		"the other tenant by dots":      strings.Replace(bearer(testKey), "/scim/Users/1", "/scim/..%2fglobex/Users/1", 1),
	}
	_, want, body := s.raw(get())
	for name, text := range refused {
		status, header, got := s.raw(text)
		header.Del("Date")
		header.Del("Connection") // closed where a body did not come
		want.Del("Date")
		if status != 401 || got != body || fmt.Sprint(header) != fmt.Sprint(want) {
			if name == "trace" && got == "" && status == 401 {
				continue
			}
			t.Errorf("%s: %d %q %v", name, status, got, header)
		}
	}
	broken := map[string]string{ // by Go's server, before any handler
		"two lengths":            post("Authorization: Bearer "+testKey, "Content-Length: 2", "Content-Length: 3") + "{} ",
		"a negative length":      post("Authorization: Bearer "+testKey, "Content-Length: -1"),
		"a control in a header":  get("Authorization: Bearer " + testKey + "\x00"),
		"a line end in a header": get("Authorization: Bearer " + testKey + "\rX: y"),
		"a space before a colon": get("Authorization : Bearer " + testKey),
		"unknown coding":         post("Authorization: Bearer "+testKey, "Transfer-Encoding: cow") + "{}",
	}
	for name, text := range broken {
		if status, _, _ := s.raw(text); status != 400 && status != 501 && status != 401 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if seen := rec.take(nil); len(seen) > 0 {
		t.Errorf("reached the upstream: %v", seen)
	}

	// With a key: what is compressed is not inflated, and of two lengths for one body the chunks count, so that what
	// follows is no second request.
	if status, _, _ := s.raw(post("Authorization: Bearer "+testKey, "Content-Encoding: gzip", "Content-Length: 5") + "\x1f\x8b\x08\x00\x00"); status != 415 {
		t.Errorf("a compressed body: %d", status)
	}
	smuggled := "0\r\n\r\nDELETE /scim/Users/2 HTTP/1.1\r\nHost: h\r\n\r\n"
	status, _, _ := s.raw(post("Authorization: Bearer "+testKey, fmt.Sprintf("Content-Length: %d", len(smuggled)), "Transfer-Encoding: chunked") + smuggled)
	if status != 400 {
		t.Errorf("a length and chunks: %d", status)
	}
	if seen := rec.take(nil); len(seen) > 0 {
		t.Errorf("reached the upstream: %v", seen)
	}
	for name, key := range map[string]string{"a genuine token": genuine, "a key": testKey} {
		if status, _, got := s.raw(bearer(key)); status != 200 {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}

	// Signing keys that nobody can read make no token wrong that they may prove.
	jwks.Close()
	rotated, err := entra.NewIssuer("k2")
	if err != nil {
		t.Fatal(err)
	}
	issuer = rotated
	if status, header, _ := s.raw(bearer(claims(nil))); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("a token that cannot be proved: %d", status)
	}
	if status, _, got := s.raw(bearer(claims(map[string]any{"tid": elsewhere}))); status != 401 || got != body {
		t.Errorf("a token that nothing could make right: %d", status)
	}
	if status, _, _ := s.raw(bearer(genuine)); status != 200 {
		t.Errorf("a token whose key is known: %d", status)
	}
}

// TestThrottledAddress: whoever fails too often is refused without a line for each, and whoever has a key at the same
// address is not.
func TestThrottledAddress(t *testing.T) {
	s := start(t, gateway(newRecorder(t).Listener.Addr().String(), "throttle 10 per 1h"))
	statuses := map[int]int{}
	for i := range 20 {
		status, header, _ := s.raw(fmt.Sprintf("GET /scim/Users HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong-%d\r\nX-Forwarded-For: 10.0.0.%d\r\n\r\n", i, i))
		statuses[status]++
		if status == 429 && header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if statuses[401] != 10 || statuses[429] != 10 {
		t.Errorf("got %v", statuses)
	}
	s.want("a key", testKey, 200)
	s.accessLog(11)
	if n := strings.Count(s.logs(), "no valid SCIM API key"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
