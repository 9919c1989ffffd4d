package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/module/provlog"
)

//go:embed assets
var assets embed.FS

var templates = template.Must(template.New("").Funcs(words).ParseFS(assets, "assets/*.html"))

// page is one request for a page. What a template shows of it is in its exported fields.
type page struct {
	*Console
	w http.ResponseWriter
	r *http.Request

	User    string
	Org     string   // name of the organization that the page is about
	All     []string // names of all that may be seen
	Tab     string
	Title   string
	Problem string // why there is less to see than there should be
	Data    any

	gateway *module.Handler
	reader  *provlog.Reader
}

// Base returns the path of the organization's pages.
func (p *page) Base() string { return p.OrgURL(p.Org) }

// OrgURL returns the path of an organization's pages.
func (p *page) OrgURL(name string) string { return p.Path + "/" + url.PathEscape(name) }

// Token returns the value that shows a form to be the console's own.
func (p *page) Token() string { return p.token(p.User) }

// serve finds the page. The first segment is the organization, or one of the console's own assets.
func (p *page) serve(path string) error {
	if file, ok := strings.CutPrefix(path, "/-/"); ok {
		return p.asset(file)
	}
	for _, g := range p.gateways() {
		p.All = append(p.All, g.Name())
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if segments[0] == "" {
		if len(p.All) == 0 {
			return p.refuse(http.StatusNotFound, "There is no gateway", "No scim_gateway of this configuration may be shown here.")
		}
		http.Redirect(p.w, p.r, p.OrgURL(p.All[0])+"/now", http.StatusSeeOther)
		return nil
	}
	for _, g := range p.gateways() {
		if g.Name() == segments[0] {
			p.gateway, p.Org = g, g.Name()
		}
	}
	if p.gateway == nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is no such organization.")
	}
	done, err := p.open()
	if err != nil {
		if p.Problem == "" {
			p.Problem = "The provisioning log cannot be read. Caddy's log says why."
		}
		p.logger.Error("reading the provisioning log for the console", zap.Error(err))
	}
	defer done()
	return p.route(segments[1:])
}

// open opens the log for this organization and no other.
func (p *page) open() (func(), error) {
	nothing := func() {}
	sink := p.gateway.Records()
	if sink == nil || sink.Log().File() == "" {
		p.Problem = "This organization keeps no provisioning log: put provisioning_log into its scim_gateway."
		return nothing, nil
	}
	sink.Flush() // what has just happened is shown too, and that it could not be written
	if problems := sink.Log().State().Problems; len(problems) > 0 {
		p.Problem = "The provisioning log cannot be written: what is here is not all that happened."
	}
	r, err := provlog.OpenReader(sink.Log().File(), p.Org)
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, nil // nothing happened yet
	}
	if err != nil {
		return nothing, err
	}
	p.reader = r
	return func() { _ = r.Close() }, nil
}

func (p *page) route(path []string) error {
	if p.r.Method == http.MethodPost {
		return p.act(path)
	}
	id := ""
	if len(path) == 2 {
		id = path[1]
	}
	if len(path) == 0 {
		path = []string{"now"}
	}
	if len(path) > 2 {
		path = []string{""}
	}
	ctx := p.r.Context()
	switch {
	case path[0] == "now" && id == "":
		return p.nowPage(ctx)
	case path[0] == "organization" && id == "":
		return p.organizationPage(ctx)
	case path[0] == "drift" && id == "":
		return p.driftPage()
	case path[0] == "dry-run" && id == "":
		return p.dryRunPage()
	case path[0] == "log" && id == "live":
		return p.live(ctx)
	case path[0] == "log" && id == "":
		return p.logPage(ctx)
	case path[0] == "log":
		return p.recordPage(ctx, id)
	case path[0] == "people" && id == "":
		return p.listPage(ctx, "User")
	case path[0] == "groups" && id == "":
		return p.listPage(ctx, "Group")
	case path[0] == "people", path[0] == "groups":
		return p.storyPage(ctx, path[0], id)
	}
	return p.refuse(http.StatusNotFound, "Not found", "There is no such page.")
}

// show writes a page. A template that fails writes nothing of it.
func (p *page) show(status int, name string) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, p); err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	p.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	p.w.WriteHeader(status)
	_, err := p.w.Write(b.Bytes())
	return err
}

// refuse says why there is no page.
func (p *page) refuse(status int, title, text string) error {
	p.Title, p.Data = title, text
	return p.show(status, "refused.html")
}

// fail is for what went wrong while reading: the log says what, the page that it did.
func (p *page) fail(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	p.logger.Error("the console", zap.Error(err))
	return p.refuse(http.StatusInternalServerError, "The provisioning log cannot be read", "Caddy's log says why.")
}

func (p *page) asset(name string) error {
	types := map[string]string{"style.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"}
	text, err := assets.ReadFile("assets/" + name)
	if types[name] == "" || err != nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is no such file.")
	}
	p.w.Header().Set("Content-Type", types[name])
	p.w.Header().Set("Cache-Control", "max-age=300")
	_, err = p.w.Write(text) //nolint:gosec // one of two files of its own
	return err
}
