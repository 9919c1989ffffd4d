//go:build real

package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// TestPocketBase runs Entra's cycle against a real PocketBase with two collections, the stand-in for a backend of one's own.
func TestPocketBase(t *testing.T) {
	addr, _ := serveReal(t, "pocketbase")
	pb := newPocketBase(t, addr)
	for _, flag := range []bool{false, true} {
		t.Run(fmt.Sprintf("flag=%v", flag), func(t *testing.T) {
			pb.clear(t)
			s := start(t, gateway("", `upstream pocketbase {
			identity root@example.com
			password RootPass12345
		}`)+`
	reverse_proxy `+addr)
			c := s.entra("/scim")
			c.Flag = flag
			cycle(t, c, pb)
		})
	}
}

type pocketBase struct{ jsonAPI }

func newPocketBase(t *testing.T, addr string) *pocketBase {
	t.Helper()
	p := &pocketBase{jsonAPI{base: "http://" + addr + "/api", http: http.DefaultClient}}
	var login struct{ Token string }
	p.do(t, "POST", "/collections/_superusers/auth-with-password", map[string]any{"identity": "root@example.com", "password": "RootPass12345"}, &login)
	p.header = http.Header{"Authorization": {login.Token}}
	var members struct{ ID string }
	p.do(t, "POST", "/collections", map[string]any{
		"name": "members", "type": "base",
		"fields": []any{
			map[string]any{"name": "email", "type": "email", "required": true},
			map[string]any{"name": "name", "type": "text"},
			map[string]any{"name": "externalId", "type": "text"},
			map[string]any{"name": "disabled", "type": "bool"},
		},
		"indexes": []string{"CREATE UNIQUE INDEX members_email ON members (email)"},
	}, &members)
	p.do(t, "POST", "/collections", map[string]any{
		"name": "teams", "type": "base",
		"fields": []any{
			map[string]any{"name": "name", "type": "text", "required": true},
			map[string]any{"name": "externalId", "type": "text"},
			map[string]any{"name": "members", "type": "relation", "collectionId": members.ID, "maxSelect": 10000},
		},
		"indexes": []string{"CREATE UNIQUE INDEX teams_name ON teams (name)"},
	}, nil)
	return p
}

type pbRecord struct {
	ID, Email, Name string
	Disabled        bool
	Members         []string
}

func (p *pocketBase) records(t *testing.T, collection, filter string) []pbRecord {
	t.Helper()
	var list struct{ Items []pbRecord }
	p.do(t, "GET", "/collections/"+collection+"/records?perPage=200&filter="+url.QueryEscape(filter), nil, &list)
	return list.Items
}

func (p *pocketBase) clear(t *testing.T) {
	t.Helper()
	for _, collection := range []string{"teams", "members"} {
		for _, r := range p.records(t, collection, "") {
			p.do(t, "DELETE", "/collections/"+collection+"/records/"+r.ID, nil, nil)
		}
	}
}

func (p *pocketBase) state(t *testing.T, mail string) string {
	t.Helper()
	switch found := p.records(t, "members", "email='"+mail+"'"); {
	case len(found) == 0:
		return ""
	case found[0].Disabled:
		return "revoked"
	}
	return "active"
}

func (p *pocketBase) group(t *testing.T, name string) ([]string, bool) {
	t.Helper()
	found := p.records(t, "teams", "name='"+name+"'")
	if len(found) == 0 {
		return nil, false
	}
	var mails []string
	for _, id := range found[0].Members {
		for _, m := range p.records(t, "members", "id='"+id+"'") {
			mails = append(mails, m.Email)
		}
	}
	return mails, true
}
