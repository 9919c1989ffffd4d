// Package command is "caddy scim": what an operator does on the command line.
package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "scim",
		Usage: "<keygen|quirks>",
		Short: "Keys and rules of the SCIM gateway",
		Long: `
Works with the SCIM gateway (the handler scim_gateway).

"keygen" makes a SCIM API key and prints the line of the Caddyfile that accepts it.
"quirks" lists the rules by which requests are normalized, and which of them a
profile switches on.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(keygen(), listQuirks())
			cmd.Args = cobra.NoArgs // an unknown command is an error
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		},
	})
}
