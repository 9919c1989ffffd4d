package organization

// status is where a member is in its life.
type status int

// The numbers are those of the API.
const (
	statusRevoked   status = -1
	statusInvited   status = 0
	statusAccepted  status = 1
	statusConfirmed status = 2
	statusStaged    status = 3
)

// takesSeat reports whether a member with this status counts against the seats.
func (s status) takesSeat() bool {
	return s == statusInvited || s == statusAccepted || s == statusConfirmed
}

// role is what a member may do; the API calls it type.
type role int

// The numbers are those of the API; 3 was abolished there.
const (
	roleOwner  role = 0
	roleAdmin  role = 1
	roleUser   role = 2
	roleCustom role = 4
)

func (r role) valid() bool { return r >= roleOwner && r <= roleCustom && r != 3 }

// member is a member as the API shows it. It is stored exactly so: the encoded lists are made of the stored bytes.
type member struct {
	Object                string       `json:"object"`
	ID                    guid         `json:"id"`
	UserID                *guid        `json:"userId"` // the person's account; nobody has one before accepting
	Name                  *string      `json:"name"`
	Email                 string       `json:"email"`
	TwoFactorEnabled      bool         `json:"twoFactorEnabled"`
	Status                status       `json:"status"`
	Type                  role         `json:"type"`
	ExternalID            *string      `json:"externalId"`
	Permissions           *permissions `json:"permissions"`
	Collections           []collection `json:"collections"`
	ResetPasswordEnrolled bool         `json:"resetPasswordEnrolled"`
	SSOExternalID         *string      `json:"ssoExternalId"`
}

func newMember(email string, st status, r role) *member {
	return &member{Object: "member", ID: newGUID(), Email: email, Status: st, Type: r, Collections: []collection{}}
}

func (m *member) confirmedOwner() bool { return m.Status == statusConfirmed && m.Type == roleOwner }

// permissions are what a member with the custom role may do.
type permissions struct {
	AccessEventLogs      bool `json:"accessEventLogs"`
	AccessImportExport   bool `json:"accessImportExport"`
	AccessReports        bool `json:"accessReports"`
	CreateNewCollections bool `json:"createNewCollections"`
	EditAnyCollection    bool `json:"editAnyCollection"`
	DeleteAnyCollection  bool `json:"deleteAnyCollection"`
	ManageGroups         bool `json:"manageGroups"`
	ManagePolicies       bool `json:"managePolicies"`
	ManageSSO            bool `json:"manageSso"`
	ManageUsers          bool `json:"manageUsers"`
	ManageResetPassword  bool `json:"manageResetPassword"`
	ManageSCIM           bool `json:"manageScim"`
	ManageAccessRules    bool `json:"manageAccessRules"`
}

// collection is the access of a member or a group to a collection. The collections themselves are not kept here:
// any id is taken.
type collection struct {
	ID            guid `json:"id"`
	ReadOnly      bool `json:"readOnly"`
	HidePasswords bool `json:"hidePasswords"`
	Manage        bool `json:"manage"`
}

// group is a group as the API shows it, and as it is stored.
type group struct {
	Object      string       `json:"object"`
	ID          guid         `json:"id"`
	Name        string       `json:"name"`
	ExternalID  *string      `json:"externalId"`
	Collections []collection `json:"collections"`
}

func newGroup() *group {
	return &group{Object: "group", ID: newGUID(), Collections: []collection{}}
}
