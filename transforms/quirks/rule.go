package quirks

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/filter"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Rule is one named deviation and what is done about it.
type Rule struct {
	ID        string // kebab case
	Summary   string // what the rule does where it is on: one line
	Otherwise string // what happens where it is off: one line
	Catalogue string // its numbers in the catalogue of what providers send, separated by spaces
	profiles  profiles
	steps     steps // what is done about it
}

// step is what a rule does at one of the places that a request passes. One of the functions is set.
type step struct {
	unless bool // it is done where the rule is off

	change    *ruling   // about a change in a PATCH
	attribute *ruling   // about an attribute of a POST
	null      nothing   // about a sub-attribute that is null
	value     rewriting // about values of one kind, for attributes of some types
	at        position
	kind      doc.Kind
	types     []schema.Type // empty for all
	name      string        // of the attribute; empty for all
	note      filter.Notes  // about what the parser of filters and paths understood
	allows    bool          // which it has to be allowed
}

type steps []step

func aChange(becomes verdict, holds condition) step {
	return step{change: &ruling{becomes: becomes, holds: holds}}
}

func anAttribute(becomes verdict, holds condition) step {
	return step{attribute: &ruling{becomes: becomes, holds: holds}}
}

func aJudgement(f judgement) step { return step{change: &ruling{judge: f}} }

func aNull(f nothing) step { return step{null: f} }

func aValue(k doc.Kind, f rewriting, types ...schema.Type) step {
	return step{value: f, at: asValue, kind: k, types: types}
}

func aList(k doc.Kind, f rewriting, types ...schema.Type) step {
	return step{value: f, at: asList, kind: k, types: types}
}

func anElement(k doc.Kind, f rewriting, types ...schema.Type) step {
	return step{value: f, at: asElement, kind: k, types: types}
}

func aRole(f rewriting) step {
	return step{value: f, at: asElement, kind: doc.Object, types: []schema.Type{schema.Complex}, name: "roles"}
}

// allows lets the parser understand what the RFC does not permit, and counts it; counts only counts.
func allows(note filter.Notes) step { return step{note: note, allows: true} }
func counts(note filter.Notes) step { return step{note: note} }

// unless returns a step that is taken where the rule is off.
func unless(s step) step {
	s.unless = true
	return s
}

// On reports whether the rule is on in a profile, as long as nobody switches it.
func (r Rule) On(profile string) bool {
	i := slices.Index(names[:], profile)
	return i >= 0 && r.profiles&(1<<i) != 0
}

// Rules returns all rules, in the order in which a request meets them.
func Rules() []Rule { return slices.Clone(table[1:]) }

// The profiles that are named in the table, and [Okta]. Rules look at the shape of a document only, so that a profile decides
// nothing but policy: most are another name of [Generic], for the operator who looks for the name of the provider.
const (
	Generic   = "generic"
	Entra     = "entra"
	Okta      = "okta"
	OneLogin  = "onelogin"
	Authentik = "authentik"
	PocketID  = "pocketid"
)

var names = [...]string{Generic, Entra, Okta, OneLogin, "jumpcloud", "google", "rippling", "ping", Authentik, "keycloak", "salesforce", "sailpoint", PocketID}

// Profiles returns the names of all profiles.
func Profiles() []string { return slices.Clone(names[:]) }

// profiles is a set of profiles, one bit each.
type profiles uint16

const (
	never profiles = 0
	all   profiles = 1<<len(names) - 1
)

func only(profile ...string) (set profiles) {
	for _, name := range profile {
		set |= 1 << slices.Index(names[:], name)
	}
	return set
}

// switches says which rules are on.
type switches [ruleCount]bool

// switched returns a profile's rules, with some of them switched on and off. A rule that is named in both lists is a mistake.
func switched(profile string, enable, disable []string) (on switches, err error) {
	if profile == "" {
		profile = Generic
	}
	if !slices.Contains(names[:], profile) {
		return on, unknown("profile", profile, slices.Values(names[:]))
	}
	for i, r := range table {
		on[i] = r.On(profile)
	}
	for _, id := range enable {
		if slices.Contains(disable, id) {
			return on, fmt.Errorf("quirk %q is both enabled and disabled", id)
		}
	}
	for _, list := range []struct {
		ids []string
		to  bool
	}{{enable, true}, {disable, false}} {
		for _, id := range list.ids {
			r := byID(id)
			if r == none {
				return on, unknown("quirk", id, ids())
			}
			on[r] = list.to
		}
	}
	return on, nil
}

func byID(id string) ruleID {
	for i := ruleID(1); i < ruleCount; i++ {
		if table[i].ID == id {
			return i
		}
	}
	return none
}

func ids() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, r := range table[1:] {
			if !yield(r.ID) {
				return
			}
		}
	}
}

// unknown returns the error for a name that is not in the list; it names what is near.
func unknown(what, name string, known iter.Seq[string]) error {
	var near []string
	for k := range known {
		if distance(name, k) <= 1+len(k)/4 || len(name) > 3 && (strings.Contains(k, name) || strings.Contains(name, k)) {
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		near = slices.Collect(known)
		if len(near) > len(names) {
			return fmt.Errorf("unknown %s %q", what, name)
		}
		return fmt.Errorf("unknown %s %q; there are %s", what, name, strings.Join(near, ", "))
	}
	return fmt.Errorf("unknown %s %q; did you mean %s?", what, name, strings.Join(near, " or "))
}

// distance returns the number of letters to insert, delete or exchange between two names (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
