package organization

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

const contentType = "application/json; charset=utf-8"

// problems are what is wrong with a body, by field.
type problems map[string][]string

func (p problems) add(field, text string) { p[field] = append(p[field], text) }

// apiError is an error that the client is told about.
type apiError struct {
	status  int
	message string // empty: an answer without a body
	errors  problems
}

func (r *apiError) Error() string { return r.message }

var (
	// errNotFound is what the API answers when the thing in the path does not exist: 404 without a body.
	errNotFound = &apiError{status: http.StatusNotFound}

	errInvited     = badRequest("This user has already been invited.")
	errRevoked     = badRequest("Already revoked.")
	errActive      = badRequest("Already active.")
	errUserInvalid = badRequest("User invalid.")
	errLastOwner   = badRequest("Organization must have at least one confirmed owner.")
	errSeats       = badRequest("Seat limit has been reached.")
	errTooMuch     = badRequest("You cannot import this much data at once.")
	errEmptyBody   = badRequest("Body is empty.")
	errNoManage    = badRequest("The Manage property is mutually exclusive and cannot be true while the ReadOnly or HidePasswords properties are also true.")
)

func badRequest(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, message: message}
}

// err returns the refusal of a body in which these problems were found, nil when none were.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &apiError{http.StatusBadRequest, "The request's model state is invalid.", p}
}

// writeAPIError writes {"object":"error","message":…,"errors":…}; errors is null when there are none by field.
func writeAPIError(w http.ResponseWriter, r *apiError) {
	if r.message == "" {
		writeEmpty(w, r.status)
		return
	}
	writeJSON(w, r.status, struct {
		Object  string   `json:"object"`
		Message string   `json:"message"`
		Errors  problems `json:"errors"`
	}{"error", r.message, r.errors})
}

func writeEmpty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := encode(v)
	if err != nil {
		// Only values of this package get here, all of which can be encoded.
		panic(err)
	}
	writeBytes(w, status, b)
}

func writeBytes(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) //nolint:gosec // JSON, and labeled so: no browser runs it
}

// encode is json.Marshal without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
