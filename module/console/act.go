package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/auth"
	"github.com/caddy-scim/gateway/module/keys"
)

// keep is how long the old key is valid beside the one that takes its place.
const keep = 7 * 24 * time.Hour

// act changes something. Whoever gets here has a page of this console. What it came to is on the page that is shown next.
func (p *page) act(path []string) error {
	if len(path) == 2 && path[0] == "drift" && path[1] == "compare" {
		return p.compare(p.r.Context())
	}
	org := p.gateway.KeyRing()
	if len(path) != 2 || path[0] != "organization" || org == nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is nothing to change here.")
	}
	ctx, name, section := p.r.Context(), strings.TrimSpace(p.r.PostFormValue("name")), ""
	var made keys.Info
	var err error
	secret := ""
	switch path[1] {
	case "new":
		secret = auth.Generate()
		made, err = org.New(ctx, keys.Record{Key: auth.Key{Name: name, Key: secret}})
	case "rotate":
		secret = auth.Generate()
		made, err = org.Rotate(ctx, name, secret, "", keep)
	case "revoke":
		err = org.Revoke(ctx, name, time.Time{})
	case "pause", "resume":
		_, err = org.Set(ctx, func(s keys.State) keys.State { s.Paused = path[1] == "pause"; return s })
	case "guard":
		section = "#guard"
		err = p.release(ctx)
	default:
		return p.refuse(http.StatusNotFound, "Not found", "There is nothing to change here.")
	}
	p.logger.Info("the console changed something", zap.String("what", path[1]), zap.String("organization", p.Org), zap.String("user", p.User), zap.Error(err))
	if err == nil && secret != "" {
		return p.organization(ctx, &fresh{made.Name, secret})
	}
	return p.acted(err, http.StatusBadRequest, "/organization"+section)
}

// acted shows what became of an action: the page that is next, or why it was not done. What is said of another mistake than that of
// who asks is in the log alone.
func (p *page) acted(err error, status int, next string) error {
	if err == nil {
		http.Redirect(p.w, p.r, p.Base()+next, http.StatusSeeOther)
		return nil
	}
	text := "Caddy's log says why."
	if known, ok := errors.AsType[caddy.APIError](err); ok && known.Err != nil && known.HTTPStatus < http.StatusInternalServerError {
		text = known.Err.Error()
	}
	return p.refuse(status, "That was not done", text)
}

// fresh is a key that was just made: it is shown this once.
type fresh struct{ Name, Secret string }
