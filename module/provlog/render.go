package provlog

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/redact"
)

const (
	maxKept  = 16 << 10 // bytes of one document in a record
	maxRead  = 4 << 20  // bytes of one document that is looked into at all
	maxNotes = 200      // decisions and effects in a record; all are in the timelines
)

// rendered is an entry in words, and what the log can be searched by.
type rendered struct {
	Record
	ruleIDs  []string
	seen     []subject // users and groups that the answer shows
	mentions []mention // whose timelines the record belongs to
}

// size returns about how long the record is in the file.
func (r *rendered) size() int64 {
	n := 512 + len(r.mentions)*100 + len(r.Rules)*200
	for _, d := range r.documents() {
		if d != nil {
			n += len(d.Body) + len(d.Query)
		}
	}
	return int64(n)
}

// subject is a user or group as the provider was last told.
type subject struct {
	resource, id, name, login, state string
	active                           int // -1 where it was not said
	gone                             bool
}

// mention is one line of a timeline; what is empty for the record's own subject.
type mention struct{ id, what string }

// Describe puts an entry into words that nobody keeps: with all values but secrets.
func Describe(organization string, e *Entry) *Record {
	return &newMasker(Full, nil).render(organization, e).Record
}

func (m *masker) render(organization string, e *Entry) *rendered {
	m.group = e.Resource == "Group"
	received, answered := read(e.Received), read(e.Answered)
	canonical, another := received, string(e.Received) != string(e.Canonical)
	if another {
		canonical = read(e.Canonical)
	}
	if e.Note != nil {
		e.Note(answered.Value())
	}
	r := &rendered{Record: Record{
		Time: e.Time.UTC().Truncate(time.Millisecond), Organization: organization, Key: e.Key, Activity: e.Activity, Resource: e.Resource, Verb: e.Verb,
		Subject: e.ID, Status: e.Status, Failed: failed(e), Leaver: e.Leaver, Unclear: e.Unclear, DryRun: e.DryRun, Milliseconds: milliseconds(e.Took),
		Error: e.Error, ScimType: e.ScimType, Rules: m.rules(e.Rules), Left: e.Trace.Left(),
	}, ruleIDs: e.RuleIDs}
	for _, c := range e.Trace.Calls() {
		r.Calls = append(r.Calls, Call{c.Name, c.Method, c.Path, c.Status, c.Planned, milliseconds(c.Took), c.Error})
	}
	r.Received = m.kept(received.Value(), e.Query, len(e.Received))
	if another || e.Query != e.Sent {
		r.Canonical = m.kept(canonical.Value(), e.Sent, len(e.Canonical))
	}
	r.Answered = m.kept(answered.Value(), "", len(e.Answered))
	m.subjects(r, e, received, answered)
	m.notes(r, e.Trace.Notes())
	if e.DryRun { // it is in nobody's story, and nobody is as it was answered
		r.Steps, r.seen, r.mentions = m.steps(e.Trace.Steps()), nil, nil
		return r
	}
	if e.Status < 300 && e.Verb != "delete" {
		r.NotKept = notKept(e, canonical, answered)
	}
	return r
}

// notes keeps decisions and effects, and gives everybody whom they are about a line in their timeline.
func (m *masker) notes(r *rendered, all []trace.Note) {
	for _, n := range all {
		if len(r.Notes) == maxNotes {
			r.Left++
		} else {
			n.Value = m.personal(n.Value)
			r.Notes = append(r.Notes, n)
		}
		what := string(n.Kind)
		switch {
		case n.ID == "", n.ID == r.Subject && !n.Kind.Effect():
		case n.Group == "" || n.Group == r.Subject:
			r.mentions = append(r.mentions, mention{n.ID, what})
		default: // a membership that a request about the user has changed
			r.mentions = append(r.mentions, mention{n.ID, what + inGroup + url.PathEscape(n.Group)}, mention{n.Group, what})
		}
	}
}

// inGroup stands between what happened to a user in a timeline and the id of a group, where the request was not about it.
const inGroup = "@"

// failed reports whether the provider was refused. That something is not there is no failure of a look.
func failed(e *Entry) bool {
	return e.Status >= 400 && (e.Status != 404 || e.Verb != "list" && e.Verb != "read" && e.Verb != "delete")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// read returns a document that can be looked into; the zero Doc where there is none.
func read(b []byte) doc.Doc {
	if len(b) == 0 || len(b) > maxRead {
		return doc.Doc{}
	}
	d, _ := doc.Scan(b)
	return d
}

func (m *masker) kept(v doc.Value, query string, size int) *Document {
	if size == 0 && query == "" {
		return nil
	}
	d := &Document{Query: m.query(query)}
	switch {
	case m.mode == None, len(v.Raw()) == 0, len(v.Raw()) > 2*maxKept:
		d.Bytes = size
	default:
		if d.Body = m.document(v); len(d.Body) > maxKept {
			d.Body, d.Bytes = nil, size
		}
	}
	return d
}

// subjects finds out whom the request was about, and what the provider was told of them.
func (m *masker) subjects(r *rendered, e *Entry, received, answered doc.Doc) {
	if e.Resource != "User" && e.Resource != "Group" {
		return
	}
	gone := e.Verb == "delete" && e.Status < 300 || e.Status == 404 && (e.Verb == "delete" || e.Verb == "read")
	if e.Status < 300 {
		if list, ok := answered.Value().Lookup("Resources"); ok {
			for item := range list.Items() {
				r.seen = append(r.seen, m.subject(e.Resource, item))
			}
			if len(r.seen) == 1 && r.Subject == "" {
				r.Subject = r.seen[0].id
			}
		} else if s := m.subject(e.Resource, answered.Value()); s.id != "" {
			r.seen = append(r.seen, s)
			r.Subject = cmp.Or(r.Subject, s.id)
		}
	}
	switch {
	case gone && r.Subject != "":
		r.seen = append(r.seen, subject{resource: e.Resource, id: r.Subject, active: -1, gone: true})
	case len(r.seen) == 0 && e.Status < 300 && r.Subject != "" && e.Verb != "list":
		s := m.subject(e.Resource, received.Value()) // 204: what was sent is all there is
		s.id = r.Subject
		if e.Verb == "patch" {
			s.active = patchedActive(received)
		}
		r.seen = append(r.seen, s)
	}
	if i := slices.IndexFunc(r.seen, func(s subject) bool { return s.id == r.Subject }); i >= 0 {
		r.Name = cmp.Or(r.seen[i].name, r.seen[i].login)
	}
	if r.Name == "" && e.Verb != "list" {
		s := m.subject(e.Resource, received.Value())
		r.Name = cmp.Or(s.name, s.login)
	}
	if r.Subject != "" {
		r.mentions = append(r.mentions, mention{r.Subject, ""})
	}
}

func (m *masker) subject(resource string, v doc.Value) subject {
	s := subject{resource: resource, active: -1}
	if v.Kind() != doc.Object {
		return s
	}
	word := func(name string) string {
		w, _ := v.Lookup(name)
		if w.Kind() != doc.String {
			return ""
		}
		return w.Text()
	}
	s.id = word("id")
	if s.name = word("displayName"); resource == "User" {
		s.name, s.login = m.personal(s.name), m.personal(word("userName"))
	} else if m.mode == None {
		s.name = ""
	}
	if a, ok := v.Lookup("active"); ok && a.Kind() == doc.Bool {
		s.active = bit(a.True())
	}
	for key, item := range v.Fields() {
		if item.Kind() != doc.Object || !strings.Contains(key.Text(), ":") {
			continue
		}
		if state, ok := item.Lookup("state"); ok && state.Kind() == doc.String {
			s.state = state.Text()
		}
	}
	return s
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// patchedActive is what a PATCH says of active; -1 where it says nothing.
func patchedActive(d doc.Doc) int {
	active := -1
	for op := range patch.Each(d) {
		a := op.Value
		if path := op.Path.Text(); path == "" {
			a, _ = op.Value.Lookup("active")
		} else if !doc.FoldEqual(path, "active") {
			continue
		}
		switch {
		case a.Kind() == doc.Bool:
			active = bit(a.True())
		case a.Is("false"):
			active = 0
		case a.Is("true"):
			active = 1
		}
	}
	return active
}

// notKept are the attributes that were sent and that the answer does not show.
func notKept(e *Entry, sent, answer doc.Doc) (paths []string) {
	answered := answer.Value()
	if answered.Kind() != doc.Object || strings.Contains(doc.Fold(e.Sent), "attributes=") {
		return nil
	}
	type member struct{ key, value doc.Value }
	members := make([]member, 0, 32) // which are looked for again and again
	for key, value := range answered.Fields() {
		members = append(members, member{key, value})
	}
	lookup := func(name string) (doc.Value, bool) {
		i := slices.IndexFunc(members, func(m member) bool { return m.key.Is(name) })
		if i < 0 {
			return doc.Value{}, false
		}
		return members[i].value, true
	}
	want := func(path string, v doc.Value) {
		uri, name := "", path
		if i := strings.LastIndexByte(path, ':'); i >= 0 {
			uri, name = path[:i], path[i+1:]
		}
		name, _, _ = strings.Cut(name, "[")
		name, _, _ = strings.Cut(name, ".")
		ok := false
		switch ext, is := lookup(uri); {
		case is && uri != "":
			_, ok = ext.Lookup(name)
		case !strings.Contains(doc.Fold(uri), ":extension:"):
			_, ok = lookup(name)
		}
		if ok || v.Kind() == doc.Null || doc.FoldEqual(name, "schemas") || redact.Of(name).Secret() || string(v.Raw()) == `""` || string(v.Raw()) == "[]" {
			return
		}
		if uri != "" {
			name = uri + ":" + name
		}
		if !slices.Contains(paths, name) {
			paths = append(paths, name)
		}
	}
	whole := func(v doc.Value) {
		for key, item := range v.Fields() {
			if item.Kind() == doc.Object && strings.Contains(key.Text(), ":") {
				for sub, value := range item.Fields() {
					want(key.Text()+":"+sub.Text(), value)
				}
				continue
			}
			want(key.Text(), item)
		}
	}
	if e.Verb != "patch" {
		whole(sent.Value())
		return paths
	}
	for op := range patch.Each(sent) {
		switch path := op.Path.Text(); {
		case op.Op.Is("remove"):
		case path == "":
			whole(op.Value)
		default:
			want(path, op.Value)
		}
	}
	return paths
}
