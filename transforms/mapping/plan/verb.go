package plan

// Verb is what a call is for.
type Verb uint8

// The verbs.
const (
	VerbList Verb = iota
	VerbFind
	VerbGet
	VerbCreate
	VerbCreated
	VerbUpdate
	VerbDisable
	VerbEnable
	VerbDelete
	VerbReinvite
	VerbMembers
	VerbMemberAdd
	VerbMemberRemove
	VerbMembersSet
)

// Lists reports whether calls of the verb yield a list.
func (v Verb) Lists() bool { return v == VerbList || v == VerbFind || v == VerbMembers }

// Reads reports whether calls of the verb only look.
func (v Verb) Reads() bool { return v.Lists() || v == VerbGet }

// Changes reports whether calls of the verb send attributes that were changed.
func (v Verb) Changes() bool { return v == VerbCreate || v == VerbUpdate }
