// Package drift is the report of in what an organization differs from what the provider last said, for a person or a
// program: the form of it, its words, and the command. What is in it is found by who knows the organization.
package drift

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/admin"
)

// Part and Action are what the report is called in the admin API.
const (
	Part   = "drift"
	Action = "report"
)

// Report is in what an organization differs from what the provider last said.
type Report struct {
	// Users and Groups are how many there are, and AsOf is when they were listed.
	Users  int       `json:"users"`
	Groups int       `json:"groups"`
	AsOf   time.Time `json:"as_of,omitzero"`

	// NeverProvisioned are users whom the provider has neither created nor changed.
	NeverProvisioned []One `json:"never_provisioned,omitempty"`

	// AddedByHand are members of groups whom the provider did not name, and who were not in the group when it was first read.
	AddedByHand []One `json:"added_by_hand,omitempty"`

	// TakenOut are users whom the provider named as members, and who are in the organization and not in the group.
	TakenOut []One `json:"taken_out,omitempty"`

	// Before are members whom the provider did not name, and who were in the group when it was first read.
	Before []One `json:"members_before,omitempty"`

	// Gone is what the provider has created or changed, and the organization does not show any more.
	Gone []One `json:"gone,omitempty"`

	// Changed is what the organization shows otherwise than when the provider last wrote it.
	Changed []One `json:"changed,omitempty"`

	// Waiting are users who were created inactive long ago.
	Waiting []One `json:"waiting,omitempty"`

	// Invited are users who have not accepted an old invitation.
	Invited []One `json:"invited,omitempty"`

	// NotKnown is what the report cannot tell, in sentences.
	NotKnown []string `json:"not_known,omitempty"`
}

// One is one user or group, or one user in one group.
type One struct {
	Resource   string    `json:"resource"`
	ID         string    `json:"id"` // as the provider knows it
	Name       string    `json:"name,omitempty"`
	Group      string    `json:"group,omitempty"`
	GroupName  string    `json:"group_name,omitempty"`
	Attributes []string  `json:"attributes,omitempty"` // that were changed; their values are not told
	Since      time.Time `json:"since,omitzero"`
}

// Asked is what is asked for.
type Asked struct {
	// Older is for how long somebody waits, or is invited, before it is told, in nanoseconds. The default is a week.
	Older time.Duration `json:"older"`
}

// Usual is what is asked for where nobody says otherwise.
var Usual = Asked{Older: 7 * 24 * time.Hour}

// OfServer returns the report about a SCIM server.
func OfServer() *Report {
	return &Report{NotKnown: []string{
		"anything that was done past the provider: what stands behind this gateway is a SCIM server, which remembers for itself what the provider said. The gateway hands the provider's requests on and keeps no memory of users and groups, so that there is nothing to compare the server with; the provider itself compares in each of its cycles. What the provider sent, and what became of it, is in the provisioning log (caddy scim log)",
	}}
}

// Section is a part of the report in words.
type Section struct {
	Title string
	ToDo  string // what a person can do about it
	All   []One
}

// Sections returns the report in words, what may be an access that nobody meant first. There are no empty parts.
func (r *Report) Sections() (some []Section) {
	for _, s := range []Section{
		{"Added to a group by hand", "The provider has not named them, and will not take them out. Take them out in the organization, or assign them in the provider.", r.AddedByHand},
		{"Never provisioned", "The provider has neither created nor changed them, and will not take their access away. Look whether each of them is meant to be there.", r.NeverProvisioned},
		{"In a group since before it was synchronized", "Nobody knows who put them there: they were in the group when the gateway first read its members. The provider will not take them out. Assign them in the provider, or take them out in the organization.", r.Before},
		{"Taken out of a group by hand", "The provider has named them as members, and takes them for members. Add them in the organization, or take them out in the provider.", r.TakenOut},
		{"Gone from the organization", "Removed there, and not by the provider, which learns of it when it next looks.", r.Gone},
		{"Changed in the organization", "Something else is there than the provider wrote. In its next cycle the provider may write it again.", r.Changed},
		{"Waiting", "Created inactive, and never activated.", r.Waiting},
		{"Invited, and not accepted", "Ask whether the mail arrived, and send the invitation again in the organization.", r.Invited},
	} {
		if len(s.All) > 0 {
			some = append(some, s)
		}
	}
	return some
}

// Size returns how many users and groups were looked at.
func (r *Report) Size() string {
	number := func(n int, one string) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %ss", n, one)
	}
	return number(r.Users, "user") + " and " + number(r.Groups, "group")
}

// Text returns the report for a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	if !r.AsOf.IsZero() {
		fmt.Fprintf(&b, "%s, as of %s\n", r.Size(), r.AsOf.UTC().Format(time.RFC3339))
	}
	sections := r.Sections()
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s: %d\n%s\n", s.Title, len(s.All), s.ToDo)
		for _, one := range s.All {
			fmt.Fprintf(&b, "  %s\n", one.Text())
		}
	}
	if len(sections) == 0 && !r.AsOf.IsZero() {
		b.WriteString("\nNothing is known to differ from what the provider last said.\n")
	}
	if len(r.NotKnown) > 0 {
		b.WriteString("\nNot known is\n")
	}
	for _, sentence := range r.NotKnown {
		fmt.Fprintf(&b, "  %s\n", admin.Printable(sentence))
	}
	return b.String()
}

// Text returns one user or group on a line.
func (o *One) Text() string {
	words := []string{strings.ToLower(o.Resource) + " " + admin.Printable(o.ID)}
	if o.Name != "" {
		words = append(words, admin.Printable(o.Name))
	}
	if o.Group != "" {
		words = append(words, strings.TrimSpace("in group "+admin.Printable(o.Group)+" "+admin.Printable(o.GroupName)))
	}
	if len(o.Attributes) > 0 {
		words = append(words, admin.Printable(strings.Join(o.Attributes, ", ")))
	}
	if !o.Since.IsZero() {
		words = append(words, "since "+o.Since.UTC().Format(time.DateOnly))
	}
	return strings.Join(words, "  ")
}
