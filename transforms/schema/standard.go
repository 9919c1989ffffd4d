package schema

// The URIs of RFC 7643 §4.
const (
	UserURI       = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURI      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseURI = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// Standard returns what RFC 7643 defines: User with the enterprise extension, and Group. Every call makes a set of its own.
//
// The values are those of RFC 7643 §8.7.1, except where the text of the RFC overrules its own example: references and
// binaries are case exact (§2.3.6, §2.3.7), and so is a value that holds the id of a resource, because id is (§3.1) and
// two ids that differ in case are two resources; a group's displayName is required (§4.2); the default sub-attributes of
// §2.4 are there wherever §8.2 and §8.4 show them in use: primary of an address, display of a member.
func Standard() *Set {
	return &Set{
		User: &ResourceType{
			Name: "User", Endpoint: "/Users",
			Core:       &Schema{ID: UserURI, Name: "User", Description: "User Account", Attributes: user()},
			Extensions: []*Schema{{ID: EnterpriseURI, Name: "EnterpriseUser", Description: "Enterprise User", Attributes: enterprise()}},
		},
		Group: &ResourceType{
			Name: "Group", Endpoint: "/Groups",
			Core: &Schema{ID: GroupURI, Name: "Group", Description: "Group", Attributes: group()},
		},
	}
}

// common are the attributes that every resource has without any schema listing them (RFC 7643 §3, §3.1).
var common = []*Attribute{
	{Name: "schemas", Type: Reference, MultiValued: true, Required: true, CaseExact: true, Returned: Always, ReferenceTypes: []string{"uri"},
		Description: "The URIs of the schemas whose attributes the resource has."},
	{Name: "id", CaseExact: true, Mutability: ReadOnly, Returned: Always, Uniqueness: Server,
		Description: "The identifier that the service gave the resource."},
	{Name: "externalId", CaseExact: true,
		Description: "The identifier that the client gave the resource."},
	{Name: "meta", Type: Complex, Mutability: ReadOnly, Description: "What the service knows about the resource itself.", Sub: []*Attribute{
		{Name: "resourceType", CaseExact: true, Mutability: ReadOnly, Description: "The name of the resource's type."},
		{Name: "created", Type: DateTime, CaseExact: true, Mutability: ReadOnly, Description: "When the resource was added to the service."},
		{Name: "lastModified", Type: DateTime, CaseExact: true, Mutability: ReadOnly, Description: "When the resource was last changed at the service."},
		{Name: "location", Type: Reference, CaseExact: true, Mutability: ReadOnly, ReferenceTypes: []string{"uri"}, Description: "The URI of the resource."},
		{Name: "version", CaseExact: true, Mutability: ReadOnly, Description: "The version of the resource, as in its ETag header."},
	}},
}

// user is RFC 7643 §4.1.
func user() []*Attribute {
	return []*Attribute{
		{Name: "userName", Required: true, Uniqueness: Server, Description: "The name with which the user signs in, unique among all users of the service."},
		{Name: "name", Type: Complex, Description: "The parts of the user's name.", Sub: []*Attribute{
			text("formatted", "The whole name as it is to be shown, with titles and suffixes."),
			text("familyName", "The family name, the last name in most Western languages."),
			text("givenName", "The given name, the first name in most Western languages."),
			text("middleName", "The middle names."),
			text("honorificPrefix", "The titles in front of the name, such as \"Dr.\""),
			text("honorificSuffix", "The titles after the name, such as \"III\""),
		}},
		text("displayName", "The name to show to other people."),
		text("nickName", "The casual name by which the user is called."),
		{Name: "profileUrl", Type: Reference, CaseExact: true, ReferenceTypes: []string{"external"}, Description: "The address of a page about the user."},
		text("title", "The user's title in the organization, such as \"Vice President\""),
		text("userType", "How the user is related to the organization, such as \"Employee\" or \"Contractor\""),
		text("preferredLanguage", "The languages the user prefers, as in an Accept-Language header."),
		text("locale", "The language tag by which currency, dates and numbers are shown."),
		text("timezone", "The user's time zone by its name in the IANA database."),
		{Name: "active", Type: Boolean, Description: "Whether the user may use the service."},
		{Name: "password", Mutability: WriteOnly, Returned: Never, Description: "The user's clear text password, for setting it only."},
		several("emails", "The user's e-mail addresses.", text("value", "The e-mail address."), "work", "home", "other"),
		several("phoneNumbers", "The user's telephone numbers.", text("value", "The telephone number."), "work", "home", "mobile", "fax", "pager", "other"),
		several("ims", "The user's instant messaging addresses.", text("value", "The instant messaging address."),
			"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
		several("photos", "Addresses of pictures of the user.",
			&Attribute{Name: "value", Type: Reference, CaseExact: true, ReferenceTypes: []string{"external"}, Description: "The address of the picture."}, "photo", "thumbnail"),
		{Name: "addresses", Type: Complex, MultiValued: true, Description: "The user's postal addresses.", Sub: []*Attribute{
			text("formatted", "The whole address as it is to be written, with line breaks."),
			text("streetAddress", "Street, house number and the like."),
			text("locality", "The city."),
			text("region", "The state or region."),
			text("postalCode", "The postal code."),
			text("country", "The country by its ISO 3166-1 alpha-2 code."),
			kind("work", "home", "other"),
			primary(),
		}},
		{Name: "groups", Type: Complex, MultiValued: true, Mutability: ReadOnly, Description: "The groups the user belongs to; changed through the groups.", Sub: []*Attribute{
			{Name: "value", CaseExact: true, Mutability: ReadOnly, Description: "The id of the group."},
			{Name: "$ref", Type: Reference, CaseExact: true, Mutability: ReadOnly, ReferenceTypes: []string{"User", "Group"}, Description: "The URI of the group."},
			{Name: "display", Mutability: ReadOnly, Description: "The name of the group."},
			{Name: "type", Mutability: ReadOnly, Canonical: []string{"direct", "indirect"}, Description: "Whether the user is a member of the group itself or through another group."},
		}},
		several("entitlements", "What the user is entitled to.", text("value", "The entitlement.")),
		several("roles", "The user's roles.", text("value", "The role.")),
		several("x509Certificates", "The user's certificates.", &Attribute{Name: "value", Type: Binary, CaseExact: true, Description: "The certificate (DER), Base64 encoded."}),
	}
}

// enterprise is RFC 7643 §4.3.
func enterprise() []*Attribute {
	return []*Attribute{
		text("employeeNumber", "The number or code of the employee in the organization."),
		text("costCenter", "The name of the cost center."),
		text("organization", "The name of the organization."),
		text("division", "The name of the division."),
		text("department", "The name of the department."),
		{Name: "manager", Type: Complex, Description: "The user's manager.", Sub: []*Attribute{
			{Name: "value", CaseExact: true, Description: "The id of the manager's own User resource."},
			{Name: "$ref", Type: Reference, CaseExact: true, ReferenceTypes: []string{"User"}, Description: "The URI of the manager's own User resource."},
			{Name: "displayName", Mutability: ReadOnly, Description: "The name of the manager."},
		}},
	}
}

// group is RFC 7643 §4.2.
func group() []*Attribute {
	return []*Attribute{
		{Name: "displayName", Required: true, Description: "The name of the group."},
		{Name: "members", Type: Complex, MultiValued: true, Description: "The members of the group.", Sub: []*Attribute{
			{Name: "value", CaseExact: true, Mutability: Immutable, Description: "The id of the member."},
			{Name: "$ref", Type: Reference, CaseExact: true, Mutability: Immutable, ReferenceTypes: []string{"User", "Group"}, Description: "The URI of the member."},
			{Name: "display", Mutability: Immutable, Description: "The name of the member."},
			{Name: "type", Mutability: Immutable, Canonical: []string{"User", "Group"}, Description: "What the member is."},
		}},
	}
}

func text(name, description string) *Attribute {
	return &Attribute{Name: name, Description: description}
}

func kind(canonical ...string) *Attribute {
	return &Attribute{Name: "type", Canonical: canonical, Description: "What the value is for."}
}

func primary() *Attribute {
	return &Attribute{Name: "primary", Type: Boolean, Description: "Whether this is the preferred value; true for one value at most."}
}

// several returns a multi-valued attribute with the sub-attributes of RFC 7643 §2.4 that §8.7.1 gives to most of them.
func several(name, description string, value *Attribute, canonical ...string) *Attribute {
	return &Attribute{Name: name, Type: Complex, MultiValued: true, Description: description, Sub: []*Attribute{
		value,
		text("display", "The value as it is to be shown."),
		kind(canonical...),
		primary(),
	}}
}
