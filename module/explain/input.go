package explain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-scim/gateway/module/provlog"
)

// request is what somebody wants to have explained.
type request struct {
	Method, Target string
	Header         http.Header
	Body           []byte
	Guessed        bool // nobody said what method and path it has
}

// maxInput is how much is read.
const maxInput = 64 << 20

// requests reads what is given: a HAR, a JSON body, a record of the provisioning log as JSON, a row with method, path and body,
// or a request as it travels. method and path are the user's word for a body.
func requests(r io.Reader, method, path string) ([]*request, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxInput {
		return nil, fmt.Errorf("the input is longer than %d bytes", maxInput)
	}
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0 && method == "":
		return nil, errors.New("there is no input: give a request, a JSON body, a HAR, or --row")
	case method != "":
		return one(said(method, path, trimmed))
	case trimmed[0] != '{':
		if path != "" {
			return one(said(http.MethodPost, path, trimmed))
		}
		return one(raw(text))
	}
	var shape struct {
		Log *struct {
			Entries json.RawMessage `json:"entries"`
		} `json:"log"`
		Method, Path   string
		Verb, Resource string
		Time           string
	}
	switch err := json.Unmarshal(trimmed, &shape); {
	case err != nil: // no such thing: the gateway says what is wrong with it
	case shape.Log != nil && shape.Log.Entries != nil:
		return har(shape.Log.Entries)
	case shape.Method != "" && shape.Path != "":
		return one(spelled(trimmed))
	case shape.Verb != "" && shape.Resource != "" && shape.Time != "":
		r := new(provlog.Record)
		if err := json.Unmarshal(trimmed, r); err != nil {
			return nil, fmt.Errorf("the input is no record of the log: %w", err)
		}
		return one(row(r))
	}
	return one(guess(path, trimmed))
}

// spelled reads a request that is written down as an object: method, path, headers, and body as JSON or, where that is none,
// body_raw as text.
func spelled(text []byte) (*request, error) {
	var r struct {
		Method, Path string
		Headers      map[string]string
		Body         json.RawMessage
		BodyRaw      *string `json:"body_raw"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("the input is no request with method, path and body: %w", err)
	}
	if r.BodyRaw != nil {
		r.Body = []byte(*r.BodyRaw)
	}
	q, err := said(r.Method, r.Path, r.Body)
	if err != nil {
		return nil, err
	}
	if len(r.Headers) > 0 {
		q.Header = http.Header{}
	}
	for name, value := range r.Headers {
		q.Header.Set(name, value)
	}
	return q, nil
}

func one(q *request, err error) ([]*request, error) {
	if err != nil {
		return nil, err
	}
	return []*request{q}, nil
}

func said(method, path string, body []byte) (*request, error) {
	if path == "" {
		return nil, errors.New("--method needs --path, such as --path /Users/123")
	}
	if string(body) == "null" {
		body = nil
	}
	method = strings.ToUpper(method)
	return checked(&request{Method: method, Target: path, Header: http.Header{}, Body: body})
}

// checked returns a request that has a path and a method, and a media type where it has a body.
func checked(q *request) (*request, error) {
	u, err := url.ParseRequestURI(q.Target)
	if err != nil {
		return nil, fmt.Errorf("%q is no path such as /Users/123", q.Target)
	}
	if u.Host != "" {
		u.Scheme, u.Host = "", ""
		q.Target = u.String()
	}
	if !strings.HasPrefix(q.Target, "/") {
		return nil, fmt.Errorf("%q is no path such as /Users/123", q.Target)
	}
	if _, err := http.NewRequestWithContext(context.Background(), q.Method, q.Target, nil); err != nil {
		return nil, err
	}
	if len(q.Body) > 0 && q.Header.Get("Content-Type") == "" {
		q.Header.Set("Content-Type", "application/scim+json")
	}
	return q, nil
}

// raw reads a request as it travels. The body is all that follows the header, whatever Content-Length says.
func raw(text []byte) (*request, error) {
	text = bytes.TrimLeft(text, "\r\n")
	head, body := text, []byte(nil)
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if before, after, ok := bytes.Cut(text, []byte(end)); ok && len(before) < len(head) {
			head, body = before, after
		}
	}
	if line, _, _ := bytes.Cut(head, []byte("\n")); !bytes.Contains(line, []byte(" HTTP/")) {
		head = bytes.Join([][]byte{bytes.TrimRight(line, "\r "), []byte(" HTTP/1.1\r\n"), head[min(len(line)+1, len(head)):]}, nil)
	}
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))))
	if err != nil {
		return nil, fmt.Errorf("the input is neither JSON nor an HTTP request: %w", err)
	}
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Connection"} {
		r.Header.Del(name)
	}
	media := r.Header.Get("Content-Type")
	q, err := checked(&request{Method: r.Method, Target: r.RequestURI, Header: r.Header, Body: bytes.TrimRight(body, "\r\n")})
	if err == nil && media == "" {
		q.Header.Del("Content-Type") // a request without one is a request without one
	}
	return q, err
}

// guess finds out what a body may be the body of.
func guess(path string, body []byte) (*request, error) {
	var b struct {
		Schemas                  []string
		UserName, DisplayName    any
		Operations               []struct{ Path any }
		Members, Emails, Name    any
		AltOperations            []struct{ Path any } `json:"operations"`
		GroupType, ExternalGroup any
	}
	_ = json.Unmarshal(body, &b)
	resource := "/Users"
	group := b.UserName == nil && b.Emails == nil && b.Name == nil && (b.Members != nil || b.DisplayName != nil)
	for _, s := range b.Schemas {
		group = group || strings.HasSuffix(strings.ToLower(s), ":group") || strings.HasSuffix(strings.ToLower(s), "/group")
	}
	operations := append(b.Operations, b.AltOperations...)
	for _, op := range operations {
		if p, _ := op.Path.(string); strings.HasPrefix(strings.ToLower(p), "members") {
			group = true
		}
	}
	if group {
		resource = "/Groups"
	}
	method := http.MethodPost
	if len(operations) > 0 {
		method, resource = http.MethodPatch, resource+"/example"
	}
	q, err := said(method, resource, body)
	if err == nil && path != "" {
		q, err = said(method, path, body)
	}
	if err == nil {
		q.Guessed = path == ""
	}
	return q, err
}

type harEntry struct {
	Request struct {
		Method, URL string
		Headers     []struct{ Name, Value string }
		PostData    *struct{ Text string }
	} `json:"request"`
}

func har(text json.RawMessage) (all []*request, err error) {
	var entries []harEntry
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("the HAR is none: %w", err)
	}
	for i, e := range entries {
		q := &request{Method: e.Request.Method, Target: e.Request.URL, Header: http.Header{}}
		for _, h := range e.Request.Headers {
			if !strings.HasPrefix(h.Name, ":") { // pseudo-headers of HTTP/2
				q.Header.Add(h.Name, h.Value)
			}
		}
		q.Header.Del("Content-Length")
		if e.Request.PostData != nil {
			q.Body = []byte(e.Request.PostData.Text)
		}
		if q, err = checked(q); err != nil {
			return nil, fmt.Errorf("entry %d of the HAR: %w", i+1, err)
		}
		all = append(all, q)
	}
	if len(all) == 0 {
		return nil, errors.New("the HAR has no entries")
	}
	return all, nil
}

var methods = map[string]string{
	"list": http.MethodGet, "read": http.MethodGet, "create": http.MethodPost, "replace": http.MethodPut, "patch": http.MethodPatch, "delete": http.MethodDelete,
}

// row makes a request of a record of the log. Its values are as log_values has kept them.
func row(r *provlog.Record) (*request, error) {
	method := methods[r.Verb]
	if method == "" {
		return nil, fmt.Errorf("record %d is about no SCIM request that could be explained", r.ID)
	}
	target := "/" + r.Resource
	if r.Resource == "User" || r.Resource == "Group" {
		target += "s"
	}
	if r.Verb != "list" && r.Verb != "create" && r.Subject != "" {
		target += "/" + url.PathEscape(r.Subject)
	}
	var body []byte
	if d := r.Received; d != nil {
		if d.Query != "" {
			target += "?" + encoded(d.Query)
		}
		body = d.Body
		if len(body) == 0 && d.Bytes > 0 {
			return nil, fmt.Errorf("the log has not kept the document of record %d: it is too long, or log_values is none", r.ID)
		}
	}
	return said(method, target, body)
}

// encoded is a query that was decoded for reading.
func encoded(query string) string {
	var parts []string
	for part := range strings.SplitSeq(query, " & ") {
		name, value, _ := strings.Cut(part, "=")
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(parts, "&")
}
