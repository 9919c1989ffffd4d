package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// jsonAPI is the API of an organization, at which tests look past the gateway.
type jsonAPI struct {
	base   string      // what every path is below
	header http.Header // with the credentials
	http   *http.Client
}

// do calls the API, with a body and into a value where there are some, and fails the test unless it answers with success.
func (a *jsonAPI) do(t *testing.T, method, path string, body, into any) {
	t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, a.base+path, payload)
	if err != nil {
		t.Fatal(err)
	}
	if a.header != nil {
		req.Header = a.header.Clone()
	}
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := a.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}
