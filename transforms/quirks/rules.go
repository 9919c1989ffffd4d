package quirks

import (
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// ruleID is the number of a rule: its place in the table.
type ruleID uint8

// The rules, in the order in which a request meets them. Adding one means a name here, and a row in the table below that names
// the function that does it.
const (
	none ruleID = iota

	// The URL.
	trailingSlash
	flagParameter
	flagInPath
	queryBeforePath
	parameterCase
	pagingBounds

	// Filters and paths.
	filterSpelling
	valuePathComparison
	unquotedLiteral
	bareManager
	bareExtension
	membersComparison
	strictFilter
	attributeCase
	urnDot
	urnPath
	asciiNames

	// The text and the envelope.
	missingContentType
	byteOrderMark
	numberRange
	envelopeCase
	envelopeSchemas
	envelopeExtras
	emptyOperations
	operationCase
	operationSpaces
	operationAlias
	nullPath

	// Values of PATCH operations.
	dottedKeys
	missingValue
	nullValue
	nullAdd
	nullBoolean
	nullMembers
	emptyReference
	emptyString
	missingElement
	removeValue
	memberRemovalValue
	membersObject
	pathlessRemoval
	stripID
	foreignID

	// Values anywhere.
	booleanString
	localizedBoolean
	numberString
	scalarInArray
	objectForList
	bareValue
	managerString
	refNull
	duplicateMembers
	memberNumber
	rolesJSON
	rolesDisplay
	controlCharacters
	twoPrimaries

	// Resources in POST and PUT.
	missingSchemas
	enterpriseURNTypo
	microsoftGroupSchema
	scim1Schema
	duplicateSchemas
	unlistedExtension
	createNulls
	emptyManager
	emptyManagerObject
	dottedKeysCreate
	readOnlyAttributes
	emptyLists
	absentMembers

	// Answers of a SCIM upstream.
	answerCase
	answerElements
	answerAttributes
	answerBoolean
	answerID
	answerManager
	answerMeta
	answerSchemas
	answerList
	answerErrorStatus
	answerErrorBody
	answerNotFound
	answerUnknownAttribute
	answerExists
	answerExistingMember
	answerNoContent

	ruleCount
)

// table describes every rule. Nothing else in the package knows an id, a default or a sentence about a rule: the switch,
// the counters, the listing and docs/quirks.md are made from it.
var table [ruleCount]Rule

func init() {
	table = [ruleCount]Rule{
		trailingSlash: {"trailing-slash", "A slash at the end of the path is ignored; nothing is ever redirected.",
			"The path is refused as unknown.", "Q2", all, nil},
		flagParameter: {"flag-parameter", "Feature flags of the Tenant URL (aadOptscim062020, AzureAdScimPatch…) are taken out of the query.",
			"The flags are sent on.", "Q1", all, nil},
		flagInPath: {"flag-in-path", "A feature flag that was typed into the path of the Tenant URL is taken out of it.",
			"The path is refused as unknown.", "Q1", never, nil},
		queryBeforePath: {"query-before-path", "A path that was appended to the query of the Tenant URL (?aadOptscim062020/Users?filter=…) is put in its place.",
			"The request is refused as unknown.", "Q1", never, nil},
		parameterCase: {"parameter-case", "Query parameters are spelled as in RFC 7644 §3.4.2 (startindex becomes startIndex).",
			"They are sent on as they came.", "Q6", all, nil},
		pagingBounds: {"paging-bounds", "A startIndex below 1 becomes 1 and a negative count becomes 0 (RFC 7644 §3.4.2.4).",
			"They are sent on as they came.", "Q20", all, nil},

		filterSpelling: {"filter-spelling", "Filters, and paths with brackets, are printed again canonically: operators in lower case, single spaces, no parentheses without need.",
			"Spaces that the RFC does not permit are refused, and a path keeps its spelling; a filter is printed canonically all the same.", "Q21 Q50", all, steps{allows(filter.Spaces), counts(filter.OperatorCase)}},
		valuePathComparison: {"value-path-comparison", `emails[type eq "work"].value eq "x" becomes emails[type eq "work" and value eq "x"].`,
			"The filter is refused with invalidFilter.", "Q16", all, steps{allows(filter.ValuePathComparison)}},
		unquotedLiteral: {"unquoted-literal", "A string without quotes in a filter or a path is quoted, where the attribute is a string.",
			"The filter or path is refused.", "Q15 Q50", all, steps{allows(filter.UnquotedLiteral)}},
		bareManager: {"bare-manager", "manager means the enterprise extension's manager, in filters its value, unless the core schema has a manager.",
			"manager is an unknown core attribute and is sent on as it came.", "Q17 Q41 T17", all, nil},
		bareExtension: {"bare-extension", "Any attribute of an extension may be named without its URN, unless the core schema has one of that name.",
			"The name is an unknown core attribute and is sent on as it came.", "Q41 T17", never, steps{allows(filter.BareExtension)}},
		membersComparison: {"members-comparison", `members eq "x" becomes members.value eq "x".`,
			"It is sent on as it came: some targets understand just this form.", "O17", never, steps{allows(filter.ComplexCompare)}},
		strictFilter: {"strict-filter", "Filters may use eq and and only, as Entra does; anything else is refused with invalidFilter.",
			"Every filter of RFC 7644 §3.4.2.2 is taken.", "H20", never, nil},
		attributeCase: {"attribute-case", "Names of attributes are spelled as the schema does.",
			"They are sent on as they came; they are still understood. In filters they are spelled as the schema does all the same.", "Q26 Q50", all, steps{counts(filter.NameCase)}},
		urnDot: {"urn-dot", "A dot between a schema's URN and an attribute becomes a colon.",
			"The path is refused with invalidPath, the filter with invalidFilter.", "Q40", all, steps{allows(filter.DotInsteadOfColon)}},
		urnPath: {"urn-path", "The core schema's URN is taken off names of attributes: weak upstreams do not know it.",
			"It stays, but for filters; it is legal (RFC 7644 §3.10).", "Q50", all, steps{counts(filter.CoreURN)}},
		asciiNames: {"ascii-names", "A path in which a name has letters outside ASCII is refused with invalidPath.",
			"It is an unknown attribute and is sent on as it came.", "T3", never, nil},

		missingContentType: {"missing-content-type", "A body without a Content-Type is taken for SCIM.",
			"It is refused with 415.", "Q3", all, nil},
		byteOrderMark: {"byte-order-mark", "One UTF-8 byte order mark before the document is ignored.",
			"It is refused with invalidSyntax.", "H6", all, nil},
		numberRange: {"number-range", "Numbers that no 64-bit float can hold (1e400) are refused with invalidSyntax.",
			"They are sent on as they are written.", "H5", never, nil},
		envelopeCase: {"envelope-case", "The keys of a PATCH are spelled as in RFC 7644 §3.5.2 (operations becomes Operations).",
			"They are refused with invalidSyntax.", "Q49", all, nil},
		envelopeSchemas: {"envelope-schemas", "A PATCH whose schemas are missing or wrong gets the PatchOp URN.",
			"It is refused with invalidSyntax.", "Q49", all, nil},
		envelopeExtras: {"envelope-extras", "Keys that no PATCH has (id, name) are taken out of it.",
			"They are sent on.", "Q49", all, nil},
		emptyOperations: {"empty-operations", "A PATCH without operations is a success that changes nothing.",
			"It is refused with invalidSyntax.", "Q49", all, nil},
		operationCase: {"operation-case", "Names of operations are written in lower case.",
			"They are sent on as they came.", "Q35", all, nil},
		operationSpaces: {"operation-spaces", "White space around the name of an operation is ignored.",
			"It is refused with invalidSyntax.", "Q35", never, nil},
		operationAlias: {"operation-alias", "delete is taken for remove.",
			"It is refused with invalidSyntax.", "Q35", never, nil},
		nullPath: {"null-path", "A path that is null is no path.",
			"It is refused with invalidPath.", "Q49", all, nil},

		dottedKeys: {"dotted-keys", "Keys of an operation without a path that are paths themselves (name.givenName, URN:attribute, emails[…].value) become one operation each, in their order.",
			"They are sent on as they came.", "Q37 Q54", all, nil},
		missingValue: {"missing-value", "A replace without a value is a remove.",
			"It is refused with invalidValue.", "Q45", never, steps{aChange(unset, missing)}},
		nullValue: {"null-value", "A replace with null is a remove (RFC 7643 §2.5).",
			"It is sent on as it came.", "Q45", all, steps{aChange(unset, clearedByNull)}},
		nullAdd: {"null-add", "An add of null is left out: it changes nothing.",
			"It is sent on as it came.", "Q45", all, steps{aChange(omit, addsNull)}},
		nullBoolean: {"null-boolean", "null for a boolean (active) is sent on as it came.",
			"It is refused with invalidValue: it could mean false as well as remove.", "T4", never, steps{unless(aJudgement(nullBooleanRefused))}},
		nullMembers: {"null-members", "A replace of members with null is taken, and empties the group.",
			"It is refused with invalidValue.", "Q62", never, steps{unless(aJudgement(nullMembersRefused))}},
		emptyReference: {"empty-reference", `A manager that is replaced with "", null or {"value":""} is removed, and so is an attribute of the type reference (profileUrl) that is replaced with "".`,
			"It is sent on as it came.", "Q41 Q45", all, steps{aChange(unset, pointsNowhere)}},
		emptyString: {"empty-string", `A replace with "" is a remove.`,
			`It is sent on as it came: "" is a value of a string (RFC 7643 §2.3.1).`, "Q45", never, steps{aChange(unset, clearedByText)}},
		missingElement: {"missing-element", `A value path whose element does not exist (emails[type eq "work"].value) becomes an add of the element, once for all its sub-attributes. A SCIM upstream is read first; an organization needs no such rule.`,
			"It is sent on as it came; strict servers refuse it with noTarget (RFC 7644 §3.5.2.3).", "Q38", never, nil},
		removeValue: {"remove-value", "The value of a remove is left out where the path is no list (RFC 7644 §3.5.2.2).",
			"It is sent on as it came.", "Q44", all, steps{aChange(unset, saysNoMore)}},
		memberRemovalValue: {"member-removal-value", `A remove of a list with a value becomes one remove for each element (members[value eq "x"]): ignoring the value would empty the list.`,
			"It is refused with invalidValue.", "Q56", all, steps{aJudgement(removalSplit), unless(aJudgement(removalRefused))}},
		membersObject: {"members-object", `The list of members may be wrapped in an object ({"members":[…]}).`,
			"It is refused with invalidValue.", "O15", all, steps{aList(doc.Object, listInObject)}},
		pathlessRemoval: {"pathless-removal", `A remove without a path and with {"members":[…]} as value removes these members.`,
			"It is refused with noTarget.", "Q61", never, nil},
		stripID: {"strip-id", "An id in the value of a PATCH is left out where it is the resource's own.",
			"It is sent on as it came.", "O5 O12", only(Authentik), steps{aChange(omit, givesOwnID)}},
		foreignID: {"foreign-id", "A PATCH that would give the resource another id is refused with mutability.",
			"It is sent on as it came.", "O12", all, steps{aJudgement(foreignIDRefused)}},

		booleanString: {"boolean-string", `"True" and "False", in any case of ASCII letters, are booleans where the schema says boolean, and nowhere else.`,
			"They are sent on as they came; in filters and paths they are refused.", "Q25 Q36 Q52 T1 T3", all, steps{aValue(doc.String, booleanOfText, schema.Boolean), allows(filter.BooleanString)}},
		localizedBoolean: {"localized-boolean", "The words for true and false in the languages of Entra's portal (Vrai, Falsch, …) are booleans where the schema says boolean.",
			"They are refused with invalidValue, as every word that is no boolean.", "Q36 T3", only(Entra), steps{aValue(doc.String, booleanOfWord, schema.Boolean), unless(aValue(doc.String, neitherTrueNorFalse, schema.Boolean)), allows(filter.LocalizedBoolean)}},
		numberString: {"number-string", `"7" is a number where the schema says integer or decimal, which only attributes that the operator declared are.`,
			"It is sent on as it came; in filters it is a number all the same.", "Q46 T8", all, steps{aValue(doc.String, numberOfText, schema.Integer, schema.Decimal), counts(filter.NumberString)}},
		scalarInArray: {"scalar-in-array", `[{"$ref":null,"value":"x"}] for an attribute that is no list becomes "x", and the one object in a list that is the value of an operation without a path is taken out of it.`,
			"It is sent on as it came.", "Q41 Q43", all, steps{aValue(doc.Array, valueOfArray)}},
		objectForList: {"object-for-list", "One object for an attribute that is a list becomes a list of one.",
			"It is sent on as it came.", "Q63 O8", all, steps{aList(doc.Object, inList(objectForList, anything), schema.Complex), aList(doc.String, inList(objectForList, simpleText))}},
		bareValue: {"bare-value", `A string in a list of objects becomes {"value":"…"}.`,
			"It is sent on as it came.", "Q63", all, steps{aList(doc.String, inList(none, standsForElement), schema.Complex), anElement(doc.String, objectOfValue, schema.Complex)}},
		managerString: {"manager-string", `A manager that is a string becomes {"value":"…"} (RFC 7643 §4.3).`,
			"It is sent on as it came.", "Q29 Q41", all, steps{aValue(doc.String, managerOfText, schema.Complex)}},
		refNull: {"ref-null", `"$ref":null is left out of elements of lists.`,
			"It is sent on as it came.", "Q55", all, steps{aNull(refIsNothing)}},
		duplicateMembers: {"duplicate-members", "A member that is named twice in one list is named once.",
			"It is sent on as it came.", "Q59", all, nil},
		memberNumber: {"member-number", "A member's id that is a number becomes a string of the same digits.",
			"It is sent on as it came.", "Q63", never, steps{aValue(doc.Number, idOfNumber, schema.String), aList(doc.Number, inList(none, memberID)), anElement(doc.Number, memberOfNumber)}},
		rolesJSON: {"roles-json", `A role whose value is the text {"id":…,"value":…,"displayName":…} becomes an object with value and display. The id is lost.`,
			"It is sent on as it came.", "Q42 T5", never, steps{aRole(roleOfText)}},
		rolesDisplay: {"roles-display", "displayName in a role becomes display.",
			"It is sent on as it came.", "Q30", only(Entra), steps{aRole(displayOfRole)}},
		controlCharacters: {"control-characters", "Control characters in userName, externalId, a group's displayName and ids of members are refused with invalidValue, and in strings of filters and paths with invalidFilter and invalidPath.",
			"They are sent on.", "H7", all, steps{aValue(doc.String, withoutControls, schema.String)}},
		twoPrimaries: {"two-primaries", "A POST or PUT with two primary elements in one list is refused with invalidValue (RFC 7643 §2.4).",
			"It is sent on as it came.", "T18", all, nil},

		missingSchemas: {"missing-schemas", "A resource without schemas gets the URN of its core schema.",
			"It is refused with invalidSyntax.", "Q49", all, nil},
		enterpriseURNTypo: {"enterprise-urn-typo", "The enterprise URN without its last colon (enterprise:2.0User) is repaired.",
			"It is sent on as it came.", "Q28", all, nil},
		microsoftGroupSchema: {"microsoft-group-schema", "Microsoft's own schema URI is taken out of a group's schemas.",
			"It is sent on as it came.", "Q32", all, nil},
		scim1Schema: {"scim1-schema", "URNs from before RFC 7643 (urn:scim:schemas:core:1.0 and 2.0, urn:scim:schemas:extension:enterprise:1.0 and 2.0, with or without :User or :Group) become those of the RFC, in schemas, as keys and in paths.",
			"They are sent on as they came.", "O8", only(OneLogin), nil},
		duplicateSchemas: {"duplicate-schemas", "A schema that is listed twice, in another spelling or by its URN of SCIM 1.0, is listed once (RFC 7643 §3).",
			"The list stays as it came.", "O8", all, nil},
		unlistedExtension: {"unlisted-extension", "The URN of an extension that a resource uses is added to its schemas (RFC 7643 §3).",
			"The list stays as it came.", "Q27", all, nil},
		createNulls: {"create-nulls", "Attributes that are null are left out of a POST (RFC 7643 §2.5), booleans excepted; never out of a PUT.",
			"They are sent on as they came.", "Q24 T4 T13", all, steps{anAttribute(omit, createsNull), aNull(nullIsNothing)}},
		emptyManager: {"empty-manager", `A manager "" is left out of a POST.`,
			"It is sent on as it came.", "Q29", all, steps{anAttribute(omit, createsEmptyManager)}},
		emptyManagerObject: {"empty-manager-object", `A manager {"value":""} is left out of a POST.`,
			"It is sent on as it came.", "O8", only(OneLogin), steps{anAttribute(omit, createsEmptyManagerObject)}},
		dottedKeysCreate: {"dotted-keys-create", "Dotted keys and keys with a URN in a POST become nested objects.",
			"They are sent on as they came.", "Q54", never, nil},
		readOnlyAttributes: {"read-only-attributes", "Attributes that only the server may set (id, meta, groups) are left out of a POST, for strict upstreams.",
			"They are sent on as they came; servers ignore them (RFC 7643 §3.1).", "Q31", never, steps{anAttribute(omit, createsReadOnly)}},
		emptyLists: {"empty-lists", "Lists without an element are left out of a POST, for strict upstreams.",
			"They are sent on as they came.", "Q23 Q33", never, steps{anAttribute(omit, createsEmptyList)}},
		absentMembers: {"absent-members", "A PUT of a group without members empties it (RFC 7644 §3.5.1): for clients that leave an empty list out, so that the last member would never be removed.",
			"The members stay as they are.", "", only(PocketID), nil},

		answerCase: {"answer-case", "The names of attributes in the upstream's answers are spelled as the schema has them: clients compare bytes.",
			"They are answered as they came.", "Q77", all, nil},
		answerElements: {"answer-elements", "Lists in the upstream's answers that are one element, an object with numbers for keys, or the values alone become lists of objects.",
			"They are answered as they came.", "Q77 Q79", all, nil},
		answerAttributes: {"answer-attributes", "attributes and excludedAttributes have their effect although the upstream ignored them (RFC 7644 §3.9), and what is never returned, a password, is left out.",
			"What the upstream answered is answered, without what is never returned.", "Q77", all, nil},
		answerBoolean: {"answer-boolean", "Strings and numbers for booleans in the upstream's answers become booleans; else Entra would correct them for ever.",
			"They are answered as they came.", "Q77 Q79", all, nil},
		answerID: {"answer-id", `An id that is a number in the upstream's answers, also that of a member, a group or a manager, becomes a string (RFC 7643 §3.1), and a member that is an id alone becomes {"value":"…"}.`,
			"It is answered as it came.", "Q77", all, nil},
		answerManager: {"answer-manager", `A manager that is a string or a number in the upstream's answers becomes {"value":"…"}, and one that is "" is left out.`,
			"It is answered as it came.", "Q41 Q77", all, nil},
		answerMeta: {"answer-meta", "A resource without meta.resourceType gets it.",
			"It is answered as it came.", "Q77", all, nil},
		answerSchemas: {"answer-schemas", "A resource without schemas gets those that it uses.",
			"It is answered as it came.", "Q76 Q77", all, nil},
		answerList: {"answer-list", "A list gets what it lacks of schemas, totalResults, Resources, startIndex and itemsPerPage, in the right case and type; itemsPerPage is how many resources there are.",
			"It is answered as it came.", "Q76", all, nil},
		answerErrorStatus: {"answer-error-status", "status in an error is a string, and detail one string (RFC 7644 §3.12).",
			"It is not counted; an error is always written so.", "Q78", all, nil},
		answerErrorBody: {"answer-error-body", "Errors that are no SCIM errors, HTML and those of frameworks, become SCIM errors without their text.",
			"It is not counted; no other text than that of a SCIM error is ever passed on.", "Q78", all, nil},
		answerNotFound: {"answer-not-found", "404 on a filtered list becomes an empty list: Entra would stop provisioning.",
			"404 is answered.", "Q12 Q75", all, nil},
		answerUnknownAttribute: {"answer-unknown-attribute", "400 on a filter that is all about attributes which the schema does not know becomes an empty list: Entra tests the connection with one.",
			"400 is answered.", "Q12", only(Entra), nil},
		answerExists: {"answer-exists", "A POST (400, 422, 500), a PUT or a PATCH of what is unique (400, 422) that failed because the value exists, as the body says, becomes 409 uniqueness; so does every error with that scimType.",
			"It is answered as it came.", "Q71", all, nil},
		answerExistingMember: {"answer-existing-member", "409 on a PATCH that only adds members becomes a success: the member is there.",
			"409 is answered.", "Q59", never, nil},
		answerNoContent: {"answer-no-content", "A PATCH of an organization's group is answered 204 without the group, unless the request names attributes (RFC 7644 §3.5.2): a group of 10,000 members has 1.5 MB, and nobody reads it. What a SCIM server answers stays as it is.",
			"200 with the group is answered.", "Q75", only(Entra), nil},
	}
}
