// Package patch changes resources: it applies canonical PATCH operations (RFC 7644 §3.5.2) and replacements (§3.5.1) to the
// letter, all or nothing, and says which attributes really differ afterwards, so that what changes nothing costs no call.
// Deviations of single providers are not known here; they were normalized before. [Parse] reads operations, [Apply] and
// [Replace] carry them out, [Members] works on the members of a group without having all of them.
package patch

import (
	"errors"
	"fmt"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Op is what an operation does (RFC 7644 §3.5.2).
type Op uint8

// The operations of RFC 7644 §3.5.2.
const (
	OpAdd Op = iota
	OpReplace
	OpRemove
)

// String returns the operation as a request spells it.
func (o Op) String() string { return [...]string{"add", "replace", "remove"}[o] }

// Operation is one canonical operation.
type Operation struct {
	Op    Op
	Path  filter.Path // zero for the resource itself: the value is an object of attributes then
	Value doc.Value   // zero for remove, and for an add whose path says it all
}

// whole reports whether the operation has no path.
func (o *Operation) whole() bool { return o.Path.Attr.Name == "" && o.Path.Attr.URI == "" }

// MaxOperations is how many operations one request may hold. One large group removal is one operation per member, so
// that the limit has to lie above what a body of a few megabytes can say.
const MaxOperations = 100_000

// Parse reads the operations of a PATCH request (RFC 7644 §3.5.2). What it checks is their form; [Apply] checks what
// they do. Any error is a [*scim.Error].
func Parse(d doc.Doc, rt *schema.ResourceType) ([]Operation, error) {
	root := d.Value()
	if root.Kind() != doc.Object {
		return nil, scim.Errorf(400, scim.InvalidSyntax, "the body must be an object, not %s", article(root.Kind()))
	}
	if err := checkEnvelope(root); err != nil {
		return nil, err
	}
	all, ok := operationsOf(d)
	if !ok {
		return nil, scim.Errorf(400, scim.InvalidSyntax, "the body must hold an array Operations (RFC 7644 §3.5.2)")
	}
	var ops []Operation
	for item := range all.Items() {
		if len(ops) == MaxOperations {
			return nil, scim.Errorf(400, scim.TooMany, "more than %d operations in one request", MaxOperations)
		}
		op, err := parseOperation(item, rt)
		if err != nil {
			return nil, numbered(len(ops), err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// checkEnvelope accepts a body without schemas, but not one that says it is something else: a plain resource sent with
// PATCH would otherwise be a request without operations.
func checkEnvelope(root doc.Value) error {
	schemas, ok := root.Lookup("schemas")
	if !ok || schemas.Kind() == doc.Null {
		return nil
	}
	for item := range schemas.Items() {
		if item.Is(scim.PatchSchema) {
			return nil
		}
	}
	return scim.Errorf(400, scim.InvalidSyntax, "schemas of a PATCH request must be [%q] (RFC 7644 §3.5.2)", scim.PatchSchema)
}

func parseOperation(v doc.Value, rt *schema.ResourceType) (Operation, error) {
	var op Operation
	if kind := v.Kind(); kind != doc.Object {
		return op, scim.Errorf(400, scim.InvalidSyntax, "an operation must be an object, not %s", article(kind))
	}
	raw := read(v)
	if raw.Op.Kind() != doc.String {
		return op, scim.Errorf(400, scim.InvalidSyntax, `"op" must be one of the strings add, replace and remove`)
	}
	switch raw.Op.Text() {
	case "add":
		op.Op = OpAdd
	case "replace":
		op.Op = OpReplace
	case "remove":
		op.Op = OpRemove
	default:
		return op, scim.Errorf(400, scim.InvalidSyntax, `unknown "op": it must be add, replace or remove`)
	}
	switch raw.Path.Kind() {
	case doc.Invalid, doc.Null:
	case doc.String:
		parsed, _, err := filter.ParsePath(raw.Path.Text(), rt, filter.Options{})
		if err != nil {
			return op, pathError(err)
		}
		op.Path = parsed
	default:
		return op, scim.Errorf(400, scim.InvalidPath, "path must be a string, not %s", article(raw.Path.Kind()))
	}
	value, ok := raw.Value, raw.Value.Kind() != doc.Invalid
	switch {
	case op.Op != OpRemove && !ok && !op.namesMember(rt):
		return op, scim.Errorf(400, scim.InvalidValue, "%s needs a value (RFC 7644 §3.5.2)", op.Op)
	case op.Op == OpRemove && op.whole():
		return op, scim.Errorf(400, scim.NoTarget, "remove needs a path (RFC 7644 §3.5.2.2)")
	case op.Op == OpRemove && ok:
		// A client that gives a value means to remove that value; dropping it would remove them all (Q56).
		return op, scim.Errorf(400, scim.InvalidValue, "remove takes no value: a value filter in the path says what to remove (RFC 7644 §3.5.2.2)")
	}
	op.Value = value
	return op, nil
}

func pathError(err error) error {
	if e, ok := errors.AsType[*filter.Error](err); ok {
		return scim.Errorf(400, scim.InvalidPath, "path: %s at byte %d", e.Reason, e.Offset)
	}
	return &scim.Error{Status: 400, Type: scim.InvalidPath, Detail: "the path cannot be read", Cause: err}
}

// numbered says in the detail which operation it was.
func numbered(index int, err error) error {
	if e, ok := errors.AsType[*scim.Error](err); ok {
		named := *e
		named.Detail = fmt.Sprintf("Operations[%d]: %s", index, e.Detail)
		return &named
	}
	return err
}

// article returns the kind with its article, for messages.
func article(k doc.Kind) string {
	switch k {
	case doc.Array, doc.Object:
		return "an " + k.String()
	case doc.Null, doc.Invalid:
		return k.String()
	}
	return "a " + k.String()
}
