// Package entra speaks SCIM as Microsoft Entra ID's provisioning service does: the requests below have the shapes of
// its documentation and of recorded traffic, in both dialects (with and without the feature flag aadOptscim062020).
package entra

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client is one enterprise application's provisioning job.
type Client struct {
	TenantURL string // as typed into the portal, without a slash at the end
	Secret    string // the Secret Token
	Flag      bool   // the dialect of ?aadOptscim062020
	HTTP      *http.Client
}

// Response is what came back.
type Response struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil without a body
}

// ID is the resource's id.
func (r *Response) ID() string { return r.String("id") }

// String is a top-level attribute as text.
func (r *Response) String(name string) string {
	s, _ := r.Body[name].(string)
	return s
}

// Total is totalResults of a list, -1 where the answer is none.
func (r *Response) Total() int {
	n, ok := r.Body["totalResults"].(float64)
	if !ok {
		return -1
	}
	return int(n)
}

// First is the first resource of a list.
func (r *Response) First() map[string]any {
	list, _ := r.Body["Resources"].([]any)
	if len(list) == 0 {
		return nil
	}
	m, _ := list[0].(map[string]any)
	return m
}

// Do sends one request: with a text as it is, or anything else as JSON. Without a body, nil or an empty text, it carries no
// Content-Type, as Entra's reads do.
func (c *Client) Do(method, path string, body any) (*Response, error) {
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		payload = bytes.NewReader(b)
	case string:
		if b != "" {
			payload = strings.NewReader(b)
		}
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, c.TenantURL+path, payload)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Secret)
	req.Header.Set("ADSCIMVersion", "5.0")
	req.Header["User-Agent"] = nil
	if payload != nil {
		req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := &Response{Status: res.StatusCode, Header: res.Header}
	if out.Raw, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	if len(out.Raw) > 0 {
		if err := json.Unmarshal(out.Raw, &out.Body); err != nil {
			return nil, fmt.Errorf("%s %s answered %d with what is no JSON object: %q", method, path, res.StatusCode, out.Raw)
		}
	}
	return out, nil
}

// Find asks for the resources with one value of the matching attribute, form-encoded as Microsoft's library does it.
func (c *Client) Find(endpoint, attribute, value string) (*Response, error) {
	filter := url.QueryEscape(attribute + ` eq "` + value + `"`)
	query := "?filter=" + filter
	if endpoint == "/Groups" {
		query = "?excludedAttributes=members&filter=" + filter
	}
	return c.Do(http.MethodGet, endpoint+query, nil)
}

// Read gets a resource by id, groups without their members.
func (c *Client) Read(endpoint, id string) (*Response, error) {
	path := endpoint + "/" + url.PathEscape(id)
	if endpoint == "/Groups" {
		path += "?excludedAttributes=members"
	}
	return c.Do(http.MethodGet, path, nil)
}

// Delete is the hard delete of a resource.
func (c *Client) Delete(endpoint, id string) (*Response, error) {
	return c.Do(http.MethodDelete, endpoint+"/"+url.PathEscape(id), nil)
}
