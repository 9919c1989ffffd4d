package quirks

import "github.com/caddy-scim/gateway/transforms/scim"

// NoContent reports whether an operation that was carried out is answered 204, without the resource (Q75), and counts it.
// Where the request names attributes, they are to be answered (RFC 7644 §3.5.2).
func (n *Normalizer) NoContent(op *scim.Operation, acc *Account) bool {
	if !n.on[answerNoContent] || op.Verb != scim.Patch || op.Type != n.set.Group || len(op.Query.Attributes) > 0 {
		return false
	}
	acc.note(answerNoContent, "", "200", "204")
	return true
}
