package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

func listQuirks() *cobra.Command {
	var profile, config, adapter string
	cmd := &cobra.Command{
		Use:   "quirks [--profile <name> | --config <path> [--adapter <name>]]",
		Short: "Lists the rules by which requests are normalized",
		Long: `
Lists every rule, whether it is on, and what it does: as a profile has it, or as
each gateway of a configuration has it. Rules are switched in the Caddyfile:
quirks <profile> { enable <rule...>; disable <rule...> }`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" && adapter == "" {
				return printQuirks(cmd.OutOrStdout(), module.Quirks{Profile: profile})
			}
			_, all, err := admin.Configured(config, adapter)
			if err != nil {
				return err
			}
			return printConfigured(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVarP(&profile, "profile", "p", quirks.Generic, "The profile: "+strings.Join(quirks.Profiles(), ", "))
	cmd.Flags().StringVarP(&config, "config", "c", "", "The configuration file")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "The adapter of the configuration file")
	cmd.MarkFlagsMutuallyExclusive("profile", "config")
	return cmd
}

// printConfigured lists the rules of every gateway of a configuration.
func printConfigured(w io.Writer, all []*admin.Gateway) error {
	if len(all) == 0 {
		return errors.New("there is no scim_gateway in the configuration")
	}
	for _, found := range all {
		var g module.Handler
		text, err := json.Marshal(found.Config)
		if err == nil {
			err = json.Unmarshal(text, &g)
		}
		if err != nil {
			return err
		}
		var names []string
		for _, k := range g.Keys {
			names = append(names, k.Name)
		}
		for _, c := range g.Clients {
			names = append(names, c.Name)
		}
		for _, t := range g.EntraTokens {
			names = append(names, cmp.Or(t.Name, "entra_token "+t.Tenant))
		}
		fmt.Fprintf(w, "The gateway with the keys %s:\n\n", strings.Join(names, ", "))
		if err := printQuirks(w, g.Quirks); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}

func printQuirks(w io.Writer, q module.Quirks) error {
	n, err := quirks.New(quirks.Config{Profile: q.Profile, Enable: q.Enable, Disable: q.Disable})
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
