package drift

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { admin.RegisterCommand(command) }

// command is "caddy scim drift".
func command() *cobra.Command {
	var c admin.Client
	var asJSON bool
	asked := Usual
	cmd := &cobra.Command{
		Use:   "drift [--organization <name>] [--older <duration>] [--json]",
		Short: "Shows in what an organization differs from what the provider last said",
		Long: `
Compares the organization with what the gateway remembers of the provider's requests:
users whom the provider never provisioned, members who were added to a group by hand
or taken out of it, what was removed or changed by hand, users who wait, and invitations
that nobody accepts. It asks the running gateway through Caddy's admin API, which lists
the organization and reads the members of the groups that the provider has changed;
nothing is changed. What it cannot know it says.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var text json.RawMessage
			if err := c.Do(Part, Action, asked, &text); err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				return err
			}
			var r Report
			if err := json.Unmarshal(text, &r); err != nil {
				return err
			}
			_, err := io.WriteString(cmd.OutOrStdout(), r.Text())
			return err
		},
	}
	c.Flags(cmd)
	cmd.Flags().DurationVar(&asked.Older, "older", asked.Older, "For how long somebody waits or is invited before it is shown")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print the report as JSON")
	return cmd
}
