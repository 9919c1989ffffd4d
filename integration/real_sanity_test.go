//go:build real

package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestSanity runs scim-sanity, which wants meta.created and meta.lastModified, so that the ledger keeps them.
func TestSanity(t *testing.T) {
	script, dir, _ := installReal(t, "judges")
	site := policySite("store *")
	s := start(t, strings.Replace(site, "quirks entra", "quirks generic", 1)) // Entra is answered 204 to a change of a group
	probe := exec.Command(script, "probe", dir, "http://"+s.addr+"/scim", testKey)
	probe.Stderr = os.Stderr
	out, err := probe.Output()
	if err != nil {
		t.Fatalf("it cannot probe: %v", err)
	}
	var report struct {
		Results []struct{ Name, Status, Message string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	// It adds a member whom it has made up. The organization would drop such a one without a word, so that it is refused.
	explained := []string{"PATCH /Groups/{id} add member"}
	var failed []string
	passed := 0
	for _, r := range report.Results {
		switch r.Status {
		case "pass":
			passed++
		case "skip": // resource types that are no users and no groups
		default:
			failed = append(failed, r.Name)
			t.Logf("%s: %s %s", r.Status, r.Name, r.Message)
		}
	}
	if !slices.Equal(failed, explained) || passed < 25 {
		t.Errorf("%d passed; failed: %q, of which are explained: %q", passed, failed, explained)
	}
}
