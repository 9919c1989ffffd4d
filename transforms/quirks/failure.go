package quirks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Failure returns what a SCIM upstream's answer with a status of 400 and more means. It is nil where it means a success: an
// empty list (Q12), a member that was there already (Q59). A text that is no SCIM error is never passed on: the portal
// shows it to people, and it may be the inside of a framework (Q78).
//
// What concerns the gateway itself (401, 403, 429, 5xx) is for the caller to judge, except for a 500 that says that the
// resource exists.
func (n *Normalizer) Failure(op *scim.Operation, status int, body []byte, acc *Account) *scim.Error {
	e := &scim.Error{Status: status, Detail: "the upstream refused the request"}
	d, err := doc.Scan(body)
	isError := err == nil && (scim.IsError(d.Value()) || looksLikeError(d.Value(), status))
	if isError {
		readError(d.Value(), e)
	}
	was, brings := status, op.Verb == scim.Create || op.Verb == scim.Replace || op.Verb == scim.Patch
	if brings && n.on[answerExists] && isExisting(op, status, body, e) {
		status = 409
	}
	switch {
	case status == 404 && op.Verb == scim.List && op.Query.Filter != nil && n.on[answerNotFound]:
		acc.note(answerNotFound, "", "404", "200")
		return nil
	case status == 400 && op.Verb == scim.List && n.on[answerUnknownAttribute] && asksNothing(op):
		acc.note(answerUnknownAttribute, "", "400", "200")
		return nil
	case status == 409 && op.Verb == scim.Patch && n.on[answerExistingMember] && onlyAddsMembers(op.Body):
		acc.note(answerExistingMember, "", strconv.Itoa(was), "204")
		return nil
	case status == 409:
		if was != status {
			acc.note(answerExists, "", strconv.Itoa(was), "409")
			e.Status, e.Type = status, scim.Uniqueness
			if !isError {
				e.Detail = "the resource exists already"
			}
		}
		if e.Type == "" && brings { // a DELETE brings nothing that somebody else could have
			e.Type = scim.Uniqueness
		}
		return e
	}
	if !isError && n.on[answerErrorBody] {
		acc.note(answerErrorBody, "", "", "")
	}
	if isError && n.on[answerErrorStatus] && !strictError(d.Value()) {
		acc.note(answerErrorStatus, "", "", "")
	}
	return e
}

// asksNothing reports whether a filter asks for nothing that the schema knows, so that no resource can be meant.
func asksNothing(op *scim.Operation) bool {
	if op.Query.Filter == nil {
		return false
	}
	for a := range filter.Attributes(op.Query.Filter) {
		if op.Type.Attribute(a.URI, a.Name, a.Sub) != nil {
			return false
		}
	}
	return true
}

// types are the scimType keywords of RFC 7644 §3.12.
var types = []string{
	scim.InvalidFilter, scim.TooMany, scim.Uniqueness, scim.Mutability, scim.InvalidSyntax, scim.InvalidPath, scim.NoTarget,
	scim.InvalidValue, "invalidVers", "sensitive",
}

// looksLikeError reports whether a document is an error of SCIM that only lacks its schemas. status and detail alone are not
// enough, nor is a scimType among other things: both may be a framework's, whose text is nobody's business.
func looksLikeError(v doc.Value, status int) bool {
	code, _ := v.Lookup("status")
	t, _ := v.Lookup("scimType")
	if code.Text() != strconv.Itoa(status) || !slices.ContainsFunc(types, t.Is) {
		return false
	}
	for key, v := range v.Fields() {
		switch {
		case key.Is("status"), key.Is("scimType"), key.Is("detail"):
		case key.Is("schemas") && v.Kind() == doc.Null:
		default:
			return false
		}
	}
	return true
}

// readError takes type and detail of a SCIM error. detail may be a list of lines.
func readError(v doc.Value, e *scim.Error) {
	if t, _ := v.Lookup("scimType"); t.Kind() == doc.String {
		e.Type = line(t.Text())
	}
	detail, _ := v.Lookup("detail")
	var lines []string
	if detail.Kind() == doc.String {
		lines = append(lines, line(detail.Text()))
	}
	for item := range detail.Items() {
		if item.Kind() == doc.String {
			lines = append(lines, line(item.Text()))
		}
	}
	if text := strings.Join(lines, "; "); text != "" {
		e.Detail = line(text)
	}
}

// line returns a text as one line of bounded length.
func line(s string) string {
	const longest = 500
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	return s
}

// strictError reports whether an error is written as RFC 7644 §3.12 has it.
func strictError(v doc.Value) bool {
	status, _ := v.Lookup("status")
	detail, ok := v.Lookup("detail")
	return status.Kind() == doc.String && (!ok || detail.Kind() == doc.String)
}

// existing are the words by which backends say that what is to be created exists. They are searched for in the upstream's
// answer to a request that failed and that brings what may be taken, nowhere else.
var existing = [...]string{
	"already exist", "exists already", "already registered", "already taken", "already in use", "already been taken",
	"duplicate", "must be unique", "not unique", "unique constraint", "uniqueness",
}

// isExisting reports whether an upstream refused a value that another resource has and said so with another status than 409: by
// scimType, which is certain, or in words. A create that failed with 500 may have met a constraint of the database; what
// exists already and is changed may fail for many reasons, and is believed less.
func isExisting(op *scim.Operation, status int, body []byte, e *scim.Error) bool {
	switch {
	case status != 400 && status != 422 && status != 500:
		return false
	case e.Type == scim.Uniqueness:
		return true
	case op.Verb == scim.Create:
		return saysExists(body)
	case status == 500 || e.Type != "" && e.Type != scim.InvalidValue:
		return false
	}
	return (op.Verb == scim.Replace || setsUnique(op)) && saysExists(body)
}

func saysExists(body []byte) bool {
	const most = 16 << 10
	text := strings.ToLower(string(body[:min(len(body), most)]))
	for _, words := range existing {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// setsUnique reports whether a canonical PATCH sets what servers want to be unique.
func setsUnique(op *scim.Operation) bool {
	ops, err := patch.Parse(op.Body, op.Type)
	return err == nil && slices.ContainsFunc(ops, func(o patch.Operation) bool {
		switch {
		case o.Op == patch.OpRemove:
			return false
		case o.Path.Attr.Name != "":
			return isUnique(op.Type, o.Path.Attr.URI, o.Path.Attr.Name)
		}
		return hasUnique(op.Type, o.Path.Attr.URI, o.Value)
	})
}

// hasUnique reports whether an object of attributes, or that of an extension in it, has one that servers want to be unique.
func hasUnique(rt *schema.ResourceType, uri string, object doc.Value) bool {
	for key, v := range object.Fields() {
		if name := key.Text(); isUnique(rt, uri, name) || rt.Schema(name) != nil && hasUnique(rt, name, v) {
			return true
		}
	}
	return false
}

func isUnique(rt *schema.ResourceType, uri, name string) bool {
	a := rt.Attribute(uri, name, "")
	switch {
	case a == nil:
		return false
	case uri != "" && !doc.FoldEqual(uri, rt.Core.ID):
		return a.Uniqueness != schema.None
	case a.Name == "displayName":
		return rt.Core.ID == scim.GroupSchema
	}
	return a.Name == "externalId" || a.Name == "emails" || a.Uniqueness != schema.None
}

// onlyAddsMembers reports whether a canonical PATCH does nothing else.
func onlyAddsMembers(d doc.Doc) bool {
	some := false
	for op := range patch.Each(d) {
		if some = op.Op.Is("add") && op.Path.Is("members"); !some {
			return false
		}
	}
	return some
}
