package resource

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// StateSchema is the extension that shows how far a membership has come. It is the gateway's own: SCIM knows active or
// not, while an organization knows who was invited, who accepted, and who was confirmed.
const StateSchema = "urn:caddy-scim:schemas:extension:membership:2.0:User"

// StateAttribute is the extension's attribute, read-only: staged, invited, accepted, confirmed or revoked.
var StateAttribute = schema.Custom{Resource: "User", Path: StateSchema + ":state", Type: "string"}

// ShowState puts the state into a user's resource.
func (k *Kind) ShowState(res *doc.Node, state string) {
	if state == "" || k.Type.Schema(StateSchema) == nil {
		return
	}
	value.Set(k.Type, res, StateSchema+":state", doc.NewString(state))
}
