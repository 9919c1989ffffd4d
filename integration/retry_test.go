package integration

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-scim/gateway/integration/entra"
)

// A request with a body goes whole to the second backend: where the first one cannot be reached, and where it took the request
// and hung up and lb_retry_match lets it be sent again.
func TestABodyIsSentToTheSecondBackend(t *testing.T) {
	hangsUp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(hangsUp.Close)
	for name, test := range map[string]struct{ first, match string }{
		"not reached": {first: freeAddr(t)},
		"hung up":     {first: hangsUp.Listener.Addr().String(), match: "lb_retry_match {\n\t\t\tmethod POST\n\t\t}"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = string(body)
				w.Header().Set("Content-Type", "application/scim+json")
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, strings.Replace(got, "{", `{"id":"1",`, 1))
			}))
			t.Cleanup(second.Close)
			s := start(t, gateway(test.first+" "+second.Listener.Addr().String(), "upstream scim /scim\n\t\tlb_policy first\n\t\tfail_duration 10s\n\t\tlb_retries 1\n\t\t"+test.match))
			res, err := s.entra("/scim").Create(entra.User{UserName: "a@example.com", DisplayName: strings.Repeat("long ", 40000)})
			if err != nil || res.Status != http.StatusCreated || !strings.Contains(got, strings.Repeat("long ", 40000)) {
				t.Errorf("%v %.200s; %d bytes arrived", err, res.Raw, len(got))
			}
		})
	}
}
