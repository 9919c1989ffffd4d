package relay

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/module/upstream"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/patch"
	"github.com/caddy-scim/gateway/transforms/scim"
	"github.com/caddy-scim/gateway/transforms/value"
)

// rehearsal is what a SCIM server would hold after a dry run: what was created, and what was changed, over what the server
// shows.
type rehearsal struct {
	run *dryrun.Run

	mu    sync.Mutex
	types map[string]*rehearsed // by the name of the resource type
}

// rehearsed is what would be so of one resource type.
type rehearsed struct {
	held   map[string]*doc.Node // by id
	made   []string             // the ids of those that the server does not have
	having map[string][]string  // the ids of those that have, or had, a value, by [value.Lookup.Key]
}

// indexed are the attributes by which providers look for somebody or something.
var indexed = []string{"userName", "externalId", "emails.value", "displayName"}

// Provision learns whether nothing is to be changed.
func (r *Relay) Provision(ctx caddy.Context) error {
	if run := dryrun.From(ctx); run != nil {
		r.rehearsal = run.Shared("relay", func() any { return &rehearsal{run: run, types: map[string]*rehearsed{}} }).(*rehearsal) //nolint:forcetypeassert // nobody else uses the key
	}
	return nil
}

// of returns what would be so of a resource type. The mutex is held.
func (h *rehearsal) of(op *scim.Operation) *rehearsed {
	t := h.types[op.Type.Name]
	if t == nil {
		t = &rehearsed{held: map[string]*doc.Node{}, having: map[string][]string{}}
		h.types[op.Type.Name] = t
	}
	return t
}

func (h *rehearsal) get(op *scim.Operation, id string) *doc.Node {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(op).held[id].Clone()
}

func (h *rehearsal) put(op *scim.Operation, id string, res *doc.Node) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.of(op)
	if t.held[id] == nil {
		if err := h.run.Imagine(1); err != nil {
			return err
		}
		if dryrun.Imagined(id) {
			t.made = append(t.made, id)
		}
	}
	t.held[id] = res.Clone()
	for _, attribute := range indexed {
		for _, text := range value.Texts(op.Type, res, attribute) {
			key := value.Lookup{Attribute: attribute, Value: text}.Key()
			if !slices.Contains(t.having[key], id) {
				t.having[key] = append(t.having[key], id)
			}
		}
	}
	return nil
}

// matching returns what would be so and matches a filter; without a filter, what was created.
func (h *rehearsal) matching(op *scim.Operation) (all []*doc.Node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, f := h.of(op), op.Query.Filter
	if f == nil {
		for _, id := range t.made {
			all = append(all, t.held[id].Clone())
		}
		return all
	}
	ids := slices.Sorted(maps.Keys(t.held))
	if lookups, ok := value.Lookups(f, op.Type, func(attribute string) bool { return slices.Contains(indexed, attribute) }); ok {
		ids = nil
		for _, l := range lookups {
			ids = append(ids, t.having[l.Key()]...)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	for _, id := range ids {
		if filter.Match(f, t.held[id], op.Type) {
			all = append(all, t.held[id].Clone())
		}
	}
	return all
}

// rehearse answers an operation as if it was carried out, but for what takes access away.
func (r *Relay) rehearse(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	switch op.Verb {
	case scim.List:
		return r.searched(ctx, c, op)
	case scim.Create:
		return r.imagine(ctx, c, op)
	case scim.Read:
		if !dryrun.Imagined(op.ID) && r.rehearsal.get(op, op.ID) == nil {
			return r.send(ctx, c, op)
		}
		res, err := r.current(ctx, c, op)
		if err != nil {
			return nil, err
		}
		return resource(op, res, http.StatusOK), nil
	}
	if a, err := r.send(ctx, c, op); !errors.Is(err, upstream.ErrPlanned) {
		return a, err
	}
	if r.rehearsal.run.Offline {
		return nil, dryrun.NotAsked()
	}
	before, err := r.current(ctx, c, op)
	if err != nil {
		return nil, err
	}
	if op.Verb == scim.Delete {
		kind := trace.Removed
		if op.Type.Name == "Group" {
			kind = trace.GroupRemoved
		}
		plans(ctx, kind, op, before, nil)
		return nil, dryrun.NotDone()
	}
	return r.change(ctx, op, before)
}

// change rehearses a PATCH or PUT.
func (r *Relay) change(ctx context.Context, op *scim.Operation, before *doc.Node) (*scim.Answer, error) {
	after := before.Clone()
	var changed []string
	var err error
	if op.Verb == scim.Replace {
		changed, err = patch.Replace(after, op.Body, op.Type)
	} else {
		var ops []patch.Operation
		if ops, err = patch.Parse(op.Body, op.Type); err == nil {
			changed, err = patch.Apply(after, ops, op.Type)
		}
	}
	if err != nil {
		return nil, err
	}
	if removed := differences(ctx, op, before, after, changed); removed {
		return nil, dryrun.NotDone()
	}
	if err := r.rehearsal.put(op, op.ID, after); err != nil {
		return nil, err
	}
	return resource(op, after, http.StatusOK), nil
}

// differences puts what a change comes to into the plan, and reports whether it takes access away.
func differences(ctx context.Context, op *scim.Operation, before, after *doc.Node, changed []string) (removed bool) {
	var others []string
	for _, path := range changed {
		attribute := value.Whole(op.Type, path)
		switch {
		case attribute == "active" && after.Get("active").True():
			plans(ctx, trace.Restored, op, before, nil)
		case attribute == "active":
			plans(ctx, trace.Revoked, op, before, nil)
			removed = true
		case op.Type.Name == "User" && attribute == "userName":
			plans(ctx, trace.Renamed, op, before, func(s *trace.Step) { s.To = after.Get(attribute).Text() })
		case op.Type.Name == "Group" && attribute == "displayName":
			plans(ctx, trace.GroupRenamed, op, before, func(s *trace.Step) { s.To = after.Get(attribute).Text() })
		case attribute != "members" && !slices.Contains(others, attribute):
			others = append(others, attribute)
		}
	}
	if len(others) > 0 {
		plans(ctx, trace.Changed, op, before, func(s *trace.Step) { s.Attributes = others })
	}
	had, has := members(before), members(after)
	for _, id := range had {
		if !slices.Contains(has, id) {
			member(ctx, trace.MemberRemoved, before, id)
			removed = true
		}
	}
	for _, id := range has {
		if !slices.Contains(had, id) {
			member(ctx, trace.MemberAdded, before, id)
		}
	}
	return removed
}

func members(group *doc.Node) (ids []string) {
	for _, item := range group.Get("members").Items() {
		ids = append(ids, item.Get("value").Text())
	}
	return ids
}

// imagine rehearses a POST. What is there already is a conflict, as the server would say.
func (r *Relay) imagine(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	res, err := patch.Create(op.Body, op.Type)
	if err != nil {
		return nil, err
	}
	if a, err := r.send(ctx, c, op); !errors.Is(err, upstream.ErrPlanned) {
		return a, err
	}
	if r.rehearsal.run.Offline {
		return nil, dryrun.NotAsked()
	}
	attribute, kind := "userName", trace.Created
	if op.Type.Name == "Group" {
		attribute, kind = "displayName", trace.GroupCreated
	}
	quoted := string(doc.AppendString(nil, res.Get(attribute).Text()))
	look := *op
	look.Verb, look.ID, look.Body = scim.List, "", doc.Doc{}
	look.Query = scim.Query{StartIndex: 1, Count: -1, Raw: "filter=" + url.QueryEscape(attribute+" eq "+quoted)}
	if look.Query.Filter, _, err = filter.Parse(attribute+" eq "+quoted, op.Type, filter.Options{}); err != nil {
		return nil, err
	}
	a, err := r.searched(ctx, c, &look)
	if err != nil {
		return nil, err
	}
	d, err := doc.Scan(a.Body)
	if err != nil {
		return nil, err
	}
	if total, _ := d.Value().Lookup("totalResults"); total.Text() != "0" {
		return nil, scim.Errorf(http.StatusConflict, scim.Uniqueness, "the server has a %s with this %s already", strings.ToLower(op.Type.Name), attribute)
	}
	id := dryrun.NewID()
	res.Set("id", doc.NewString(id))
	plans(ctx, kind, op, res, nil)
	for _, user := range members(res) {
		member(ctx, trace.MemberAdded, res, user)
	}
	if err := r.rehearsal.put(op, id, res); err != nil {
		return nil, err
	}
	created := resource(op, res, http.StatusCreated)
	created.Location = scim.Location(op.Base, op.Type, id)
	return created, nil
}

// current returns a whole resource as it would be.
func (r *Relay) current(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*doc.Node, error) {
	if res := r.rehearsal.get(op, op.ID); res != nil {
		return res, nil
	}
	if dryrun.Imagined(op.ID) {
		return nil, scim.NoSuch("resource")
	}
	a, err := r.send(ctx, c, &scim.Operation{Type: op.Type, Verb: scim.Read, ID: op.ID, Base: op.Base})
	if err != nil {
		return nil, err
	}
	d, err := doc.Scan(a.Body)
	if err != nil {
		return nil, err
	}
	return doc.Tree(d.Value()), nil
}

// searched returns what a search finds: what the server shows, as it would be, and behind that what was created.
func (r *Relay) searched(ctx context.Context, c *upstream.Caller, op *scim.Operation) (*scim.Answer, error) {
	a, err := r.send(ctx, c, op)
	if err != nil {
		return nil, err
	}
	d, err := doc.Scan(a.Body)
	if err != nil {
		return nil, err
	}
	list := doc.Tree(d.Value())
	total, _ := strconv.Atoi(list.Get("totalResults").Text())
	f, found := op.Query.Filter, list.Get("Resources").Items()
	last := op.Query.StartIndex+len(found) > total
	var shown []*doc.Node
	show := func(res *doc.Node) {
		scim.Complete(res, op.Type, op.Base)
		shown = append(shown, scim.Project(res, op.Type, op.Query))
	}
	seen := map[string]bool{}
	for _, res := range found {
		id := res.Get("id").Text()
		seen[id] = true
		switch would := r.rehearsal.get(op, id); {
		case would == nil:
			shown = append(shown, res)
		case f != nil && !filter.Match(f, would, op.Type):
			total--
		default:
			show(would)
		}
	}
	for _, res := range r.rehearsal.matching(op) {
		if seen[res.Get("id").Text()] {
			continue // the server shows it
		}
		if total++; last && op.Query.Count != 0 {
			show(res)
		}
	}
	return &scim.Answer{Status: http.StatusOK, Body: scim.ListResponse(total, op.Query.StartIndex, shown)}, nil
}

func resource(op *scim.Operation, res *doc.Node, status int) *scim.Answer {
	res = res.Clone()
	scim.Complete(res, op.Type, op.Base)
	return &scim.Answer{Status: status, Body: scim.Project(res, op.Type, op.Query).AppendTo(nil)}
}

func plans(ctx context.Context, kind trace.Kind, op *scim.Operation, res *doc.Node, more func(*trace.Step)) {
	step := trace.Step{Kind: kind, Resource: op.Type.Name, ID: res.Get("id").Text(), Name: res.Get("userName").Text()}
	if op.Type.Name == "Group" {
		step.Name = res.Get("displayName").Text()
	}
	if more != nil {
		more(&step)
	}
	trace.Plan(ctx, step)
}

func member(ctx context.Context, kind trace.Kind, group *doc.Node, id string) {
	trace.Plan(ctx, trace.Step{
		Kind: kind, Resource: "User", ID: id, Group: group.Get("id").Text(), GroupName: group.Get("displayName").Text(),
	})
}
