package entra

import (
	"fmt"
	"net/http"
	"net/url"
)

// User is what the default attribute mappings send of a person.
type User struct {
	UserName, ExternalID, DisplayName, GivenName, FamilyName, Mail string

	Inactive bool
}

// Operation is one PATCH operation.
type Operation map[string]any

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// Create posts a person: always both schemas, always active and meta.
func (c *Client) Create(u User) (*Response, error) {
	return c.Do(http.MethodPost, "/Users", map[string]any{
		"schemas":     []string{"urn:ietf:params:scim:schemas:core:2.0:User", enterprise},
		"externalId":  u.ExternalID,
		"userName":    u.UserName,
		"active":      !u.Inactive,
		"displayName": u.DisplayName,
		"emails":      []any{map[string]any{"primary": true, "type": "work", "value": u.Mail}},
		"meta":        map[string]any{"resourceType": "User"},
		"name": map[string]any{
			"formatted": u.GivenName + " " + u.FamilyName, "familyName": u.FamilyName, "givenName": u.GivenName,
		},
		"roles": []any{},
	})
}

// CreateGroup posts a group, without members and with Microsoft's own schema URI.
func (c *Client) CreateGroup(displayName, externalID string) (*Response, error) {
	return c.Do(http.MethodPost, "/Groups", map[string]any{
		"schemas": []string{
			"urn:ietf:params:scim:schemas:core:2.0:Group",
			"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
		},
		"externalId":  externalID,
		"displayName": displayName,
		"meta":        map[string]any{"resourceType": "Group"},
	})
}

// Patch sends operations to a resource.
func (c *Client) Patch(endpoint, id string, ops ...Operation) (*Response, error) {
	return c.Do(http.MethodPatch, endpoint+"/"+url.PathEscape(id), map[string]any{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": ops,
	})
}

// SetActive disables or enables a person in the client's dialect.
func (c *Client) SetActive(id string, active bool) (*Response, error) {
	if c.Flag {
		return c.Patch("/Users", id, Operation{"op": "replace", "path": "active", "value": active})
	}
	text := "False"
	if active {
		text = "True"
	}
	return c.Patch("/Users", id, Operation{"op": "Replace", "path": "active", "value": text})
}

// Replace sets attributes: one operation each without the flag, one operation with dotted keys with it.
func (c *Client) Replace(endpoint, id string, values map[string]any) (*Response, error) {
	if c.Flag {
		return c.Patch(endpoint, id, Operation{"op": "replace", "value": values})
	}
	var ops []Operation
	for path, value := range values {
		ops = append(ops, Operation{"op": "Replace", "path": path, "value": value})
	}
	return c.Patch(endpoint, id, ops...)
}

// AddMembers puts people into a group.
func (c *Client) AddMembers(group string, ids ...string) (*Response, error) {
	if c.Flag {
		return c.Patch("/Groups", group, Operation{"op": "add", "path": "members", "value": members(ids, false)})
	}
	return c.Patch("/Groups", group, Operation{"op": "Add", "path": "members", "value": members(ids, true)})
}

// RemoveMembers takes people out of a group: with a value array without the flag, by value path with it.
func (c *Client) RemoveMembers(group string, ids ...string) (*Response, error) {
	if !c.Flag {
		return c.Patch("/Groups", group, Operation{"op": "Remove", "path": "members", "value": members(ids, true)})
	}
	var ops []Operation
	for _, id := range ids {
		ops = append(ops, Operation{"op": "remove", "path": fmt.Sprintf("members[value eq %q]", id)})
	}
	return c.Patch("/Groups", group, ops...)
}

func members(ids []string, ref bool) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		m := map[string]any{"value": id}
		if ref {
			m["$ref"] = nil
		}
		list[i] = m
	}
	return list
}
