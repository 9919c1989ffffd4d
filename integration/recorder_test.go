package integration

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// recorder is a SCIM upstream that keeps what arrives and answers what it is told to.
type recorder struct {
	*httptest.Server

	mu     sync.Mutex
	seen   []recorded
	answer func(w http.ResponseWriter, r *http.Request, body []byte)
}

type recorded struct {
	Method, URI string
	Header      http.Header
	Body        []byte
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the upstream cannot read the body: %v", err)
		}
		rec.mu.Lock()
		rec.seen = append(rec.seen, recorded{r.Method, r.RequestURI, r.Header.Clone(), body})
		answer := rec.answer
		rec.mu.Unlock()
		if answer == nil {
			answer = plausible
		}
		answer(w, r, body)
	}))
	t.Cleanup(rec.Close)
	return rec
}

// take returns what arrived since the last call, and sets the answer to what comes next.
func (rec *recorder) take(answer func(http.ResponseWriter, *http.Request, []byte)) []recorded {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	seen := rec.seen
	rec.seen, rec.answer = nil, answer
	return seen
}

// plausible answers as a SCIM server does that has whatever it is asked for.
func plausible(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/scim+json")
	switch {
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(append([]byte(`{"id":"new-1",`), body[1:]...))
	case r.Method == http.MethodGet && r.URL.Query().Has("filter"):
		_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[],"startIndex":1,"itemsPerPage":0}`)
	default:
		user := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","userName":"a@example.com"}`
		if d, err := doc.Scan(body); err == nil && quirks.Deactivates(d) {
			user = strings.Replace(user, `"id"`, `"active":false,"id"`, 1)
		}
		_, _ = io.WriteString(w, user)
	}
}

// status answers a bare status with a body.
func status(code int, contentType, body string) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}
