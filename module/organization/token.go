package organization

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	tokenLifetime = time.Hour
	tokenScope    = "api.organization"
	// maxTokens bounds what a client can take up that asks for a token before every call; the oldest goes first.
	maxTokens = 4096
)

// tokens are the access tokens that are valid now. They live in memory only, as hashes: a restart makes every
// client fetch a new one, which clients must be able to do anyway.
type tokens struct {
	mu     sync.Mutex
	issued []token // oldest first, so also in the order in which they expire
}

type token struct {
	hash    [sha256.Size]byte
	client  client // a token does not outlive the credentials it was handed out for
	expires time.Time
}

// issue makes a new token for c.
func (t *tokens) issue(c client, now time.Time) string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	text := base64.RawURLEncoding.EncodeToString(random[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(now)
	if len(t.issued) >= maxTokens {
		t.issued = slices.Delete(t.issued, 0, len(t.issued)-maxTokens+1)
	}
	t.issued = append(t.issued, token{sha256.Sum256([]byte(text)), c, now.Add(tokenLifetime)})
	return text
}

// valid reports whether text is a token of c that has not expired.
func (t *tokens) valid(text string, c client, now time.Time) bool {
	// What is compared is the hash of a random value: the time this takes says nothing about the tokens.
	hash := sha256.Sum256([]byte(text))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(now)
	return slices.ContainsFunc(t.issued, func(k token) bool { return k.hash == hash && k.client == c })
}

func (t *tokens) prune(now time.Time) {
	expired := 0
	for expired < len(t.issued) && !now.Before(t.issued[expired].expires) {
		expired++
	}
	t.issued = slices.Delete(t.issued, 0, expired)
}

// authorized reports whether the request carries exactly one valid bearer token, and answers it with 401 when not.
// The answer tells a missing token from a wrong one as RFC 6750 §3.1 asks, and has no body.
func (h *Handler) authorized(w http.ResponseWriter, r *http.Request) bool {
	headers := r.Header.Values("Authorization")
	challenge := "Bearer"
	if len(headers) > 0 {
		scheme, text, _ := strings.Cut(headers[0], " ")
		if len(headers) == 1 && strings.EqualFold(scheme, "Bearer") && h.org.tokens.valid(strings.TrimSpace(text), h.client, time.Now()) {
			return true
		}
		challenge = `Bearer error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// serveToken is the token endpoint: RFC 6749 §4.4, client credentials in the form or in a Basic header.
func (h *Handler) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeAPIError(w, &apiError{status: http.StatusMethodNotAllowed, message: "Method not allowed."})
		return
	}
	refuse := func(code string) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": code})
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		refuse("invalid_request")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		refuse("invalid_request")
		return
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		id, secret = formDecoded(user), formDecoded(pass)
	}
	switch {
	case !h.client.is(id, secret):
		refuse("invalid_client")
	case r.PostForm.Get("grant_type") != "client_credentials":
		refuse("unsupported_grant_type")
	case !scopeAllowed(r.PostForm):
		refuse("invalid_scope")
	default:
		writeJSON(w, http.StatusOK, struct {
			AccessToken string `json:"access_token"`
			ExpiresIn   int    `json:"expires_in"`
			TokenType   string `json:"token_type"`
			Scope       string `json:"scope"`
		}{h.org.tokens.issue(h.client, time.Now()), int(tokenLifetime / time.Second), "Bearer", tokenScope})
	}
}

// scopeAllowed reports whether no other scope than the one there is was asked for. Asking for none asks for all
// that the client may have (RFC 6749 §3.3).
func scopeAllowed(form url.Values) bool {
	for scope := range strings.FieldsSeq(form.Get("scope")) {
		if scope != tokenScope {
			return false
		}
	}
	return true
}

// formDecoded undoes the encoding that RFC 6749 §2.3.1 puts under that of the Basic scheme.
func formDecoded(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}
