package module

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

const (
	// tokenEndpoint is where clients get a token, below the SCIM root (Q10).
	tokenEndpoint = "/oauth2/token" //nolint:gosec // a path

	// maxForm is how large the form may be.
	maxForm = 8 << 10
)

// grant is the token endpoint of OAuth 2 for clients (RFC 6749 §4.4). Nothing of it is SCIM: a form comes, and errors are
// OAuth's.
func (h *Handler) grant(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	var refused *auth.Refusal
	var token *auth.Token
	var oauth *auth.OAuthError
	if form, err := readForm(w, r); err != nil {
		oauth = err
	} else {
		token, oauth, refused = h.keys.Grant(r, form, clientIP(r.Context()))
	}
	if refused != nil {
		if refused.Reason == auth.Throttled {
			h.keys.Throttle.Slow(r.Context())
		}
		h.refusal(r, refused, func(message string, fields ...zap.Field) {
			h.logger.Warn(message, append(fields, zap.String("op", "token"))...)
		})
	}
	header, status, body := w.Header(), http.StatusOK, any(token)
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	if oauth != nil {
		status, body = oauth.Status, oauth
		if status == http.StatusUnauthorized && len(r.Header["Authorization"]) > 0 {
			header.Set("WWW-Authenticate", `Basic realm="scim"`)
		}
		if status == http.StatusMethodNotAllowed {
			header.Set("Allow", http.MethodPost)
		}
		if oauth.RetryAfter > 0 {
			header.Set("Retry-After", strconv.Itoa(int(math.Ceil(oauth.RetryAfter.Seconds()))))
		}
	} else if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		id, _, _ := r.BasicAuth()
		repl.Set("http.auth.user.id", id)
	}
	h.metrics.observe(labels{"token", "create", status}, time.Since(start), 0, new(quirks.Account))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away is in the access log
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *auth.OAuthError) {
	refuse := func(status int, description string) (url.Values, *auth.OAuthError) {
		return nil, &auth.OAuthError{Status: status, Code: "invalid_request", Description: description}
	}
	unread := func(status int, description string) (url.Values, *auth.OAuthError) {
		if r.ProtoMajor == 1 && r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // or the server would wait for the body that nobody wants
		}
		return refuse(status, description)
	}
	if r.Method != http.MethodPost {
		return unread(http.StatusMethodNotAllowed, "a token is asked for with POST")
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return unread(http.StatusBadRequest, "the body is not application/x-www-form-urlencoded")
	}
	if r.ContentLength > maxForm {
		return unread(http.StatusRequestEntityTooLarge, "the form is too large")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return unread(http.StatusRequestEntityTooLarge, "the form is too large")
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "the form did not arrive whole")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse(http.StatusBadRequest, "the form is not understood")
	}
	return form, nil
}
