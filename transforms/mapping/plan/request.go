package plan

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Request is one HTTP request, complete but for the credential.
type Request struct {
	Method      string
	Path        string // escaped, with the query
	Header      []Header
	Body        []byte // nil for none
	ContentType string // empty without a body
	Auth        string // name of the auth; empty for none
}

// Header is a header field.
type Header struct{ Name, Value string }

// Body is how a body is sent.
type Body uint8

// The kinds of bodies.
const (
	NoBody Body = iota
	JSONBody
	FormBody
)

// Param is a named value.
type Param struct {
	Name     string
	Template template.Template
}

// Request makes the call's request.
func (c *Call) Request(env *template.Env) (Request, error) { return c.request(env, nil, "") }

// request makes a request with more parameters, or with another query instead of the call's own.
func (c *Call) request(env *template.Env, more []Header, query string) (Request, error) {
	r := Request{Method: c.Method, Auth: c.Auth}
	path, err := c.renderPath(env)
	if err != nil {
		return r, err
	}
	if query == "" {
		if query, err = c.renderQuery(env); err != nil {
			return r, err
		}
	}
	if c.Paging == nil || !c.Paging.InBody {
		for _, p := range more {
			query = join(query, p.Name, p.Value)
		}
		more = nil
	}
	if r.Path = path; query != "" {
		r.Path += "?" + query
	}
	for _, h := range c.Headers {
		text, err := h.Template.Text(env)
		if err != nil {
			return r, err
		}
		if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return r, scim.Errorf(400, scim.InvalidValue, "a value has control characters and cannot be sent in a header field")
		}
		r.Header = append(r.Header, Header{h.Name, text})
	}
	return r, c.renderBody(env, more, &r)
}

// renderPath makes the path. A value becomes a part of one segment and can neither be empty nor climb: a DELETE of "" or
// of ".." would hit another route than the operator meant.
func (c *Call) renderPath(env *template.Env) (string, error) {
	bad := false
	path, err := c.Path.Render(env, func(s string) string {
		bad = bad || s == "" || climbs(s)
		return template.Escape(s)
	})
	if err != nil {
		return "", err
	}
	for segment := range strings.SplitSeq(path, "/") {
		bad = bad || segment == "." || segment == ".."
	}
	if bad {
		return "", gone()
	}
	return path, nil
}

// climbs reports whether a server that decodes %2F before it cleans a path would leave the segment.
func climbs(s string) bool {
	for segment := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return strings.ContainsRune(s, 0)
}

func (c *Call) renderQuery(env *template.Env) (string, error) {
	query, err := c.RawQuery.Render(env, template.Escape)
	if err != nil {
		return "", err
	}
	for _, p := range c.Query {
		n, err := p.Template.Eval(env, false)
		if err != nil {
			return "", err
		}
		if n != nil {
			query = join(query, p.Name, template.TextOf(n))
		}
	}
	return query, nil
}

func join(query, name, text string) string {
	if query != "" {
		query += "&"
	}
	return query + template.Escape(name) + "=" + template.Escape(text)
}

// Document makes the document that the body of the call's request is made of. In a create what is missing is left out, so
// that the API's own default holds; anywhere else it is null, so that what was removed is removed.
func (c *Call) Document(env *template.Env) (doc.Value, error) {
	root := doc.NewObject().Value()
	switch c.From {
	case "":
	case "cur":
		root = env.Cur
	default:
		root = env.Vars[c.From]
	}
	if root.Kind() == doc.Invalid {
		return root, unmade(c.Where, "the body begins as a document that is not there")
	}
	return build(root, c.Edits, env, c.Verb == VerbCreate)
}

// renderBody makes the body.
func (c *Call) renderBody(env *template.Env, more []Header, r *Request) error {
	if c.Body == NoBody {
		return nil
	}
	root, err := c.Document(env)
	if err != nil {
		return err
	}
	for _, p := range more {
		v := doc.NewString(p.Value)
		if n, err := strconv.ParseInt(p.Value, 10, 64); err == nil && c.Paging.Counts() {
			v = doc.NewInt(n)
		}
		at := c.Paging.Place
		if p.Name == c.Paging.SizeParam {
			at = c.Paging.SizePlace
		}
		if root, err = root.With(at, v.Value()); err != nil {
			return unmade(c.Where, "%v", err)
		}
	}
	if c.Body == JSONBody {
		r.ContentType, r.Body = "application/json", root.Raw()
		return nil
	}
	form := ""
	for name, v := range root.Fields() {
		items := []doc.Value{v}
		if v.Kind() == doc.Array {
			items = slices.Collect(v.Items())
		}
		for _, item := range items {
			form = join(form, name.Text(), template.TextOf(doc.Tree(item)))
		}
	}
	r.ContentType, r.Body = "application/x-www-form-urlencoded", []byte(form)
	return nil
}

// lastSegment returns the last segment of a URL's path, decoded; what is no percent-encoding stays as it is.
func lastSegment(location string) string {
	location, _, _ = strings.Cut(location, "#")
	location, _, _ = strings.Cut(location, "?")
	location = strings.TrimRight(location, "/")
	segment := location[strings.LastIndexByte(location, '/')+1:]
	if decoded, err := url.PathUnescape(segment); err == nil {
		return decoded
	}
	return segment
}
