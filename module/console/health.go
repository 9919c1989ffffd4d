package console

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/keys"
)

// health is who provisions the organization.
type health struct {
	Known   bool      `json:"-"` // false in front of a SCIM server
	Cluster bool      `json:"cluster"`
	Leads   bool      `json:"leads"`
	Since   time.Time `json:"since"`
	Leader  string    `json:"leader"`
	WhyNot  string    `json:"why_not"`
}

// advice is what to do about what a part of the gateway has found, by the part.
var advice = map[string]string{
	"gateway":      "The page Clusters of the documentation says which gateways may work beside each other.",
	"ledger":       "Look for room on the disk of Caddy’s storage, and for its rights. Do not stop Caddy meanwhile.",
	"keys":         "Make a new key in its place, give it to the provider, and revoke the old one; or see to Caddy’s storage, if it cannot be read.",
	"provisioning": "Nobody’s access is taken away, however often the provider asks. Let it go on as soon as you can.",
}

// health asks the parts of the gateway how they fare, and returns what they have found. The log and the guard have words of
// their own.
func (p *page) health(ctx context.Context) (h health, all []todo) {
	told := admin.Tell(ctx, p.ctx, p.Org)
	h.Known = json.Unmarshal(told["gateway"], &h) == nil
	if told["keys"] == nil { // an organization without a name
		told["keys"] = admin.Tell(ctx, p.ctx, keys.Unnamed)["keys"]
	}
	for _, part := range []string{"gateway", "ledger", "provisioning", "keys"} {
		var found struct {
			Problems []string `json:"problems"`
		}
		if told[part] == nil || json.Unmarshal(told[part], &found) != nil {
			continue
		}
		for _, text := range found.Problems {
			t := todo{Loud: part != "keys", Title: sentence(text), Text: advice[part]}
			if part == "keys" || part == "provisioning" {
				t.Link = p.Base() + "/organization"
			}
			all = append(all, t)
		}
	}
	return h, all
}

// sentence begins a text with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + plain(text[1:])
}
