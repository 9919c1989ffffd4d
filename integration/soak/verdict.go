package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Invariant is something that must be so once there is peace.
type Invariant string

// The invariants. All but the last two are about the organization itself.
const (
	LeaverActive  Invariant = "leaver active"   // who has left, or is not active, has access
	JoinerMissing Invariant = "joiner missing"  // who is active has no access, or who was is not there
	MemberLost    Invariant = "member lost"     // a group lacks somebody
	MemberTooMany Invariant = "member too many" // a group has somebody who is not in it
	Orphan        Invariant = "orphan"          // the organization has somebody or something that the directory has not
	Forgotten     Invariant = "forgotten"       // the provider is told that what it has linked is not there
	Unsettled     Invariant = "unsettled"       // one cycle in peace is not enough
	Unclaimed     Invariant = "unclaimed"       // made late by a call of whom the provider has found nothing since: told to the operator
)

// Organization is what an organization's own API shows of what the job provisions.
type Organization struct {
	Members map[string]bool     // by address: whether the person has access
	Groups  map[string][]string // the addresses of the members, by name
}

// Wrong counts a state that is wrong.
func (j *Job) Wrong(what Invariant, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	j.Trace.Add("!! %s: %s", what, detail)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrong[what] = append(j.wrong[what], detail)
}

// States are the wrong states that were counted.
func (j *Job) States() map[Invariant][]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.wrong)
}

// HasLeavers reports whether somebody has access who is in the directory and not active, or was deleted there.
func (j *Job) HasLeavers(members map[string]bool) bool {
	stays := map[string]bool{}
	for _, p := range j.Directory.People {
		stays[p.Mail] = stays[p.Mail] || p.Active || p.lost
	}
	for _, p := range j.Directory.People {
		if members[p.Mail] && !stays[p.Mail] {
			return true
		}
	}
	return false
}

// Judge compares the organization with the directory.
func (j *Job) Judge(org Organization) {
	shall := map[string]*Person{}
	for _, p := range j.Directory.People {
		if !p.Gone {
			shall[p.Mail] = p
		}
	}
	for mail, p := range shall {
		access, there := org.Members[mail]
		switch {
		case p.Active && !there:
			j.Wrong(JoinerMissing, "%s is not in the organization", mail)
		case p.Active && !access:
			j.Wrong(JoinerMissing, "%s is revoked", mail)
		case !p.Active && access:
			j.Wrong(LeaverActive, "%s is not active in the directory", mail)
		case !p.Active && !there && p.joined:
			j.Wrong(JoinerMissing, "%s was active and is not in the organization any more", mail)
		}
	}
	lost := map[string]bool{}
	for _, p := range j.Directory.People {
		lost[p.Mail] = p.lost
	}
	for mail, access := range org.Members {
		switch {
		case shall[mail] != nil:
		case lost[mail]:
			j.Wrong(Unclaimed, "%s is deleted in the directory", mail)
		case access:
			j.Wrong(LeaverActive, "%s is deleted in the directory", mail)
		default:
			j.Wrong(Orphan, "%s is deleted in the directory, and revoked", mail)
		}
	}
	j.judgeGroups(org)
}

func (j *Job) judgeGroups(org Organization) {
	shall := map[string]bool{}
	for _, g := range j.Directory.Groups {
		if g.Gone {
			continue
		}
		shall[g.Name] = true
		have, there := org.Groups[g.Name]
		if !there {
			j.Wrong(MemberLost, "there is no %s", g.Name)
		}
		want := map[string]bool{}
		for p, in := range g.Members {
			// Who waits for the first activation is in no group yet.
			if _, here := org.Members[p.Mail]; in && here {
				want[p.Mail] = true
			}
		}
		for mail := range want {
			if there && !slices.Contains(have, mail) {
				j.Wrong(MemberLost, "%s is not in %s", mail, g.Name)
			}
		}
		for _, mail := range have {
			if !want[mail] {
				j.Wrong(MemberTooMany, "%s is in %s", mail, g.Name)
			}
		}
	}
	for name := range org.Groups {
		if !shall[name] {
			j.Wrong(Orphan, "there is a group %s", name)
		}
	}
}

// Count says how many wrong states there are of each invariant, in words.
func Count(all ...map[Invariant][]string) string {
	var parts []string
	for _, i := range []Invariant{LeaverActive, JoinerMissing, MemberLost, MemberTooMany, Orphan, Forgotten, Unsettled, Unclaimed} {
		n := 0
		for _, states := range all {
			n += len(states[i])
		}
		parts = append(parts, fmt.Sprintf("%s %d", i, n))
	}
	return strings.Join(parts, ", ")
}
