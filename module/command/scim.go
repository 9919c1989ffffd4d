// Package command is "caddy scim": what an operator does on the command line.
package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "scim",
		Usage: "<command>",
		Short: "What an operator does with the SCIM gateway",
		Long: `
Works with the SCIM gateway (the handler scim_gateway). "keygen", "quirks", "explain",
"ledger", "log" and "replay" need no admin API; the others ask the running Caddy through it.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(keygen(), listQuirks())
			cmd.AddCommand(admin.Commands()...)
			cmd.Args = cobra.NoArgs // an unknown command is an error
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		},
	})
}
