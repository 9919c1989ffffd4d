package provlog

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// appendJSON appends what [json.Marshal] makes of the record, without finding out anew each time what a record is: it is
// done for every request.
func (r *Record) appendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.number("id", r.ID)
	o.name("time")
	o.b = append(r.Time.AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
	o.word("organization", r.Organization)
	o.text("key", r.Key)
	o.text("activity", r.Activity)
	o.word("resource", r.Resource)
	o.word("verb", r.Verb)
	o.text("subject", r.Subject)
	o.text("name", r.Name)
	o.name("status")
	o.b = strconv.AppendInt(o.b, int64(r.Status), 10)
	o.flag("failed", r.Failed)
	o.flag("leaver", r.Leaver)
	o.flag("unclear", r.Unclear)
	o.flag("dry_run", r.DryRun)
	o.milliseconds(r.Milliseconds)
	o.text("error", r.Error)
	o.text("scim_type", r.ScimType)
	o.document("received", r.Received)
	list(&o, "rules", r.Rules, func(i int) {
		o.word("rule", r.Rules[i].Rule)
		o.word("path", r.Rules[i].Path)
		o.text("before", r.Rules[i].Before)
		o.text("after", r.Rules[i].After)
	})
	o.document("canonical", r.Canonical)
	list(&o, "notes", r.Notes, func(i int) {
		n := &r.Notes[i]
		o.word("kind", string(n.Kind))
		o.text("id", n.ID)
		o.text("group", n.Group)
		o.text("because", n.Because)
		o.text("value", n.Value)
	})
	if len(r.Steps) > 0 { // of a dry run alone
		steps, _ := json.Marshal(r.Steps) // it cannot fail
		o.name("steps")
		o.b = append(o.b, steps...)
	}
	list(&o, "calls", r.Calls, func(i int) {
		c := &r.Calls[i]
		o.text("name", c.Name)
		o.word("method", c.Method)
		o.word("path", c.Path)
		o.number("status", int64(c.Status))
		o.flag("planned", c.Planned)
		o.milliseconds(c.Milliseconds)
		o.text("error", c.Error)
	})
	o.document("answered", r.Answered)
	if len(r.NotKept) > 0 {
		o.name("not_kept")
		o.b = doc.NewStrings(r.NotKept).AppendTo(o.b)
	}
	o.number("left", int64(r.Left))
	return append(o.b, '}')
}

// object is the text of a JSON object that is not closed yet.
type object struct{ b []byte }

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) word(name, s string) {
	o.name(name)
	o.b = doc.AppendString(o.b, s)
}

func (o *object) text(name, s string) {
	if s != "" {
		o.word(name, s)
	}
}

func (o *object) flag(name string, is bool) {
	if is {
		o.name(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) number(name string, n int64) {
	if n != 0 {
		o.name(name)
		o.b = strconv.AppendInt(o.b, n, 10)
	}
}

func (o *object) milliseconds(ms float64) {
	o.name("ms")
	o.b = strconv.AppendFloat(o.b, ms, 'f', -1, 64)
}

func (o *object) document(name string, d *Document) {
	if d == nil {
		return
	}
	o.name(name)
	o.b = append(o.b, '{')
	o.text("query", d.Query)
	if len(d.Body) > 0 {
		o.name("body")
		o.b = append(o.b, d.Body...)
	}
	o.number("bytes", int64(d.Bytes))
	o.b = append(o.b, '}')
}

func list[T any](o *object, name string, all []T, item func(i int)) {
	if len(all) == 0 {
		return
	}
	o.name(name)
	o.b = append(o.b, '[')
	for i := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, '{')
		item(i)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}
