package integration

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// scimStore keeps the resources of one type for github.com/elimity-com/scim, a SCIM server of other people that knows
// the RFC and not Entra: what reaches the store has passed its parser and its schema validation.
type scimStore struct {
	mu     sync.Mutex
	unique string // attribute that must be unique
	next   int
	all    map[string]scim.Resource
}

// scimServer is that server with users and groups in memory.
func scimServer(t *testing.T) (http.Handler, *scimStore, *scimStore) {
	t.Helper()
	users := &scimStore{unique: "userName", all: map[string]scim.Resource{}}
	groups := &scimStore{unique: "displayName", all: map[string]scim.Resource{}}
	server, err := scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{MaxResults: 100, SupportFiltering: true, SupportPatch: true},
		ResourceTypes: []scim.ResourceType{
			{
				ID: optional.NewString("User"), Name: "User", Endpoint: "/Users", Schema: schema.CoreUserSchema(),
				SchemaExtensions: []scim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}}, Handler: users,
			},
			{ID: optional.NewString("Group"), Name: "Group", Endpoint: "/Groups", Schema: schema.CoreGroupSchema(), Handler: groups},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return http.StripPrefix("/v2", server), users, groups
}

// get is the stored resource with a value of the unique attribute.
func (s *scimStore) get(value string) (scim.Resource, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.all {
		if v, _ := r.Attributes[s.unique].(string); strings.EqualFold(v, value) {
			return r, true
		}
	}
	return scim.Resource{}, false
}

func (s *scimStore) Create(_ *http.Request, a scim.ResourceAttributes) (scim.Resource, error) {
	want, _ := a[s.unique].(string)
	if _, ok := s.get(want); ok {
		return scim.Resource{}, scimerrors.ScimErrorUniqueness
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	r := scim.Resource{ID: fmt.Sprintf("%s-%04d", strings.ToLower(s.unique[:4]), s.next), Attributes: a}
	if ext, ok := a["externalId"].(string); ok {
		r.ExternalID = optional.NewString(ext)
	}
	s.all[r.ID] = r
	return r, nil
}

// with does something with one resource and keeps what it is then.
func (s *scimStore) with(id string, do func(*scim.Resource)) (scim.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.all[id]
	if !ok {
		return r, scimerrors.ScimErrorResourceNotFound(id)
	}
	do(&r)
	s.all[id] = r
	return r, nil
}

func (s *scimStore) Get(_ *http.Request, id string) (scim.Resource, error) {
	return s.with(id, func(*scim.Resource) {})
}

func (s *scimStore) Replace(_ *http.Request, id string, a scim.ResourceAttributes) (scim.Resource, error) {
	return s.with(id, func(r *scim.Resource) { r.Attributes = a })
}

func (s *scimStore) Patch(_ *http.Request, id string, ops []scim.PatchOperation) (scim.Resource, error) {
	return s.with(id, func(r *scim.Resource) {
		r.Attributes = maps.Clone(r.Attributes)
		for _, op := range ops {
			if op.Path == nil {
				maps.Copy(r.Attributes, op.Value.(map[string]any))
				continue
			}
			apply(r.Attributes, op)
		}
		r.ExternalID = optional.String{}
		if ext, ok := r.Attributes["externalId"].(string); ok {
			r.ExternalID = optional.NewString(ext)
		}
	})
}

func (s *scimStore) GetAll(_ *http.Request, p scim.ListRequestParams) (scim.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []scim.Resource
	for _, r := range s.all {
		view := map[string]any{"id": r.ID, "externalId": r.ExternalID.Value()}
		maps.Copy(view, r.Attributes)
		if p.FilterValidator == nil || p.FilterValidator.PassesFilter(view) == nil {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b scim.Resource) int { return strings.Compare(a.ID, b.ID) })
	page := scim.Page{TotalResults: len(found), Resources: []scim.Resource{}}
	from := min(max(p.StartIndex-1, 0), len(found))
	page.Resources = append(page.Resources, found[from:min(from+max(p.Count, 0), len(found))]...)
	return page, nil
}

func (s *scimStore) Delete(_ *http.Request, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.all[id]; !ok {
		return scimerrors.ScimErrorResourceNotFound(id)
	}
	delete(s.all, id)
	return nil
}

// apply carries out one operation as RFC 7644 §3.5.2 says, as far as these tests go.
func apply(attrs map[string]any, op scim.PatchOperation) {
	path := op.Path.AttributePath
	if path.URIPrefix != nil && strings.Contains(*path.URIPrefix, ":extension:") {
		ext, _ := attrs[*path.URIPrefix].(map[string]any)
		if ext == nil {
			ext = map[string]any{}
		}
		attrs[*path.URIPrefix] = ext
		attrs = ext
	}
	name := path.AttributeName
	if op.Path.ValueExpression != nil {
		compare := op.Path.ValueExpression.(*filter.AttributeExpression)
		var kept []any
		old, _ := attrs[name].([]any)
		for _, e := range old {
			m := e.(map[string]any)
			hit := m[compare.AttributePath.AttributeName] == compare.CompareValue
			if hit && op.Op == scim.PatchOperationRemove && op.Path.SubAttribute == nil {
				continue
			}
			if hit && op.Path.SubAttribute != nil {
				m[*op.Path.SubAttribute] = op.Value
			}
			kept = append(kept, m)
		}
		attrs[name] = kept
		return
	}
	switch {
	case op.Op == scim.PatchOperationRemove:
		delete(attrs, name)
	case path.SubAttribute != nil:
		m, _ := attrs[name].(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		m[*path.SubAttribute] = op.Value
		attrs[name] = m
	default:
		old, isList := attrs[name].([]any)
		if more, ok := op.Value.([]any); ok && op.Op == scim.PatchOperationAdd {
			for _, e := range more {
				if !isList || !containsMember(old, e) {
					old = append(old, e)
				}
			}
			attrs[name] = old
			return
		}
		attrs[name] = op.Value
	}
}

func containsMember(list []any, e any) bool {
	return slices.ContainsFunc(list, func(have any) bool {
		return have.(map[string]any)["value"] == e.(map[string]any)["value"]
	})
}
