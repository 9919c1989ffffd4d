package requests

const (
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	contosoURN    = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
	typo          = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
)

// What requests are made of: names, paths and values that a rule looks at, and what is like them.
var (
	operations = []string{`"add"`, `"replace"`, `"remove"`, `"Add"`, `"Replace"`, `"Remove"`}

	settings = operations[:2] // for what has no path, mostly

	strangeOperations = []string{`"REMOVE"`, `"delete"`, `" add "`, `"r\u0065place"`, `"move"`, `"Add"`, `"remove"`}

	uris = []string{userURN, userURN, groupURN, enterpriseURN, enterpriseURN, contosoURN, typo, "URN:ietf:params:scim:schemas:core:2.0:user",
		"URN:ietf:params:SCIM:schemas:extension:enterprise:2.0:User", "urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0",
		"urn:scim:schemas:extension:enterprise:1.0", "urn:scim:schemas:core:2.0:User", "urn:scim:schemas:core:2.0:Group", "urn:scim:schemas:extension:enterprise:2.0:User",
		"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group", "URN:x:y:z", "urn:a:b:2.0:User"}

	keys = []string{`"active"`, `"active"`, `"Active"`, `"displayName"`, `"displayName"`, `"title"`, `"emails"`, `"emails"`, `"Emails"`, `"name"`, `"name.givenName"`, `"Name.FamilyName"`,
		`"userName"`, `"externalId"`, `"id"`, `"schemas"`, `"meta"`, `"groups"`, `"password"`, `"profileUrl"`, `"photos"`, `"members"`, `"members"`, `"members"`, `"roles"`, `"roles"`,
		`"entitlements"`, `"addresses"`, `"x509Certificates"`, `"manager"`, `"department"`, `"nickName"`, `"\u0061ctive"`, `"True"`, `""`, `"a b"`, `"paſſword"`, `"unknown"`, `"a.b"`,
		`"` + enterpriseURN + `"`, `"` + enterpriseURN + `"`, `"` + enterpriseURN + `:manager"`, `"` + enterpriseURN + `:manager"`, `"` + enterpriseURN + `.manager"`,
		`"` + enterpriseURN + `:manager.value"`, `"` + enterpriseURN + `:manager.displayName"`, `"` + enterpriseURN + `:department"`, `"` + typo + `"`, `"` + typo + `:department"`,
		`"` + userURN + `"`, `"` + userURN + `:active"`, `"` + userURN + `:name.givenName"`, `"` + groupURN + `:members"`, `"URN:x:y:z"`, `"urn:a:b:2.0:User:c"`,
		`"urn:scim:schemas:extension:enterprise:2.0"`, `"urn:scim:schemas:extension:enterprise:1.0"`, `"urn:scim:schemas:extension:enterprise:2.0:User"`,
		`"` + contosoURN + `"`, `"` + contosoURN + `:level"`, `"` + contosoURN + `:contractor"`, `"` + contosoURN + `:tags"`, `"` + contosoURN + `:numbers"`,
		`"emails[type eq \"work\"].value"`, `"emails[type eq \"work\"]"`, `"emails[type eq work]"`, `"roles[primary eq \"True\"].value"`, `"members[value eq \"1\"]"`, `"emails.value"`,
		`"members.value"`, `"manager.value"`}

	paths = []string{`"emails[type eq \"work\" and primary eq true].value"`, `"emails[type EQ \"work\"].Value"`, `"emails[ type eq \"work\" ].value"`, `"emails[primary eq \"True\"].type"`,
		`"addresses[type eq \"work\"].formatted"`, `"addresses[type eq \"work\"].streetAddress"`, `"phoneNumbers[type eq \"mobile\"].value"`, `"roles[primary eq true].value"`,
		`"roles[value eq \"x\"].displayName"`, `"members[value eq \"x\"]"`, `"members[value eq 1]"`, `"members[value eq \"x\"].display"`, `"Members[Value eq \"X\"]"`,
		`"members[value eq \"CORP\\bob\"]"`, `"members[value eq \"a\\u000ab\"]"`, `"members[display eq \"x\" and type eq \"User\"]"`, `"emails[type eq \"work\"]"`, `"emails[value co \"x\"]"`,
		`"` + userURN + `:emails[type eq \"work\"].value"`, `"` + enterpriseURN + `"`, `"` + enterpriseURN + `:Manager"`, `"` + enterpriseURN + `:manager[value eq \"x\"]"`, `"` + contosoURN + `:numbers"`,
		`"emails["`, `"emails[]"`, `" active "`, `"active.x"`, `"urn:x:y:2.0:User:a.b"`, `"[x eq 1]"`, `null`}

	values = []string{`"True"`, `"False"`, `"true"`, `"Faux"`, `"Vrai"`, `"yes"`, `""`, `""`, `null`, `null`, `{}`, `[]`, `[null]`, `true`, `false`, `0`, `42`, `1e400`, `1.5`, `"7"`, `"007"`, `"1.5"`, `"x"`, `"x"`,
		`"x@example.com"`, `{"manager":""}`, `{"manager":{"value":""}}`, `{"manager":"x","department":null}`, `{"Department":"x"}`, `{"value":"x"}`, `{"Value":"x","$ref":null}`, `{"value":""}`,
		`{"value":null}`, `{"displayName":"x"}`, `[{"value":"x","primary":true}]`, `[{"value":"x","primary":"True"},{"value":"y","primary":"true"}]`, `[{}]`, `["x","x","y"]`, `["x"]`, `[""]`,
		`[{"value":"x"},{"value":"x","display":"y"}]`, `[{"$ref":null,"value":""}]`, `[{"$ref":null,"value":"x"}]`, `[{"$ref":null,"value":"False"}]`, `[{"$ref":null,"value":null}]`, `[{"value":null}]`,
		`[{"value":["x"]}]`, `[[{"value":"x"}]]`, `[{"value":42},43]`, `{"members":[{"value":"x"}]}`, `{"members":[]}`, `{"members":{"members":["x"]}}`,
		`[{"value":"{\"value\":\"25\",\"displayName\":\"R\"}"}]`, `[{"value":"25","displayName":"R"}]`, `[{"value":"25","displayName":"R","display":"S"}]`, `"` + ID + `"`, `[{"value":"` + ID + `"}]`,
		`"a\u0000"`, `["a\u0000"]`, `["` + userURN + `"]`, `["` + groupURN + `"]`, `"` + userURN + `"`, `{"givenName":null,"FamilyName":"x"}`, `{"a":{"b":[1,2]}}`,
		`[{"type":"work","value":"a","primary":"False"},"b"]`, `[{"type":"work","value":"a"},{"type":"home","value":"b"}]`, `{"value":42}`, `{"value":"a\u0000"}`,
		`"{\"value\":\"25\",\"displayName\":\"R\"}"`, `["{\"id\":\"1\",\"value\":\"25\"}","x","{\"value\":\"{}\"}"]`, `{"Formatted":"x","type":"work"}`, ` "x" `, `[ {"value" : "x" , "$ref" : null } ]`,
		`[{"primary":"Wahr","value":"x","type":null}]`, `{"operation":"delete","value":"x"}`, `{"meta":{"attributes":["title"]}}`}

	typicalValues = map[string][]string{
		`"active"`: {`"True"`, `"False"`, `"Vrai"`, `null`, `true`, `false`, `[{"value":"False"}]`, `["x"]`}, `"id"`: {`"` + ID + `"`, `"x"`, `null`},
		`"title"`: {`""`, `null`, `[{"value":"x"}]`, `"x"`}, `"profileUrl"`: {`""`, `null`, `"x"`}, `"emails"`: {`[]`, `""`, `"x"`, `{"value":"x"}`, `null`, `["x"]`},
		`"roles"`:                         {`[{"value":"{\"value\":\"25\",\"displayName\":\"R\"}"}]`, `[{"value":"25","displayName":"R"}]`, `["{\"value\":\"25\"}"]`, `"x"`, `[{"value":"x","primary":"True"},{"value":"y","primary":true}]`},
		`"manager"`:                       {`""`, `null`, `{"value":""}`, `"x"`, `{"value":null}`, `[{"$ref":null,"value":"x"}]`, `{"displayName":"x"}`},
		`"` + enterpriseURN + `:manager"`: {`""`, `null`, `{"value":""}`, `"x"`, `[{"$ref":null,"value":""}]`, `[{"$ref":null,"value":"x"}]`},
		`"` + contosoURN + `:level"`:      {`"7"`, `"007"`, `7`, `null`, `""`}, `"level"`: {`"7"`, `"x"`, `7`}, `"` + contosoURN + `:contractor"`: {`"True"`, `"x"`}, `"contractor"`: {`"True"`, `"Falsch"`},
		`"` + contosoURN + `:numbers"`: {`["7",8]`, `"7"`, `7`, `["x"]`}, `"members"`: {`null`, `[]`, `{"members":[]}`, `{"members":[{"value":"x"}]}`, `[42]`, `[{"value":"x"},{"value":"x"}]`},
		`"` + enterpriseURN + `:manager.value"`: {`""`, `null`, `"x"`}, `"userName"`: {`"x@example.com"`, `"a\u0000"`, `null`, `""`},
	}

	extensionKeys = []string{`"manager"`, `"manager"`, `"manager"`, `"Manager"`, `"department"`, `"Department"`, `"employeeNumber"`, `"manager.value"`, `"` + enterpriseURN + `:manager"`, `"unknown"`, `"a.b"`, `"a:b"`, `"level"`,
		`"contractor"`, `"tags"`, `"numbers"`, `"active"`, `"name.givenName"`, `"emails"`, `"members"`, `"x y"`, `"` + userURN + `"`, `"costCenter"`}

	memberShapes = []string{`{"value":"%s"}`, `{"value":"%s"}`, `{"$ref":null,"value":"%s"}`, `{"$ref":null,"value":"%s"}`, `{"value":"%s","$ref":null}`, `{"value":"%s","display":"x","type":"User"}`,
		`{"display":"somebody of a name that is longer than 32 bytes","value":"%s"}`, `{"Value":"%s","$ref":"../Users/%s"}`, `{ "value" : "%s" }`, `"%s"`, `{"value":7%s}`, `8%s`,
		`{"value":"%s","primary":"True"}`, `{"a":"1","b":"2","c":"3","d":"4","e":"5","value":"%s","$ref":null}`}

	memberValues = []string{`null`, `[]`, `""`, `"x"`, `42`, `{}`, `{"value":"x"}`, `{"value":42}`, `[null]`, `[{}]`, `[""]`, `[{"value":""}]`, `[42,"42",{"value":42}]`, `true`, `[[{"value":"x"}]]`,
		`[{"display":"x"}]`, `{"value":"x","$ref":null}`, `[{"value":null}]`, `{"members":[]}`, `{"Members":[{"value":"x"}]}`, `{"members":"x"}`}

	parameters = []string{"filter", "filter", "filter", "Filter", "startIndex", "startindex", "count", "Count", "attributes", "excludedAttributes", "sortBy", "aadOptscim062020", "AzureAdScimPatch062020", "x"}

	filterAttributes = []string{"userName", "username", "UserName", "externalId", "emails", "emails.value", `emails[type eq "work"].value`, "displayName", "active", "id", "manager", "members", "members", "members", "members.value",
		"department", "unknown", "meta.resourceType", "schemas", userURN + ":userName", enterpriseURN + ":manager", enterpriseURN + ":department", enterpriseURN + ".department", contosoURN + ":level", "meta.lastModified"}

	comparisons = []string{"eq", "eq", "eq", "Eq", "EQ", "ne", "co", "sw", "ew", "gt", "le", "is"}

	literals = []string{`"x"`, `"a@example.com"`, `x`, `"O'Malley"`, `"a\"b"`, `"Sales\north"`, `"Sales\\north"`, `"a\u000ab"`, `"CORP\bob"`, `True`, `"True"`, `"Faux"`, `false`, `null`, `7`, `"7"`, `007`, `""`,
		"\u201cx\u201d", `"2011-05-13T04:42:34Z"`, `urn:a:b`}

	filters = []string{`emails[type eq "work" and value co "@example.com"]`, `userName pr`, `externalId PR`, `members[value eq "x"]`, `manager.value eq "x"`, `not (active eq true)`, `emails[type eq "work"]`,
		`members eq "x"`, `manager eq "x"`, `userName eq`, `(userName eq "x"`, `emails[type eq "work"`, `userName eq "x" and`, `()`, `userName  eq  "x"`, `schemas eq "` + enterpriseURN + `"`, `PLACEHOLDER eq "x"`, `groups[value eq "x"] or id eq "y"`}
)
