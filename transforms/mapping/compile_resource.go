package mapping

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// resource compiles how one resource type is kept.
func (c *compiler) resource(rt *schema.ResourceType, def *ResourceDef) *plan.Resource {
	r := &plan.Resource{Type: rt, DisableAs: def.DisableAs, IDChanges: def.IDChanges, EmailOrder: def.Email, ReadablePaths: map[string]bool{"id": true}, WritablePaths: map[string]bool{}, UpdatedPaths: map[string]bool{}}
	if len(r.EmailOrder) == 0 {
		r.EmailOrder = template.DefaultEmail
	}
	c.at("email").check(template.CheckEmail(def.Email))
	if def.ID == "" {
		c.fail("there is no id: the path of what becomes the SCIM id")
	}
	r.IDPath = c.at("id").path(def.ID)
	if r.KeyPath = r.IDPath; def.Key != "" {
		r.KeyPath = c.at("key").path(def.Key)
	}
	r.ActiveIf = c.conditions("active", def.Active)
	r.ProtectIf = c.conditions("protect", def.Protect)
	r.StateOf = c.states(def.State)
	c.maps(r, def)
	c.verbs(r, def)
	c.membership(r, def)
	c.uniques(r, def)
	c.stableID(r, def)
	c.whole(r, def)
	return r
}

func (c *compiler) maps(r *plan.Resource, def *ResourceDef) {
	seen := map[string]bool{}
	for i, m := range def.Map {
		at := c.at(index("map", i))
		a, err := template.ParseAttribute(m.Attribute, r.Type)
		if err != nil {
			at.check(err)
			continue
		}
		switch folded := doc.Fold(a.Path); {
		case folded == "id" || folded == "active" || folded == "members" || folded == "schemas" || strings.HasPrefix(folded, "meta"):
			at.fail("%s is not mapped: it follows from id, active, members and the resource type", a.Path)
		case seen[folded]:
			at.fail("%s is mapped twice", a.Path)
		default:
			seen[folded] = true
		}
		if a.Def.MultiValued && a.Def.Type == schema.Complex && a.Sub == "" {
			at.fail("%s has elements with sub-attributes: map those, as in %s.value", a.Path, a.Path)
		}
		if a.Filter != nil && value.Element(a.Filter, a.Def) == nil {
			at.fail("the filter of %s does not say what the element is: it has to be `eq` and values, joined by `and`", a.Path)
		}
		s := at.scope()
		s.Type, s.Names = r.Type, []string{"cur"}
		text := m.Value
		if text == "" {
			at.fail("%s is mapped to nothing", a.Path)
		} else if !strings.Contains(text, "{") {
			text = "{cur." + text + "}"
		}
		v, err := s.ParseString(text)
		at.check(err)
		r.Maps = append(r.Maps, plan.Mapped{Attribute: a, Template: v, Text: text})
		for _, p := range a.Shown() {
			r.ReadablePaths[doc.Fold(p)] = true
		}
	}
	if r.Type == c.set.User {
		r.ReadablePaths["active"] = true
	}
}

// verbs compiles the calls of all verbs but those of membership.
func (c *compiler) verbs(r *plan.Resource, def *ResourceDef) {
	user := r.Type == c.set.User
	r.List = c.calls(r, plan.VerbList, "list", def.List)
	r.Get = c.calls(r, plan.VerbGet, "get", def.Get)
	r.Create = c.calls(r, plan.VerbCreate, "create", def.Create)
	r.Created = c.calls(r, plan.VerbCreated, "created", def.Created)
	r.Update = c.calls(r, plan.VerbUpdate, "update", def.Update)
	r.Delete = c.calls(r, plan.VerbDelete, "delete", def.Delete)
	r.Disable = c.calls(r, plan.VerbDisable, "disable", def.Disable)
	r.Enable = c.calls(r, plan.VerbEnable, "enable", def.Enable)
	r.Reinvite = c.calls(r, plan.VerbReinvite, "reinvite", def.Reinvite)
	r.Find = make(map[string]*plan.Call)
	for _, name := range slices.Sorted(maps.Keys(def.Find)) {
		at := c.at("find." + name)
		a, err := template.ParseAttribute(name, r.Type)
		if err != nil {
			at.check(err)
			continue
		}
		if r.Find[a.Path] != nil {
			at.fail("%s has two finds", a.Path)
		}
		if !r.Readable(a.Path) {
			at.fail("what is found by %s has to be compared again, but the mapping has no `map %s`", a.Path, a.Path)
		}
		r.Find[a.Path] = at.call(r, plan.VerbFind, 0, def.Find[name], map[string]bool{})
		c.sense(plan.VerbFind, []*plan.Call{r.Find[a.Path]})
	}
	if !user {
		c.none("groups are not invited and not deactivated", map[string]int{
			"created": len(def.Created), "disable": len(def.Disable), "enable": len(def.Enable), "reinvite": len(def.Reinvite), "active": len(def.Active),
			"state": len(def.State), "email": len(def.Email), "disable_as": len(def.DisableAs),
		})
		return
	}
	switch def.DisableAs {
	case "":
	case plan.DisableDelete, plan.DisableRefuse:
		if len(r.Disable)+len(r.Enable) > 0 {
			c.at("disable_as").fail("users are deactivated either by disable calls or by %q", def.DisableAs)
		}
		if def.DisableAs == plan.DisableDelete && len(r.Delete) == 0 {
			c.at("disable_as").fail("there is no delete call")
		}
	default:
		c.at("disable_as").fail("unknown word %q: delete or refuse", def.DisableAs)
	}
	if len(r.Disable) > 0 {
		r.WritablePaths["active"] = true
	}
	c.shownLast(r, r.Disable)
	c.shownLast(r, r.Enable)
}

// none reports fields that there must not be.
func (c *compiler) none(reason string, fields map[string]int) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if fields[field] > 0 {
			c.at(field).fail("%s", reason)
		}
	}
}

func (c *compiler) membership(r *plan.Resource, def *ResourceDef) {
	if r.Type == c.set.User {
		c.none("users have no members; membership belongs to the group", map[string]int{
			"members": len(def.Members), "embedded_members": len(def.EmbeddedMembers), "member_add": len(def.MemberAdd),
			"member_remove": len(def.MemberRemove), "members_set": len(def.MembersSet),
		})
		return
	}
	r.Members = c.calls(r, plan.VerbMembers, "members", def.Members)
	r.MemberAdd = c.calls(r, plan.VerbMemberAdd, "member_add", def.MemberAdd)
	r.MemberRemove = c.calls(r, plan.VerbMemberRemove, "member_remove", def.MemberRemove)
	r.MembersSet = c.calls(r, plan.VerbMembersSet, "members_set", def.MembersSet)
	if def.EmbeddedMembers != "" {
		r.Embedded = true
		r.EmbeddedPath = c.at("embedded_members").path(def.EmbeddedMembers)
	}
	if r.Embedded && len(r.Members) > 0 {
		c.at("members").fail("members are read either by calls or from the item, not both")
	}
	reads := r.Embedded || len(r.Members) > 0
	writes := len(r.MemberAdd)+len(r.MemberRemove)+len(r.MembersSet) > 0
	switch {
	case !reads:
		c.fail("there is no way to read a group's members: members or members embedded")
	case !writes:
		c.fail("there is no way to change a group's members: members_set, or member_add and member_remove")
	case len(r.MembersSet) == 0 && (len(r.MemberAdd) == 0) != (len(r.MemberRemove) == 0):
		c.fail("members can only be added or only be removed: give both, or members_set")
	}
	for _, calls := range [][]*plan.Call{r.MemberAdd, r.MemberRemove} {
		bulk, one := false, false
		for _, call := range calls {
			bulk = bulk || call.Uses("members")
			one = one || call.Uses("mid") || call.Uses("member")
			if bulk && one {
				c.of(call).fail("it uses {members} and {mid} or {member}: a call is made either once or once a member")
			}
		}
		if len(calls) > 0 && !bulk && !one {
			c.of(calls[0]).fail("it says neither {mid}, {member.…} nor {members}, so that it is about nobody")
		}
	}
	if len(r.MembersSet) > 0 && !slices.ContainsFunc(r.MembersSet, func(call *plan.Call) bool { return call.Uses("members") }) {
		c.of(r.MembersSet[0]).fail("it does not say {members}")
	}
	if reads {
		r.ReadablePaths["members"], r.ReadablePaths["members.value"] = true, true
	}
	if writes {
		r.WritablePaths["members"], r.WritablePaths["members.value"] = true, true
	}
}

// uniques compiles the attributes that no two resources share.
func (c *compiler) uniques(r *plan.Resource, def *ResourceDef) {
	for _, a := range c.attributes("unique", def.Unique, r.Type) {
		if !r.Readable(a.Path) {
			c.at("unique").fail("%s cannot be looked up: the mapping has no `map %s`", a.Path, a.Path)
		}
		if a.Sub == "" && a.Def.Type == schema.Complex {
			c.at("unique").fail("%s is no single value: say which part of it is unique, as in %s.value", a.Path, a.Path)
		}
		r.Unique = append(r.Unique, a.Path)
	}
}

// stableID finds an id that a change of a name makes another one: the provider would not find the resource again.
func (c *compiler) stableID(r *plan.Resource, def *ResourceDef) {
	if def.IDChanges {
		return
	}
	for _, m := range r.Maps {
		path, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(m.Text, "{cur."), "}"), "|")
		if path == def.ID && r.Updates(m.Attribute.Path) {
			c.at("id").fail("it is the value of %s, which update changes, and the provider would lose whom it renames: take an id that stays, or say id_changes", m.Attribute.Path)
		}
	}
}

// whole checks that the verbs make sense together.
func (c *compiler) whole(r *plan.Resource, def *ResourceDef) {
	name := "displayName"
	if r.Type == c.set.User {
		name = "userName"
	}
	has := func(calls []*plan.Call) bool { return len(calls) > 0 }
	switch {
	case !r.Readable(name):
		c.fail("there is no `map %s`, by which providers look for what exists", name)
	case !has(r.List):
		c.fail("there is no list: without it neither lists nor filters can be answered")
	case !has(r.Create):
		c.fail("there is no create")
	}
	if r.Type == c.set.User {
		switch {
		case has(r.Disable) != has(r.Enable):
			c.fail("disable and enable belong together: what was deactivated must become active again")
		case !has(r.Disable) && def.DisableAs == "":
			c.fail("there is no disable: if the API cannot deactivate users, say `disable delete` or `disable refuse`")
		case has(r.Disable) && len(r.ActiveIf) == 0:
			c.fail("users can be deactivated, but nothing says which are active: active <path> is|not <value>")
		}
	}
	if !has(r.Get) {
		for _, call := range reading(r) {
			if call.Hydrate {
				c.of(call).fail("items are hydrated, but there is no get")
			}
		}
	}
	c.result(r)
	c.about(plan.VerbCreate, r.Create)
}

// reading returns the calls that yield items.
func reading(r *plan.Resource) []*plan.Call {
	return slices.Concat(r.List, slices.Collect(maps.Values(r.Find)))
}

// result settles how the item is found that a create has made.
func (c *compiler) result(r *plan.Resource) {
	var told *plan.Call
	for _, call := range r.Create {
		if call.Result != plan.NoResult {
			if told != nil {
				c.of(call).fail("%s says already where the new item is", told.Where)
			}
			told = call
		}
	}
	if told == nil && len(r.Create) > 0 {
		told = r.Create[0]
		told.Result = plan.ResultBody
	}
	switch {
	case told == nil:
	case len(told.If) > 0 || len(told.Needs) > 0:
		c.of(told).fail("it says where the new item is, but is not always made")
	case told.Result == plan.ResultRefetch && !r.Readable(told.SoughtBy):
		c.of(told).fail("the new item is looked up by %s, which is not mapped", told.SoughtBy)
	}
}
