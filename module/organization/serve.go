package organization

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"
)

// maxBody is the most that a body may have: twice what a group of 100,000 members takes.
const maxBody = 8 << 20

// request is what came to one of the routes.
type request struct {
	org   *store
	seats int
	id    guid // from the path; of nothing that exists when the path has no GUID there
	body  []byte
}

// bodyUse says what a route does with a body.
type bodyUse int

const (
	bodyIgnored bodyUse = iota
	bodyOptional
	bodyRequired
)

// endpoint carries a call out. The answer is nil (200 without a body), a *listing, bytes that are JSON already, or a
// value to encode.
type endpoint struct {
	run  func(*request) (any, error)
	body bodyUse
}

// routes are the paths below /public/, and their methods. accept and confirm are not part of Bitwarden's API.
var routes = map[string]map[string]endpoint{
	"members": {
		"GET":  {listMembers, bodyIgnored},
		"POST": {createMember, bodyRequired},
	},
	"members/{id}": {
		"GET":    {getMember, bodyIgnored},
		"PUT":    {updateMember, bodyRequired},
		"DELETE": {deleteMember, bodyIgnored},
	},
	"members/{id}/group-ids": {
		"GET": {getGroupIDs, bodyIgnored},
		"PUT": {setGroupIDs, bodyRequired},
	},
	"members/{id}/reinvite": {"POST": {reinviteMember, bodyIgnored}},
	"members/{id}/revoke":   {"POST": {revokeMember, bodyIgnored}},
	"members/{id}/restore":  {"POST": {restoreMember, bodyIgnored}},
	"members/{id}/accept":   {"POST": {acceptMember, bodyOptional}},
	"members/{id}/confirm":  {"POST": {confirmMember, bodyIgnored}},
	"groups": {
		"GET":  {listGroups, bodyIgnored},
		"POST": {createGroup, bodyRequired},
	},
	"groups/{id}": {
		"GET":    {getGroup, bodyIgnored},
		"PUT":    {updateGroup, bodyRequired},
		"DELETE": {deleteGroup, bodyIgnored},
	},
	"groups/{id}/member-ids": {
		"GET": {getMemberIDs, bodyIgnored},
		"PUT": {setMemberIDs, bodyRequired},
	},
	"organization/import": {"POST": {importDirectory, bodyRequired}},
}

// serve is the whole API: route, authorize, read, carry out, answer.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	// Paths are compared as the frameworks of the original do: in any case, with or without a slash at the end.
	path := strings.TrimSuffix(strings.ToLower(r.URL.Path), "/")
	if path == "/identity/connect/token" || path == "/connect/token" {
		h.serveToken(w, r)
		return
	}
	methods, id := find(path)
	if methods == nil {
		writeAPIError(w, &apiError{status: http.StatusNotFound, message: "Resource not found."})
		return
	}
	if !h.authorized(w, r) {
		return
	}
	e, ok := methods[r.Method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		writeAPIError(w, &apiError{status: http.StatusMethodNotAllowed, message: "Method not allowed."})
		return
	}
	answer, err := h.carryOut(w, r, e, id)
	if err != nil {
		h.fail(w, err)
		return
	}
	switch v := answer.(type) {
	case nil:
		writeEmpty(w, http.StatusOK)
	case *listing:
		v.write(w)
	case []byte:
		writeBytes(w, http.StatusOK, v)
	default:
		writeJSON(w, http.StatusOK, v)
	}
}

func (h *Handler) carryOut(w http.ResponseWriter, r *http.Request, e endpoint, id guid) (any, error) {
	c := &request{org: h.org.store, seats: h.Seats, id: id}
	if e.body != bodyIgnored {
		var err error
		if c.body, err = readBody(w, r); err != nil {
			return nil, err
		}
		if len(c.body) == 0 && e.body == bodyRequired {
			return nil, errEmptyBody
		}
	}
	return e.run(c)
}

// find returns the methods of a lower-case path, nil when there is no such route, and the id in it.
func find(path string) (map[string]endpoint, guid) {
	path = strings.TrimPrefix(path, "/api")
	rest, ok := strings.CutPrefix(path, "/public/")
	if !ok {
		return nil, guid{}
	}
	var id guid
	segments := strings.Split(rest, "/")
	if len(segments) > 1 && segments[0] != "organization" {
		// What is not a GUID is the id of nothing: the zero GUID, which is never given out.
		id, _ = parseGUID(segments[1])
		segments[1] = "{id}"
	}
	return routes[strings.Join(segments, "/")], id
}

// readBody reads what must be JSON within the limit.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := &apiError{status: http.StatusRequestEntityTooLarge, message: "Request body too large."}
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, badRequest("The request body could not be read.")
	}
	if len(body) == 0 {
		return nil, nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isJSON := kind == "application/json" || kind == "text/json" ||
		strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
	coding := r.Header.Get("Content-Encoding")
	if err != nil || !isJSON || coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &apiError{status: http.StatusUnsupportedMediaType, message: "Unsupported media type."}
	}
	return body, nil
}

// fail answers an error. What went wrong inside is logged, and not told.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	if r, ok := errors.AsType[*apiError](err); ok {
		writeAPIError(w, r)
		return
	}
	h.logger.Error("request failed", zap.String("store", h.file), zap.Error(err))
	writeAPIError(w, &apiError{status: http.StatusInternalServerError, message: "An unhandled server error has occurred."})
}
