package dryrun

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/trace"
)

func init() { admin.RegisterCommand(command) }

// command is "caddy scim dry-run".
func command() *cobra.Command {
	cmd := &cobra.Command{Use: "dry-run", Short: "Shows what a dry run would do"}
	cmd.AddCommand(reportCommand())
	return cmd
}

func reportCommand() *cobra.Command {
	var c admin.Client
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report [--organization <name>] [--json]",
		Short: "Shows what would be done by name, what would be refused, and what the guard would hold",
		Long: `
Asks the running gateway, which has dry_run in its configuration. Nothing of what is
shown has been done.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var f Findings
			if err := c.Do("dry_run", "report", struct{}{}, &f); err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(f)
			}
			_, err := io.WriteString(cmd.OutOrStdout(), f.Text())
			return err
		},
	}
	c.Flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "As JSON")
	return cmd
}

// Section is a part of the report: changes of one kind.
type Section struct {
	Title string
	Lines []string
}

var titles = []struct {
	title string
	kinds []trace.Kind
}{
	{"Would lose access", []trace.Kind{trace.Revoked}},
	{"Would be removed", []trace.Kind{trace.Removed}},
	{"Would leave a group", []trace.Kind{trace.MemberRemoved}},
	{"Groups that would be deleted", []trace.Kind{trace.GroupRemoved}},
	{"Would be invited", []trace.Kind{trace.Invited}},
	{"Would be created", []trace.Kind{trace.Created}},
	{"Would wait until they are active", []trace.Kind{trace.Waiting}},
	{"Are there and would be linked", []trace.Kind{trace.Linked}},
	{"Would get access back", []trace.Kind{trace.Restored}},
	{"Would be renamed", []trace.Kind{trace.Renamed, trace.GroupRenamed}},
	{"Would be changed", []trace.Kind{trace.Changed}},
	{"Groups that would be created", []trace.Kind{trace.GroupCreated}},
	{"Would join a group", []trace.Kind{trace.MemberAdded}},
}

// Sections returns the report in words, what takes access away first. There are no empty parts.
func (f *Findings) Sections() (all []Section) {
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			all = append(all, Section{title, lines})
		}
	}
	for _, t := range titles {
		add(t.title, sentences(f.Of(t.kinds...)))
	}
	for _, held := range []struct{ by, title string }{
		{trace.HeldByGuard, "The guard would hold"}, {trace.HeldByProtect, "protect would refuse"},
	} {
		var lines []string
		for _, s := range f.HeldBy(held.by) {
			lines = append(lines, Sentence(s)+" ("+acts[s.Kind]+")")
		}
		add(held.title, lines)
	}
	var refused []string
	for _, e := range f.Refused {
		r := e.What
		name := r.Name
		if name == "" {
			name = r.ID
		}
		refused = append(refused, fmt.Sprintf("%s %s %s: %d, %s", r.Resource, r.Verb, name, r.Status, r.Detail))
	}
	add("Would be refused", refused)
	return all
}

// acts are what is done to somebody who is held.
var acts = map[trace.Kind]string{
	trace.Revoked: "loses access", trace.Removed: "is removed", trace.MemberRemoved: "leaves the group", trace.GroupRemoved: "the group is deleted",
	trace.Renamed: "is renamed", trace.GroupRenamed: "is renamed",
}

func sentences(steps []trace.Step) (lines []string) {
	for _, s := range steps {
		lines = append(lines, Sentence(s))
	}
	return lines
}

// Sentence returns whom a step is about, and what is different then.
func Sentence(s trace.Step) string {
	name := s.Name
	switch {
	case name == "":
		name = s.ID
	case s.ID != "" && !Imagined(s.ID):
		name += " (" + s.ID + ")"
	}
	if s.To != "" {
		name += " → " + s.To
	}
	if len(s.Attributes) > 0 {
		name += ": " + strings.Join(s.Attributes, ", ")
	}
	if group := s.GroupName; group != "" || s.Group != "" {
		if group == "" {
			group = s.Group
		}
		name += ": " + group
	}
	return name
}

// Text returns the report for a terminal.
func (f *Findings) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Dry run of %s since %s. Nothing of this has been done.\n", admin.Printable(f.Organization), f.Began.Local().Format("2006-01-02 15:04"))
	sections := f.Sections()
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s: %d\n", s.Title, len(s.Lines))
		for _, line := range s.Lines {
			fmt.Fprintf(&b, "  %s\n", admin.Printable(line))
		}
	}
	if len(sections) == 0 {
		b.WriteString("\nThere is nothing yet that would be done or refused.\n")
	}
	if f.More > 0 {
		fmt.Fprintf(&b, "\nand %d more that are not listed\n", f.More)
	}
	if f.Full {
		b.WriteString("\n" + Filled + "\n")
	}
	return b.String()
}

// Filled is said of a run that is full.
const Filled = "The dry run could not hold all that was planned. What came later was answered 503."
