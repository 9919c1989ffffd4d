package provlog

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
)

// Somebody whose deactivation was refused is told of until it is known that there is no access any more, or that the provider
// has changed its mind; a success of something else is neither.
func TestWhoStillHasAccess(t *testing.T) {
	const title = `{"Operations":[{"op":"replace","path":"title","value":"Countess"}]}`
	user := func(active bool) string { return fmt.Sprintf(`{"id":"u1","userName":"a","active":%v}`, active) }
	off, on := `{"Operations":[{"op":"replace","path":"active","value":false}]}`, `{"Operations":[{"op":"replace","path":"active","value":true}]}`
	for name, c := range map[string]struct {
		then  *Entry
		still bool
	}{
		"nothing":                           {nil, true},
		"a read that shows them active":     {entry("read", "u1", "", user(true), 200), true},
		"a change of something else":        {entry("patch", "u1", title, user(true), 200), true},
		"a refused change":                  {entry("patch", "u1", title, "", 503), true},
		"a refused activation":              {entry("patch", "u1", on, "", 503), true},
		"the deactivation":                  {entry("patch", "u1", off, "", 204), false},
		"the deactivation, known as that":   {noted(entry("patch", "u1", "", "", 204), trace.Note{Kind: trace.Revoked, ID: "u1"}), false},
		"an activation":                     {entry("patch", "u1", on, user(true), 200), false},
		"a deletion":                        {entry("delete", "u1", "", "", 204), false},
		"a refused deletion":                {entry("delete", "u1", "", "", 503), true},
		"a read that finds nobody":          {entry("read", "u1", "", "", 404), false},
		"a change of nobody":                {entry("patch", "u1", title, "", 404), false},
		"a read that shows them without":    {entry("read", "u1", "", user(false), 200), false},
		"a PUT that says nothing of it":     {entry("replace", "u1", `{"userName":"a"}`, user(true), 200), true},
		"a PUT that says they are active":   {entry("replace", "u1", user(true), user(true), 200), false},
		"a deactivation of somebody else's": {entry("patch", "u2", off, "", 204), true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log.db")
			s, _ := testSink(t, Config{File: file, LogValues: Masked}, "acme")
			refused := entry("patch", "u1", off, "", 503)
			refused.Leaver, refused.Time = true, time.Now().Add(-time.Minute)
			s.Add(refused)
			if c.then != nil {
				s.Add(c.then)
			}
			s.Flush()
			if found, err := testReader(t, file).Leavers(t.Context(), "acme"); err != nil || len(found) > 0 != c.still {
				t.Errorf("%d of them, %v", len(found), err)
			}
		})
	}
}
