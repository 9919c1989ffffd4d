package provision

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// bitwarden is the part of Bitwarden's public API that matters here, its traps included: lists without filters, a PUT
// that resets what it is not given, memberships replaced as a whole, unknown members dropped without a word.
type bitwarden struct {
	mu      sync.Mutex
	n       int
	members []map[string]any
	groups  []map[string]any
	in      map[string][]string // member ids by group id
	token   string
	tokens  int
	logins  int         // those that were refused, too
	secret  string      // the one that is right; empty for the usual one
	asked   http.Header // of the last request for a token
	calls   []string    // "METHOD /path"

	idOf func(email string) string // of new members, where ids are names
	// groupID makes the ids of groups of their names, where it is there.
	groupID      func(name string) string
	uniqueGroups bool // a second group of the same name is refused
	// fault answers a call instead of the organization; nil lets it through.
	fault func(r *http.Request) *upstream.Answer
	// onCall is told of each call before it is made.
	onCall func(call string)
	// after runs when a call has been carried out; an answer replaces the real one.
	after func(r *http.Request) *upstream.Answer
}

func newBitwarden() *bitwarden { return &bitwarden{in: map[string][]string{}} }

func (b *bitwarden) RoundTripper() http.RoundTripper { return roundTrip{b} }

func (b *bitwarden) Account() *quirks.Account { return nil }

type roundTrip struct{ b *bitwarden }

func (t roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	t.b.serve(rec, r)
	return rec.Result(), nil
}

// Do implements caller.
func (b *bitwarden) Do(ctx context.Context, call upstream.Call) (*upstream.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, &scim.Error{Status: upstream.StatusCanceled, Cause: err}
	}
	r := httptest.NewRequest(call.Method, "http://bw.example"+call.Path, strings.NewReader(string(call.Body))).WithContext(ctx)
	maps.Copy(r.Header, call.Header)
	if b.onCall != nil {
		b.onCall(call.Method + " " + call.Path)
	}
	if b.fault != nil {
		if a := b.fault(r); a != nil {
			b.record(r)
			return a, nil
		}
	}
	rec := httptest.NewRecorder()
	b.serve(rec, r)
	if err := ctx.Err(); err != nil { // carried out, and nobody is told
		return nil, &scim.Error{Status: upstream.StatusCanceled, Cause: err}
	}
	if b.after != nil {
		if a := b.after(r); a != nil {
			return a, nil
		}
	}
	return &upstream.Answer{Status: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}, nil
}

func (b *bitwarden) record(r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, r.Method+" "+r.URL.Path)
}

// took returns the calls since the last time, without those for tokens.
func (b *bitwarden) took() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls
	b.calls = nil
	return calls
}

func (b *bitwarden) id() string {
	b.n++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", b.n, b.n)
}

func (b *bitwarden) memberID(email string) string {
	if b.idOf != nil {
		return b.idOf(email)
	}
	return b.id()
}

func (b *bitwarden) serve(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v any) {
		if v == nil {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	refuse := func(message string) {
		answer(400, map[string]any{"object": "error", "message": message, "errors": nil})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.URL.Path == "/identity/connect/token" {
		_ = r.ParseForm()
		b.logins++
		b.asked = r.Header
		if r.PostForm.Get("client_id") != "organization.1" || r.PostForm.Get("client_secret") != cmp.Or(b.secret, "secret") {
			answer(400, map[string]string{"error": "invalid_client"})
			return
		}
		b.tokens++
		b.token = fmt.Sprint("token", b.tokens)
		answer(200, map[string]any{"access_token": b.token, "expires_in": 3600, "token_type": "Bearer"})
		return
	}
	b.calls = append(b.calls, r.Method+" "+r.URL.Path)
	if b.token == "" || r.Header.Get("Authorization") != "Bearer "+b.token {
		answer(401, nil)
		return
	}
	var body map[string]any
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/public/"), "/")
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i])
	}
	find := func(list []map[string]any) (int, map[string]any) {
		i := slices.IndexFunc(list, func(m map[string]any) bool { return m["id"] == parts[1] })
		if i < 0 {
			answer(404, nil)
			return -1, nil
		}
		return i, list[i]
	}
	// Ways to change members that Bitwarden does not have and others do.
	if len(parts) >= 3 && parts[0] == "groups" && parts[2] == "members" {
		if _, g := find(b.groups); g == nil {
			return
		}
		in := func(id string) bool { return slices.Contains(b.in[parts[1]], id) }
		is := func(id string) bool {
			return slices.ContainsFunc(b.members, func(m map[string]any) bool { return m["id"] == id })
		}
		var ids []string
		if len(parts) == 4 && r.Method != http.MethodPost {
			ids = parts[3:]
		}
		if list, ok := body["ids"].([]any); ok {
			for _, id := range list {
				ids = append(ids, id.(string))
			}
		}
		for _, id := range ids {
			switch {
			case r.Method == http.MethodDelete && !in(id):
				answer(404, nil)
				return
			case r.Method == http.MethodDelete, r.Method == http.MethodPost && parts[len(parts)-1] == "remove":
				b.in[parts[1]] = slices.DeleteFunc(b.in[parts[1]], func(o string) bool { return o == id })
			case !is(id):
				refuse("no such member")
				return
			case !in(id):
				b.in[parts[1]] = append(b.in[parts[1]], id)
			}
		}
		answer(204, nil)
		return
	}
	if parts[0] == "memberships" {
		b.serveMemberships(r.Method, parts, body, answer)
		return
	}
	switch route := r.Method + " " + parts[0] + strings.Repeat("/x", min(1, len(parts)-1)) + strings.Join(parts[min(2, len(parts)):], "/"); route {
	case "GET members":
		answer(200, map[string]any{"object": "list", "data": b.members})
	case "GET groups":
		answer(200, map[string]any{"object": "list", "data": b.groups})
	case "POST members":
		for _, m := range b.members {
			if m["email"] == schema.Fold(body["email"].(string)) {
				refuse("This user has already been invited.")
				return
			}
		}
		m := map[string]any{
			"object": "member", "id": b.memberID(body["email"].(string)), "userId": nil, "name": nil, "email": schema.Fold(body["email"].(string)),
			"status": 0, "type": body["type"], "externalId": body["externalId"], "collections": body["collections"],
		}
		b.members = append(b.members, m)
		answer(200, m)
	case "GET members/x":
		if _, m := find(b.members); m != nil {
			answer(200, m)
		}
	case "GET members/xgroup-ids":
		if _, m := find(b.members); m != nil {
			ids := []string{}
			for g, members := range b.in {
				if slices.Contains(members, parts[1]) {
					ids = append(ids, g)
				}
			}
			answer(200, ids)
		}
	case "PUT members/x":
		if _, m := find(b.members); m != nil {
			if body["type"] == nil {
				refuse("The request's model state is invalid.")
				return
			}
			m["type"], m["externalId"], m["collections"] = body["type"], body["externalId"], body["collections"]
			if email, ok := body["email"].(string); ok { // as other organizations have it
				m["email"] = email
				if was := m["id"]; b.idOf != nil {
					id := b.idOf(email)
					for _, members := range b.in {
						if i := slices.Index(members, was.(string)); i >= 0 {
							members[i] = id
						}
					}
					m["id"] = id
				}
			}
			if groups, ok := body["groups"].([]any); ok {
				for g, members := range b.in {
					b.in[g] = slices.DeleteFunc(members, func(id string) bool { return id == parts[1] })
				}
				for _, g := range groups {
					b.in[g.(string)] = append(b.in[g.(string)], parts[1])
				}
			}
			answer(200, m)
		}
	case "POST members/xrevoke":
		if _, m := find(b.members); m != nil {
			if m["status"] == -1 {
				refuse("Already revoked.")
				return
			}
			m["before"], m["status"] = m["status"], -1
			answer(200, nil)
		}
	case "POST members/xrestore":
		if _, m := find(b.members); m != nil {
			if m["status"] != -1 {
				refuse("Already active.")
				return
			}
			m["status"] = m["before"]
			answer(200, nil)
		}
	case "POST members/xreinvite":
		if _, m := find(b.members); m != nil {
			answer(200, nil)
		}
	case "DELETE members/x":
		if i, m := find(b.members); m != nil {
			b.members = slices.Delete(b.members, i, i+1)
			for g, members := range b.in {
				b.in[g] = slices.DeleteFunc(members, func(id string) bool { return id == parts[1] })
			}
			answer(200, nil)
		}
	case "POST groups":
		if b.uniqueGroups && slices.ContainsFunc(b.groups, func(g map[string]any) bool { return g["name"] == body["name"] }) {
			answer(409, nil)
			return
		}
		id := b.id()
		if b.groupID != nil {
			id = b.groupID(body["name"].(string))
		}
		g := map[string]any{"object": "group", "id": id, "name": body["name"], "externalId": body["externalId"], "collections": body["collections"]}
		b.groups = append(b.groups, g)
		answer(200, g)
	case "GET groups/x":
		if _, g := find(b.groups); g != nil {
			g["memberIds"] = append([]string{}, b.in[parts[1]]...)
			answer(200, g)
		}
	case "PUT groups/x":
		if _, g := find(b.groups); g != nil {
			g["name"], g["externalId"] = body["name"], body["externalId"]
			if b.groupID != nil {
				id, members := b.groupID(body["name"].(string)), b.in[parts[1]]
				delete(b.in, parts[1])
				g["id"], b.in[id] = id, members
			}
			answer(200, g)
		}
	case "DELETE groups/x":
		if i, g := find(b.groups); g != nil {
			b.groups = slices.Delete(b.groups, i, i+1)
			delete(b.in, parts[1])
			answer(200, nil)
		}
	case "GET groups/xmember-ids":
		if _, g := find(b.groups); g != nil {
			answer(200, append([]string{}, b.in[parts[1]]...))
		}
	case "PUT groups/xmember-ids":
		if _, g := find(b.groups); g != nil {
			ids := []string{}
			for _, id := range body["memberIds"].([]any) {
				if slices.ContainsFunc(b.members, func(m map[string]any) bool { return m["id"] == id }) && !slices.Contains(ids, id.(string)) {
					ids = append(ids, id.(string))
				}
			}
			b.in[parts[1]] = ids
			answer(200, nil)
		}
	default:
		answer(404, map[string]any{"object": "error", "message": "Resource not found.", "route": route})
	}
}

// serveMemberships is the way of organizations in which a membership has an id of its own.
func (b *bitwarden) serveMemberships(method string, parts []string, body map[string]any, answer func(int, any)) {
	switch method {
	case http.MethodGet:
		list := []map[string]string{}
		for g, members := range b.in {
			for _, m := range members {
				list = append(list, map[string]string{"id": g + " " + m, "group": g, "user": m})
			}
		}
		answer(200, list)
	case http.MethodPost:
		g := body["group"].(string)
		b.in[g] = append(b.in[g], body["user"].(string))
		answer(201, map[string]any{})
	case http.MethodDelete:
		g, m, _ := strings.Cut(parts[1], " ")
		b.in[g] = slices.DeleteFunc(b.in[g], func(id string) bool { return id == m })
		answer(204, nil)
	}
}

// member is a member as the organization holds it.
func (b *bitwarden) member(t *testing.T, id string) map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members {
		if m["id"] == id {
			return m
		}
	}
	return nil
}

func (b *bitwarden) membersOf(group string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.in[group]))
}
