package mapping

// Definition says how SCIM operations become calls of a REST API. It is what the body of `upstream rest { … }` and every
// preset are parsed into.
//
// Values are written as in a Caddyfile: a text that is exactly one placeholder, such as {scim.active}, keeps the type of
// what it stands for; a text that is JSON is that JSON, and strings inside it may hold placeholders; anything else is a
// string in which placeholders are replaced. Paths into JSON are GJSON paths without modifiers other than @this and
// @values.
type Definition struct {
	// The path on the next handler that every URL of a call begins with, such as /api/public. The default is empty: URLs
	// are used as they stand.
	Base string `json:"base,omitempty"`
	// How calls authenticate, by name. The one called "default" is used by every call that names no other. Without any,
	// calls carry no credentials, and the route may add them (header_up).
	Auths map[string]AuthDef `json:"auths,omitempty"`
	// Header fields that are sent with every call. The default is none.
	Headers map[string]string `json:"headers,omitempty"`
	// What answers of the API mean, tried in order after the rules of the call itself; the first that matches decides.
	// Without a match, 2xx is success, 404 where the URL names a resource is 404, 409 is 409 uniqueness, 429 is 429, any
	// other 4xx is 400 invalidValue, and everything else is 502.
	Errors []RuleDef `json:"errors,omitempty"`
	// How users are kept. Required.
	User *ResourceDef `json:"user,omitempty"`
	// How groups are kept. Without it the gateway offers no groups.
	Group *ResourceDef `json:"group,omitempty"`
}

// AuthDef is one way to authenticate a call.
type AuthDef struct {
	// The kind: "header" (a fixed header field), "basic" (RFC 7617), "oauth2" (client credentials, RFC 6749 §4.4) or
	// "login" (a call that answers with a token or sets a cookie).
	Kind string `json:"kind,omitempty"`
	// The header field that carries the credential, for the kinds header and login. The default is Authorization.
	Header string `json:"header,omitempty"`
	// The header field's value. For the kind header it is required; for the kind login it holds {token}, and the default
	// is "Bearer {token}".
	Value string `json:"value,omitempty"`
	// The user name, for the kind basic.
	User string `json:"user,omitempty"`
	// The password, for the kind basic. The default is none.
	Password string `json:"password,omitempty"`
	// Where the token comes from, for the kinds oauth2 and login: a path on the next handler (the base is not put in front
	// of it), or an absolute URL.
	URL string `json:"url,omitempty"`
	// What is sent there. For oauth2 these are form fields: client_id and client_secret are required, scope and any field
	// that the server wants besides are optional. For login they are the members of a JSON body, or form fields.
	Params []ParamDef `json:"params,omitempty"`
	// How the parameters are sent: for login "json" (the default) or "form"; for oauth2 "form" (the default: client_id and
	// client_secret are form fields) or "basic" (they go into the Authorization header field).
	Body string `json:"body,omitempty"`
	// The path of the token in the answer of a login. A login has a token or a cookie.
	Token string `json:"token,omitempty"`
	// The name of the cookie that a login sets, where there is no token.
	Cookie string `json:"cookie,omitempty"`
	// Header fields of the request for the token, for the kinds oauth2 and login. The default is none.
	Headers map[string]string `json:"headers,omitempty"`
	// How long a token or cookie of a login is used, such as "20m". The default is 15m; an answer of 401 ends it early.
	TTL string `json:"ttl,omitempty"`
}

// ParamDef is a named value, in the order it is sent.
type ParamDef struct {
	// The parameter's name.
	Name string `json:"name,omitempty"`
	// Its value, which may hold placeholders.
	Value string `json:"value,omitempty"`
}

// RuleDef says what an answer of the API means.
type RuleDef struct {
	// The status of the answer: a code such as "400", a class such as "4xx", or "*" for any.
	Status string `json:"status,omitempty"`
	// The path of a value in the answer; @this is the whole of it, which need not be JSON then. Where the path finds
	// several values, one that matches is enough. Without a path the status alone decides.
	Path string `json:"path,omitempty"`
	// A regular expression (RE2) that the value must match, without regard to case. The default is none.
	Pattern string `json:"pattern,omitempty"`
	// Whether the answer is a success in spite of its status: what was asked for is so already. The default is false.
	OK bool `json:"ok,omitempty"`
	// The SCIM status that the provider is told, 400 to 599 and never 401. Required where the answer is an error.
	Answer int `json:"answer,omitempty"`
	// The scimType that goes with it (RFC 7644 §3.12). The default is none.
	Type string `json:"type,omitempty"`
	// The sentence that goes with it. The default is a general one: the API's own text is not passed on, for it may hold
	// personal data.
	Detail string `json:"detail,omitempty"`
}

// ResourceDef says how one resource type is kept.
type ResourceDef struct {
	// The path of an item's id, which becomes the SCIM id. Required.
	ID string `json:"id,omitempty"`
	// Whether an item that gets another name gets another id, too. The gateway then looks the item up by its new name, and
	// the provider goes on with the id that it knows, which the ledger remembers; so the ledger must be on. The default is
	// false: an item that is not there any more after a change of its name is an error.
	IDChanges bool `json:"id_changes,omitempty"`
	// The path of what names the item in URLs, as {key}, where that is not its id. The default is the id.
	Key string `json:"key,omitempty"`
	// What an item looks like in SCIM. The default is none.
	Map []MapDef `json:"map,omitempty"`
	// The conditions that make a user active; all of them must hold. Without any every user is active.
	Active []ConditionDef `json:"active,omitempty"`
	// How far a membership has come: invited, accepted, confirmed, revoked or staged. The first entry that knows the
	// item's value decides. The default is none.
	State []StateDef `json:"state,omitempty"`
	// Attributes of which no two resources may have the same value. They are looked up before a resource is created or
	// changed; the answer is 409 uniqueness then. The default is none.
	Unique []string `json:"unique,omitempty"`
	// The conditions that hide an item from SCIM, so that no provider can change it: administrators, built-in groups. One
	// that holds is enough. The default is none.
	Protect []ConditionDef `json:"protect,omitempty"`
	// Where {scim.email} comes from: the first of these that has a value. "primary" is the e-mail marked so, "work" the one
	// of that type, "first" any, "userName" the user name if it is an address and not that of a guest (#EXT#), "guest" the
	// same with guests. The default is primary, work, userName.
	Email []string `json:"email,omitempty"`
	// The calls that list all items; several are added up. The default is none.
	List []CallDef `json:"list,omitempty"`
	// The calls that read the item {id}; the answer of the last is the item. Without any, the list is searched.
	Get []CallDef `json:"get,omitempty"`
	// The calls that find items by the value of an attribute, {value}. What they find is compared again, so that an API
	// whose search is a substring search, or finds too much, is no danger. Without one the list is searched.
	Find map[string]CallDef `json:"find,omitempty"`
	// The calls that create an item, one after the other. Required for users.
	Create []CallDef `json:"create,omitempty"`
	// The calls about a user who has just been created and is to be active, after the create calls: the organization may have
	// known the person before, and an account that was disabled then is to open again. A create that ended without an answer
	// is followed by them too, so that they may come twice. The default is none.
	Created []CallDef `json:"created,omitempty"`
	// The calls that change the item {id}, one after the other. The default is none.
	Update []CallDef `json:"update,omitempty"`
	// The calls that deactivate a user. The default is none.
	Disable []CallDef `json:"disable,omitempty"`
	// The calls that activate a user again. The default is none.
	Enable []CallDef `json:"enable,omitempty"`
	// What happens instead where users cannot be deactivated: "delete" removes them for good, "refuse" answers 400. There
	// is no default: a mapping without disable calls has to say so.
	DisableAs string `json:"disable_as,omitempty"`
	// The calls that remove the item {id}. The default is none.
	Delete []CallDef `json:"delete,omitempty"`
	// The calls that invite a user once more. The default is none.
	Reinvite []CallDef `json:"reinvite,omitempty"`
	// The path of the ids of a group's members inside its item. The default is none.
	EmbeddedMembers string `json:"embedded_members,omitempty"`
	// The calls that read the ids of a group's members; several are added up. The default is none.
	Members []CallDef `json:"members,omitempty"`
	// The calls that add the user {mid} to the group {id}, or the users {members} where they use that. The default is none.
	MemberAdd []CallDef `json:"member_add,omitempty"`
	// The calls that take the user {mid}, or the users {members}, out of the group {id}. The default is none.
	MemberRemove []CallDef `json:"member_remove,omitempty"`
	// The calls that make {members} the members of the group {id}. Of adding, removing and setting, what is missing is
	// done with the others. The default is none.
	MembersSet []CallDef `json:"members_set,omitempty"`
}

// MapDef gives one SCIM attribute a value from an item.
type MapDef struct {
	// The attribute's path, such as userName, name.givenName or emails[type eq "work"].value.
	Attribute string `json:"attribute,omitempty"`
	// The path of the value in the item, with filters behind it where it has to be changed (email|lower), or a text with
	// placeholders such as "{cur.first} {cur.last}".
	Value string `json:"value,omitempty"`
}

// ConditionDef compares a value of an item with literals. Values are compared as texts: the number 1 and the string "1"
// are equal; what is missing equals null.
type ConditionDef struct {
	// The path of the value.
	Path string `json:"path,omitempty"`
	// The condition holds if the value is one of these.
	Is []string `json:"is,omitempty"`
	// The condition holds if the value is none of these.
	Not []string `json:"not,omitempty"`
}

// StateDef names the state that a value of an item stands for.
type StateDef struct {
	// The path of the value.
	Path string `json:"path,omitempty"`
	// The state by value: invited, accepted, confirmed, revoked or staged.
	Values map[string]string `json:"values,omitempty"`
}

// CallDef is one call of the API.
type CallDef struct {
	// The HTTP method.
	Method string `json:"method,omitempty"`
	// The path below the base, with an optional query. Placeholders are percent-encoded.
	URL string `json:"url,omitempty"`
	// The name of the auth that is used. The default is the one called "default"; "none" is none.
	Auth string `json:"auth,omitempty"`
	// Header fields of this call. The default is none.
	Headers map[string]string `json:"headers,omitempty"`
	// Query parameters, put behind those of the URL. One whose value is missing is left out. The default is none.
	Query []ParamDef `json:"query,omitempty"`
	// How the body is sent: "json", "form" or "none". The default is json where there is something to send, else none.
	Body string `json:"body,omitempty"`
	// The document that the body begins as: "cur" is the item as it is, any other name one that an earlier call saved. The
	// default is an empty object.
	From string `json:"from,omitempty"`
	// The changes that make the body, in order. The default is none.
	Edits []EditDef `json:"edits,omitempty"`
	// Attributes one of which must have been changed (or, in a create, sent) for the call to be made. The default is that
	// it is always made.
	If []string `json:"if,omitempty"`
	// The path of the list in the answer. The default is the answer itself.
	Items string `json:"items,omitempty"`
	// The path of the item in the answer. The default is the answer itself.
	Item string `json:"item,omitempty"`
	// The path of the user's id in an element of a list of members. The default is the element itself.
	Member string `json:"member,omitempty"`
	// Only elements of the list for which this holds are used. The default is none.
	Where []WhereDef `json:"where,omitempty"`
	// Values that are put into every item of the list, because the API leaves them out there. The default is none.
	Overlay []EditDef `json:"overlay,omitempty"`
	// Whether items of the list are only references, each of which has to be read with get. The default is false.
	Hydrate bool `json:"hydrate,omitempty"`
	// How the list is continued. The default is that it is whole.
	Paginate *PaginateDef `json:"paginate,omitempty"`
	// What later calls of the same operation need from the answer. The default is none.
	Save []SaveDef `json:"save,omitempty"`
	// How the new item is found after a create. The default is the answer of the first call.
	Result *ResultDef `json:"result,omitempty"`
	// What answers mean, before the rules of the whole mapping. The default is none.
	Errors []RuleDef `json:"errors,omitempty"`
}

// EditDef changes a document.
type EditDef struct {
	// What is done: "set" (the default) gives a place a value, "append" adds one to an array unless it is there already,
	// "remove" takes one out of an array.
	Action string `json:"action,omitempty"`
	// The place: names and array indexes with dots between them; @this is the whole document.
	Path string `json:"path,omitempty"`
	// The value. One that is missing is null, and left out when an item is created.
	Value string `json:"value,omitempty"`
	// Attributes one of which must have been changed (or, in a create, sent).
	If []string `json:"if,omitempty"`
}

// WhereDef selects elements of a list.
type WhereDef struct {
	// The path of a value in the element; where it finds several, one that is equal is enough.
	Path string `json:"path,omitempty"`
	// What it has to be equal to, as text.
	Value string `json:"value,omitempty"`
}

// PaginateDef says how a list is continued.
type PaginateDef struct {
	// The style: "page" (page numbers), "offset", "cursor" (a token from the answer), "next" (a URL in the answer) or
	// "link" (a Link header field with rel="next", RFC 8288).
	By string `json:"by,omitempty"`
	// The parameter that carries the page's number, the offset or the cursor.
	Param string `json:"param,omitempty"`
	// The parameter that carries the page's size.
	SizeParam string `json:"size_param,omitempty"`
	// The size of a page. It must not be more than the API allows, or lists look shorter than they are.
	Size int `json:"size,omitempty"`
	// The number of the first page. The default is 1 for pages and 0 for offsets.
	First *int `json:"first,omitempty"`
	// The path of the cursor or of the next URL in the answer.
	Path string `json:"path,omitempty"`
	// Whether parameters are members of the body. The default is false: they are query parameters.
	InBody bool `json:"in_body,omitempty"`
	// The path of the number of all items, so that a list that ends early is noticed.
	Total string `json:"total,omitempty"`
	// The header field with the number of all items.
	TotalHeader string `json:"total_header,omitempty"`
}

// SaveDef keeps a part of an answer for later calls.
type SaveDef struct {
	// The name, for use as a placeholder.
	Name string `json:"name,omitempty"`
	// The path of the value.
	Path string `json:"path,omitempty"`
	// With conditions, the value is the first element of the list at the path for which they all hold. If there is none,
	// later calls that use the name are left out: what they would have acted on is not there.
	Where []WhereDef `json:"where,omitempty"`
	// The path inside that element. The default is the element itself.
	Take string `json:"take,omitempty"`
}

// ResultDef says how the item is found that a create has made.
type ResultDef struct {
	// "body": the answer is the item. "id": the answer holds its id, and it is read with get. "location": the Location
	// header field ends with its id. "refetch": it is looked up.
	Kind string `json:"kind,omitempty"`
	// The path of the id, for the kind id.
	Path string `json:"path,omitempty"`
	// The attribute it is looked up by, for the kind refetch. The default is userName for users, displayName for groups.
	Attribute string `json:"attribute,omitempty"`
	// The value that it is looked up with. The default is that of the attribute in the request.
	Value string `json:"value,omitempty"`
}
