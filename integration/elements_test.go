package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMissingElements: with missing_elements create the gateway reads the resource where a PATCH names an element that may
// not exist, and only there; the element is added once. The rows of the corpus say what must arrive.
func TestMissingElements(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, `
	scim_gateway /scim/* `+rec.Listener.Addr().String()+` {
		key test {KEY}
		quirks entra
		upstream scim /v2 {
			missing_elements create
		}
	}`)
	c := s.entra("/scim")
	has := func(user string) func(http.ResponseWriter, *http.Request, []byte) {
		return func(w http.ResponseWriter, r *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "application/scim+json")
			w.Header().Set("ETag", `W/"7"`)
			_, _ = io.WriteString(w, user)
		}
	}
	const empty = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","userName":"a@example.com"}`
	rows := 0
	for _, row := range readCorpus(t) {
		var more struct {
			Canonical struct {
				IfAbsent json.RawMessage `json:"ops_if_absent"`
			}
		}
		if err := json.Unmarshal(row.text, &more); err != nil {
			t.Fatal(err)
		}
		if more.Canonical.IfAbsent == nil {
			continue
		}
		rows++
		t.Run(row.ID, func(t *testing.T) {
			rec.take(has(empty))
			res, err := c.Do(row.Method, row.Path, []byte(row.Body))
			if err != nil || res.Status != http.StatusOK {
				t.Fatalf("%v %v", res, err)
			}
			seen := rec.take(nil)
			if len(seen) != 2 || seen[0].Method != http.MethodGet || seen[1].Method != http.MethodPatch {
				t.Fatalf("%d requests: %+v", len(seen), seen)
			}
			if seen[1].Header.Get("If-Match") != `W/"7"` {
				t.Errorf("If-Match %q", seen[1].Header.Get("If-Match"))
			}
			var sent struct{ Operations json.RawMessage }
			if err := json.Unmarshal(seen[1].Body, &sent); err != nil {
				t.Fatal(err)
			}
			if diff := jsonDiff(t, more.Canonical.IfAbsent, sent.Operations); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if rows < 3 {
		t.Errorf("%d rows of the corpus say what becomes of missing elements", rows)
	}
	t.Run("element there", func(t *testing.T) {
		rec.take(has(`{"id":"1","userName":"a@example.com","emails":[{"type":"work","value":"a@example.com","primary":"True"}]}`))
		res, err := c.Do("PATCH", "/Users/1", patchOp+`[{"op":"replace","path":"emails[type eq \"work\" and primary eq true].value","value":"b@example.com"}]}`)
		if err != nil || res.Status != http.StatusOK {
			t.Fatalf("%v %v", res, err)
		}
		if seen := rec.take(nil); len(seen) != 2 || string(seen[1].Body) != patchOp+`[{"op":"replace","path":"emails[type eq \"work\" and primary eq true].value","value":"b@example.com"}]}` {
			t.Errorf("%+v", seen)
		}
	})
	t.Run("one object for the list", func(t *testing.T) {
		rec.take(has(`{"id":1,"userName":"a@example.com","phoneNumbers":{"type":"work","value":"1","primary":"True"}}`))
		const patch = patchOp + `[{"op":"replace","path":"phoneNumbers[type eq \"work\" and primary eq true].value","value":"2"}]}`
		res, err := c.Do("PATCH", "/Users/1", patch)
		if err != nil || res.Status != http.StatusOK {
			t.Fatalf("%v %v", res, err)
		}
		if seen := rec.take(nil); len(seen) != 2 || string(seen[1].Body) != patch {
			t.Errorf("%+v", seen)
		}
	})
	t.Run("nobody becomes a member", func(t *testing.T) {
		rec.take(has(`{"id":"1","displayName":"g","members":[{"value":"u1"}]}`))
		const patch = patchOp + `[{"op":"replace","path":"members[value eq \"u9\"].display","value":"x"}]}`
		res, err := c.Do("PATCH", "/Groups/1", patch)
		if err != nil || res.Status != http.StatusOK {
			t.Fatalf("%v %v", res, err)
		}
		if seen := rec.take(nil); len(seen) != 1 || string(seen[0].Body) != patch {
			t.Errorf("%+v", seen)
		}
	})
	t.Run("no look-up without need", func(t *testing.T) {
		rec.take(has(strings.Replace(empty, `"id"`, `"active":false,"id"`, 1)))
		if _, err := c.SetActive("1", false); err != nil {
			t.Fatal(err)
		}
		if seen := rec.take(nil); len(seen) != 1 {
			t.Errorf("%d requests", len(seen))
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		rec.take(status(404, "application/scim+json", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"gone"}`))
		res, err := c.Do("PATCH", "/Users/1", patchOp+`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@example.com"}]}`)
		if err != nil {
			t.Fatal(err)
		}
		mustBeError(t, res, 404)
	})
}
