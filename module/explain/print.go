package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provlog"
	"github.com/caddy-scim/gateway/module/trace"
)

// Outcome is what becomes of a request.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // it would be carried out
	Refused Outcome = "refused" // the provider would be told an error
	Asks    Outcome = "asks"    // what the upstream has decides, which was not asked
)

// Explanation is what becomes of one request, and why.
type Explanation struct {
	Request string  `json:"request"`
	Guessed bool    `json:"guessed,omitempty"` // that line, because nobody said it
	Outcome Outcome `json:"outcome"`
	*provlog.Record
}

// text returns an explanation for a terminal: received, each rule, canonical, what was decided, what would be done, the answer.
func (e *Explanation) text() string {
	var b strings.Builder
	section := func(title string) { fmt.Fprintf(&b, "\n%s\n", title) }
	line := func(format string, args ...any) {
		for i := range args {
			if s, ok := args[i].(string); ok {
				args[i] = admin.Printable(s)
			}
		}
		fmt.Fprintf(&b, "  "+format+"\n", args...)
	}
	b.WriteString(admin.Printable(e.Request) + "\n")
	if e.Guessed {
		line("That is a guess: --method and --path say what it is.")
	}
	section("Received")
	document(&b, e.Received)
	section("Corrected")
	for _, r := range e.Rules {
		after := r.After
		if after == "" {
			after = "(left out)"
		}
		line("%s  %s: %s -> %s", r.Rule, r.Path, r.Before, after)
	}
	if len(e.Rules) == 0 {
		line("nothing had to be")
	}
	if e.Canonical != nil {
		section("Canonical")
		document(&b, e.Canonical)
	}
	if len(e.Notes) > 0 {
		section("Decided")
		for _, n := range e.Notes {
			line("%s %s %s", string(n.Kind), n.ID, n.Because)
		}
	}
	section("Would be done")
	for _, s := range e.Steps {
		held := map[string]string{trace.HeldByGuard: ", but the guard would hold it", trace.HeldByProtect: ", but protect would refuse it"}[s.Held]
		line("%s: %s%s", string(s.Kind), dryrun.Sentence(s), held)
	}
	for _, c := range e.Calls {
		what := fmt.Sprintf("answered %d", c.Status)
		switch {
		case c.Error != "":
			what = c.Error
		case c.Planned:
			what = "not sent"
		}
		name := ""
		if c.Name != "" {
			name = "  " + c.Name
		}
		line("%s %s%s (%s)", c.Method, c.Path, name, what)
	}
	if len(e.Steps)+len(e.Calls) == 0 {
		line("nothing")
	}
	section("Answered")
	switch e.Outcome {
	case Asks:
		line("that depends on what the upstream has: --upstream asks it, and changes nothing")
	case Refused:
		line("%d %s %s", e.Status, e.ScimType, e.Error)
	case Done:
		if e.Status >= 400 { // what a dry run answers to what takes access away
			line("success, when it is done: a dry run answers %d", e.Status)
			break
		}
		line("%d", e.Status)
		document(&b, e.Answered)
		if len(e.NotKept) > 0 {
			line("not kept: %s", strings.Join(e.NotKept, ", "))
		}
	}
	return b.String()
}

// document prints a query and a body.
func document(b *strings.Builder, d *provlog.Document) {
	if d == nil {
		b.WriteString("  no document\n")
		return
	}
	if d.Query != "" {
		fmt.Fprintf(b, "  ?%s\n", admin.Printable(d.Query))
	}
	var text bytes.Buffer
	switch {
	case len(d.Body) > 0 && json.Indent(&text, d.Body, "  ", "  ") == nil:
		for line := range strings.SplitSeq(text.String(), "\n") {
			rest := strings.TrimLeft(line, " ")
			fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", max(2, len(line)-len(rest))), admin.Printable(rest))
		}
	case d.Bytes > 0:
		fmt.Fprintf(b, "  a document of %d bytes\n", d.Bytes)
	}
}
