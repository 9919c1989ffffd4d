package module

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/caddy-scim/gateway/transforms/scim"
)

// maxURI is how many bytes a request's target may have. Caddy's own limit on all headers together is 16 KiB.
const maxURI = 8 << 10

// checkMedia refuses a body that the gateway would not read as the provider means it (Q3, H10): anything but
// JSON, and anything compressed, which would have to be inflated without knowing how far. untyped is asked where
// there is no Content-Type.
func checkMedia(h http.Header, untyped func() bool) error {
	for _, v := range h["Content-Encoding"] {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "identity") {
			return unsupported("the body is compressed: send it without Content-Encoding")
		}
	}
	values := h["Content-Type"]
	switch {
	case len(values) == 0 && untyped():
		return nil
	case len(values) != 1:
		return unsupported("one Content-Type is needed, application/scim+json")
	}
	switch values[0] {
	case "application/scim+json; charset=utf-8", scim.MediaType: // what Entra sends, and what RFC 7644 §8.1 says
		return nil
	}
	// A charset has no effect on JSON (RFC 8259 §11): whether the body is UTF-8 is seen when it is scanned.
	media, _, err := mime.ParseMediaType(values[0])
	if err != nil || media != scim.MediaType && media != "application/json" {
		return unsupported("the Content-Type is not application/scim+json")
	}
	return nil
}

func unsupported(detail string) error {
	return scim.Errorf(http.StatusUnsupportedMediaType, "", "%s", detail)
}

// readBody reads a body of at most limit bytes. A length that is announced is believed before anything is read.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead)) // with room to see the end
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	return buf.Bytes(), bodyError(err, limit)
}

func bodyError(err error, limit int64) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &scim.Error{Status: http.StatusRequestTimeout, Detail: "the body did not arrive in time", Cause: err}
	}
	return &scim.Error{Status: http.StatusBadRequest, Type: scim.InvalidSyntax, Detail: "the body did not arrive whole", Cause: err}
}

func tooLarge(limit int64) error {
	return scim.Errorf(http.StatusRequestEntityTooLarge, "", "the body is larger than %d bytes", limit)
}
