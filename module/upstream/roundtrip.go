package upstream

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// RoundTripper lets an http.Client use the next handler, so that a token endpoint is reached over the same route,
// balancing and TLS as everything else. The URL's host, where it has one, becomes the Host of the call.
func (c *Caller) RoundTripper() http.RoundTripper { return roundTripper{c} }

type roundTripper struct{ c *Caller }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	call := Call{Name: "token", Method: r.Method, Path: r.URL.RequestURI(), Host: r.URL.Host, Header: r.Header, Reads: true}
	if !strings.HasPrefix(call.Path, "/") {
		call.Path = "/" + call.Path
	}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		call.Body = body
	}
	a, err := t.c.Do(r.Context(), call)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(a.Status) + " " + http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)), Request: r,
	}, nil
}
