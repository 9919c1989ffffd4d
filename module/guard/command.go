package guard

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { admin.RegisterCommand(command) }

func command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "guard",
		Short: "Shows and releases what the guard against mass deprovisioning holds",
	}
	cmd.AddCommand(statusCommand(), releaseCommand(), resetCommand())
	return cmd
}

func statusCommand() *cobra.Command {
	var c admin.Client
	cmd := &cobra.Command{
		Use: "status", Short: "Shows what was counted, and who is held", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var t told
			if err := c.Get("guard", &t); err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), t)
		},
	}
	c.Flags(cmd)
	return cmd
}

func show(w io.Writer, t told) error {
	if len(t.Kinds) == 0 {
		_, err := fmt.Fprintln(w, "The guard is off.")
		return err
	}
	for _, s := range t.Kinds {
		state := "watching"
		switch {
		case !s.Tripped.IsZero():
			state = "TRIPPED since " + s.Tripped.UTC().Format(time.RFC3339)
		case !s.Until.IsZero():
			state = "open until " + s.Until.UTC().Format(time.RFC3339)
		case s.Once > 0:
			state = fmt.Sprintf("watching, %d more are let through", s.Once)
		}
		if _, err := fmt.Fprintf(w, "%-16s %d of %d within %s, %s\n", s.Kind, s.Counted, s.Limit, s.Per, state); err != nil {
			return err
		}
		for _, h := range s.Held {
			if _, err := fmt.Fprintf(w, "  held since %s: %s (%s)\n", h.Since.UTC().Format(time.RFC3339), admin.Printable(h.Name), admin.Printable(h.ID)); err != nil {
				return err
			}
		}
		if s.More > 0 {
			if _, err := fmt.Fprintf(w, "  and %d more\n", s.More); err != nil {
				return err
			}
		}
	}
	return nil
}

func releaseCommand() *cobra.Command {
	var c admin.Client
	var r Release
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Lets go those whom the guard holds: all of them, or whom you name",
		Long: `Lets go those whom the guard holds. The provider comes back for them by itself, at the latest in its next cycle.

Without a flag, all who are held now may lose their access within the next 24 hours, and the guard counts anew. Look at
"caddy scim guard status" first: if these are not leavers, mend the assignments in the provider instead.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			said := 0
			for _, is := range []bool{r.Subject != "", r.Once > 0, r.For > 0} {
				if is {
					said++
				}
			}
			if said > 1 {
				return errors.New("--subject, --once and --for exclude each other")
			}
			var done Released
			if err := c.Do("guard", "release", r, &done); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d who were held may go.\n", done.Released)
			if err == nil && !done.Kept {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "It is not kept: after a restart it has to be said again.")
			}
			return err
		},
	}
	c.Flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.Subject, "subject", "", "Only this person or group, by userName, displayName or id; the others stay held")
	f.IntVar(&r.Once, "once", 0, "The next N removals, whoever it is")
	f.DurationVar(&r.For, "for", 0, "Everything, for this long, such as 1h")
	f.StringVar(&r.Kind, "kind", "", "Only disables, deletes, member_removals or group_deletes")
	return cmd
}

func resetCommand() *cobra.Command {
	var c admin.Client
	cmd := &cobra.Command{
		Use: "reset", Short: "Makes the guard begin anew: nothing is counted, held or let through", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.Do("guard", "reset", struct{}{}, nil); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "The guard counts anew.")
			return err
		},
	}
	c.Flags(cmd)
	return cmd
}
