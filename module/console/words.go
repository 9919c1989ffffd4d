package console

import (
	"cmp"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/trace"
)

// words are what templates can say.
var words = template.FuncMap{
	"did": did, "about": about, "ago": ago, "clock": clock, "day": day, "plain": plain, "label": label, "pretty": pretty, "folder": folder, "add": func(a, b int) int { return a + b },
	"labels": inWords, "effects": effects, "sentence": dryrun.Sentence, "list": strings.Fields, "what": what, "state": state, "status": status,
	"words": func(all ...string) []string { return all },
	"pair":  func(base string, r *provlog.Record) map[string]any { return map[string]any{"Base": base, "Record": r} },
}

// plain makes characters visible that would change how others are shown: control characters, and those that turn the
// direction of writing.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20:
			return 0x2400 + r // the picture of the control character
		case r == 0x7f:
			return 0x2421
		case unicode.Is(unicode.Cf, r), unicode.IsControl(r):
			return '\ufffd'
		}
		return r
	}, s)
}

func clock(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04:05") }

func day(t time.Time) string { return t.Local().Format("Monday, 2 January 2006") }

// count returns a number of things in words.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

func ago(t, now time.Time) string {
	d := now.Sub(t)
	n := func(v int, unit string) string {
		if v == 1 {
			return "1 " + unit + " ago"
		}
		return fmt.Sprint(v, " ", unit, "s ago")
	}
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return n(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return n(int(d.Hours()), "hour")
	}
	return n(int(d.Hours()/24), "day")
}

// did returns what a request wanted, in a few words.
func did(resource, verb string) string {
	if verb == provlog.Settled {
		return "Found out by itself"
	}
	thing := map[string]string{"User": "person", "Group": "group"}[resource]
	if thing == "" {
		if resource == "none" {
			return "Refused a request"
		}
		return "Read " + resource
	}
	switch verb {
	case "list":
		return "Searched " + map[string]string{"User": "people", "Group": "groups"}[resource]
	case "read":
		return "Looked up a " + thing
	case "create":
		return "Created a " + thing
	case "replace", "patch":
		return "Changed a " + thing
	case "delete":
		return "Deleted a " + thing
	}
	return "Was not let in"
}

// about returns the name of what a request is about.
func about(name, id string) string { return plain(cmp.Or(name, id)) }

func folder(resource string) string {
	if resource == "Group" {
		return "groups"
	}
	return "people"
}

var labels = map[string]string{
	"linked": "linked to somebody who was there before", "adopted": "found again after an interrupted request", "waiting": "waits until active",
	"unchanged": "nothing had to change", "protected": "none of the provider's", "guarded": "held back by the guard", "settled": "found out what became of a call without an answer",
	"unread":  "not put back, if they were in it: the group could not be read",
	"created": "created", "renamed": "renamed", "changed": "changed", "invited": "invited", "revoked": "access revoked", "restored": "access restored", "removed": "removed from the organization",
	"group_created": "group created", "group_renamed": "group renamed", "group_changed": "group changed", "group_removed": "group deleted",
	"member_added": "added to the group", "member_removed": "taken out of the group",
}

// status returns what was answered; a dash where nobody asked.
func status(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

// label returns a decision or an effect in words.
func label(kind any) string {
	s := fmt.Sprint(kind)
	return cmp.Or(labels[s], s)
}

// inWords returns the decisions and effects of a line of a timeline in words.
func inWords(notes string) (all []string) {
	for _, n := range noted(notes) {
		text := label(n.Kind)
		if n.Because != "" {
			text += " because of " + plain(n.Because)
		}
		all = append(all, text)
	}
	return all
}

// noted reads the notes of a line of a timeline: "linked (userName, existing link), revoked".
func noted(text string) (all []trace.Note) {
	for text != "" {
		end := strings.IndexAny(text, ",(")
		n := trace.Note{Kind: trace.Kind(text)}
		rest := ""
		if end >= 0 {
			n.Kind, rest = trace.Kind(strings.TrimSpace(text[:end])), text[end:]
		}
		if because, after, found := strings.Cut(strings.TrimPrefix(rest, "("), ")"); found && strings.HasPrefix(rest, "(") {
			n.Because, rest = because, after
		}
		all, text = append(all, n), strings.TrimPrefix(rest, ", ")
	}
	return all
}

// effects returns what a request did, in words, each once with how many times.
func effects(notes []trace.Note) (all []string) {
	times := map[trace.Kind]int{}
	var kinds []trace.Kind
	for _, n := range notes {
		if !n.Kind.Effect() {
			continue
		}
		if times[n.Kind]++; times[n.Kind] == 1 {
			kinds = append(kinds, n.Kind)
		}
	}
	for _, kind := range kinds {
		text := label(kind)
		if n := times[kind]; n > 1 {
			text += fmt.Sprint(" × ", n)
		}
		all = append(all, text)
	}
	return all
}

// what returns the effect of a line of a timeline on its subject.
func what(l provlog.Line, subject string) string {
	if l.Subject == subject {
		return ""
	}
	var all []string
	for _, w := range l.Words() {
		all = append(all, label(w.What))
	}
	return strings.Join(all, ", ")
}

// state returns how far a user or a group has come: a class and words.
func state(s provlog.Subject) [2]string {
	switch {
	case s.Gone:
		return [2]string{"off", "removed"}
	case s.Resource == "User" && s.Active == 0:
		return [2]string{"off", "no access"}
	case s.State == "invited":
		return [2]string{"wait", "invited"}
	case s.State == "accepted":
		return [2]string{"wait", "accepted"}
	case s.State == "staged":
		return [2]string{"wait", "waiting"}
	case s.State == "revoked":
		return [2]string{"off", "no access"}
	case s.State != "":
		return [2]string{"on", s.State}
	case s.Active == 1:
		return [2]string{"on", "active"}
	}
	return [2]string{"", ""}
}
