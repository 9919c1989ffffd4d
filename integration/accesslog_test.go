package integration

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"testing"
)

// TestAccessLog: one line tells who asked for what, which rules were applied, what it cost and how it ended.
func TestAccessLog(t *testing.T) {
	rec := newRecorder(t)
	s := start(t, `
	scim_gateway /scim/* `+rec.Listener.Addr().String()+` {
		key test {KEY}
		quirks entra
	}`)
	send := func(header ...string) {
		req, err := http.NewRequest(http.MethodPatch, "http://"+s.addr+"/scim/Users/1",
			bytes.NewReader([]byte(patchOp+`[{"op":"Replace","path":"active","value":"False"}]}`)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/scim+json")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := s.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	rec.take(status(400, "application/scim+json", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidPath","detail":"no such attribute"}`))
	send("Authorization", "Bearer "+testKey, "ADSCIMVersion", "Date:2026-11-25, ActivityId:0a1b2c3d-0000")
	send("Authorization", "Bearer wrong")

	lines := s.accessLog(2)
	slices.SortFunc(lines, func(a, b map[string]any) int { return cmp.Compare(a["status"].(float64), b["status"].(float64)) })
	first, second := lines[0], lines[1]
	for field, want := range map[string]any{
		"user_id": "test", "status": 400.0, "scim_op": "patch", "scim_resource": "User", "scim_upstream_calls": 1.0,
		"scim_activity": "0a1b2c3d-0000", "scim_type": "invalidPath", "scim_error": "no such attribute",
	} {
		if first[field] != want {
			t.Errorf("%s is %v, want %v", field, first[field], want)
		}
	}
	if ms, ok := first["scim_upstream_ms"].(float64); !ok || ms <= 0 {
		t.Errorf("scim_upstream_ms is %v", first["scim_upstream_ms"])
	}
	if ids, _ := first["scim_quirks"].([]any); !slices.Contains(ids, any("boolean-string")) || !slices.Contains(ids, any("operation-case")) {
		t.Errorf("scim_quirks is %v", first["scim_quirks"])
	}
	if second["scim_auth"] != "unknown" || second["user_id"] != "" || second["status"] != 401.0 {
		t.Errorf("a wrong key is logged as %v, %v, %v", second["scim_auth"], second["user_id"], second["status"])
	}
}
