//go:build real

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestRedmine runs Entra's cycle against a real Redmine 5.0: numeric ids, no place for external ids, lists without status.
func TestRedmine(t *testing.T) {
	addr, key := serveReal(t, "redmine")
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			org := &redmine{jsonAPI{"http://" + addr, http.Header{"X-Redmine-Api-Key": {key}}, http.DefaultClient}}
			org.clear(t)
			s := start(t, gateway("", `upstream redmine {
			api_key `+key+`
		}`)+`
	reverse_proxy `+addr)
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, org)
		})
	}
}

type redmine struct{ jsonAPI }

type redmineUser struct {
	ID                int
	Login, Mail, Name string
}

func (r *redmine) users(t *testing.T, status int) []redmineUser {
	t.Helper()
	var list struct{ Users []redmineUser }
	r.do(t, "GET", fmt.Sprintf("/users.json?limit=100&status=%d", status), nil, &list)
	return list.Users
}

func (r *redmine) groups(t *testing.T) map[string]int {
	t.Helper()
	var list struct{ Groups []redmineUser }
	r.do(t, "GET", "/groups.json", nil, &list)
	out := map[string]int{}
	for _, g := range list.Groups {
		out[g.Name] = g.ID
	}
	return out
}

func (r *redmine) clear(t *testing.T) {
	t.Helper()
	for _, id := range r.groups(t) {
		r.do(t, "DELETE", fmt.Sprintf("/groups/%d.json", id), nil, nil)
	}
	for _, status := range []int{1, 3} {
		for _, u := range r.users(t, status) {
			if u.Login != "admin" {
				r.do(t, "DELETE", fmt.Sprintf("/users/%d.json", u.ID), nil, nil)
			}
		}
	}
}

func (r *redmine) state(t *testing.T, mail string) string {
	t.Helper()
	for status, word := range map[int]string{1: "active", 3: "revoked"} {
		for _, u := range r.users(t, status) {
			if strings.EqualFold(u.Mail, mail) || strings.EqualFold(u.Login, mail) {
				return word
			}
		}
	}
	return ""
}

func (r *redmine) group(t *testing.T, name string) ([]string, bool) {
	t.Helper()
	id, ok := r.groups(t)[name]
	if !ok {
		return nil, false
	}
	var one struct{ Group struct{ Users []redmineUser } }
	r.do(t, "GET", fmt.Sprintf("/groups/%d.json?include=users", id), nil, &one)
	var mails []string
	for _, u := range one.Group.Users {
		var full struct{ User redmineUser }
		r.do(t, "GET", fmt.Sprintf("/users/%d.json", u.ID), nil, &full)
		mails = append(mails, full.User.Login)
	}
	return mails, true
}
