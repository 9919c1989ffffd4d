package command

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/transforms/quirks"
)

func listQuirks() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "quirks [--profile <name>]",
		Short: "Lists the rules by which requests are normalized",
		Long: `
Lists every rule, whether the profile switches it on, and what it does. Rules are
switched in the Caddyfile: quirks <profile> { enable <rule...>; disable <rule...> }`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printQuirks(cmd.OutOrStdout(), profile)
		},
	}
	cmd.Flags().StringVarP(&profile, "profile", "p", quirks.Generic,
		"The profile: "+strings.Join(quirks.Profiles(), ", "))
	return cmd
}

func printQuirks(w io.Writer, profile string) error {
	n, err := quirks.New(quirks.Config{Profile: profile})
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for rule, on := range n.State {
		state := "off"
		if on {
			state = "on"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", rule.ID, state, rule.Summary)
	}
	return tw.Flush()
}
