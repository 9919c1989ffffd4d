package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// saboteur stands between a gateway and an organization, counts the calls, and spoils one of them.
type saboteur struct {
	org http.Handler

	mu    sync.Mutex
	only  string // count only calls that begin like this: method, space and path
	calls int    // so far
	from  int    // the numbers of the calls to spoil, the first is 1; 0 for none
	to    int
	how   sabotage
}

// sabotage is a way to spoil a call. pass carries it out and is what would have been answered.
type sabotage struct {
	name string
	do   func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder)
}

func (s *saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	spoil := strings.HasPrefix(r.Method+" "+r.URL.Path, s.only)
	if spoil {
		s.calls++
		spoil = s.calls >= s.from && s.calls <= s.to
	}
	s.mu.Unlock()
	if !spoil {
		s.org.ServeHTTP(w, r)
		return
	}
	s.how.do(w, func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		s.org.ServeHTTP(rec, r)
		return rec
	})
}

// spoil makes the n-th call from now on go wrong.
func (s *saboteur) spoil(n int, how sabotage) { s.spoilAll(n, n, how) }

// burst makes the next n calls go wrong.
func (s *saboteur) burst(n int, how sabotage) { s.spoilAll(1, n, how) }

func (s *saboteur) spoilAll(from, to int, how sabotage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.from, s.to, s.how = 0, from, to, how
}

// made is how many calls there were.
func (s *saboteur) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// hangUp closes the connection, with a part of an answer before that or without.
func hangUp(w http.ResponseWriter, part string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, part)
	_ = conn.Close()
}

func plain(status int, contentType, body string) func(http.ResponseWriter, func() *httptest.ResponseRecorder) {
	return func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// sabotages are the ways in which a single call goes wrong: before the organization has done anything, and after it has
// done what it was asked for.
var sabotages = []sabotage{
	{"cut before", func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) { hangUp(w, "") }},
	{"cut after", func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) { pass(); hangUp(w, "") }},
	{"half an answer", func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		rec := pass()
		body := rec.Body.String()
		hangUp(w, fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", rec.Code, len(body)+1, body[:len(body)/2]))
	}},
	{"500 before", plain(500, "application/json", `{"message":"db01.internal failed"}`)},
	{"503 after", func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		pass()
		plain(503, "text/html", "<html>db01.internal is busy</html>")(w, nil)
	}},
	{"429", plain(429, "application/json", `{}`)},
	{"a page to log in", plain(200, "text/html", "<!doctype html><html>log in</html>")},
}

// saidSuccess is an error that is called success, as the API of one's own has them.
var saidSuccess = sabotage{"an error that is called success", plain(200, "application/json", `{"error":{"code":"busy","text":"db01.internal"}}`)}
