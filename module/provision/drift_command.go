package provision

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { admin.RegisterCommand(driftCommand) }

// driftCommand is "caddy scim drift".
func driftCommand() *cobra.Command {
	var c admin.Client
	var asJSON bool
	asked := driftAsked{Older: 7 * 24 * time.Hour}
	cmd := &cobra.Command{
		Use:   "drift [--organization <name>] [--older <duration>] [--json]",
		Short: "Shows in what an organization differs from what the provider last said",
		Long: `
Compares what the gateway last saw of the organization with what it remembers of the
provider's requests: users whom the provider never provisioned, what was removed or
changed by hand, users who wait, and invitations that nobody accepts. It asks the
running gateway through Caddy's admin API; the organization is not asked, and nothing
is changed. What it cannot know it says.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var text json.RawMessage
			if err := c.Do("drift", "report", asked, &text); err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				return err
			}
			var d Drift
			if err := json.Unmarshal(text, &d); err != nil {
				return err
			}
			return d.print(cmd.OutOrStdout())
		},
	}
	c.Flags(cmd)
	cmd.Flags().DurationVar(&asked.Older, "older", asked.Older, "For how long somebody waits or is invited before it is shown")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the report as JSON")
	return cmd
}

// print writes the report for a person.
func (d *Drift) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d users and %d groups", d.Users, d.Groups)
	if !d.AsOf.IsZero() {
		fmt.Fprintf(&b, ", as of %s", d.AsOf.UTC().Format(time.RFC3339))
	}
	b.WriteString("\n")
	for _, part := range []struct {
		title string
		all   []Drifted
	}{
		{"Never provisioned: the provider has neither created nor changed them", d.NeverProvisioned},
		{"Gone: removed in the organization, and not by the provider", d.Gone},
		{"Changed in the organization since the provider wrote it", d.Changed},
		{"Waiting: created inactive, and never activated", d.Waiting},
		{"Invited, and not accepted", d.Invited},
	} {
		if len(part.all) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", part.title)
		for _, one := range part.all {
			fmt.Fprintf(&b, "  %s %s", strings.ToLower(one.Resource), admin.Printable(one.ID))
			if one.Name != "" {
				fmt.Fprintf(&b, "  %s", admin.Printable(one.Name))
			}
			if len(one.Attributes) > 0 {
				fmt.Fprintf(&b, "  %s", admin.Printable(strings.Join(one.Attributes, ", ")))
			}
			if !one.Since.IsZero() {
				fmt.Fprintf(&b, "  since %s", one.Since.UTC().Format(time.DateOnly))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\nNot known is\n")
	for _, sentence := range d.NotKnown {
		fmt.Fprintf(&b, "  %s\n", sentence)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
