package keys

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/auth"
)

func init() {
	admin.RegisterCommand(func() *cobra.Command {
		cmd := &cobra.Command{
			Use:   "key <new|list|revoke|rotate>",
			Short: "Makes, lists, revokes and exchanges SCIM API keys of the running gateway",
			Long: `
Works with the keys of the running gateway, through Caddy's admin API. They are kept
in Caddy's storage, as hashes, and are valid at every gateway that shares it within
seconds, without a reload. The organization needs a name ("organization" in the
Caddyfile). Keys of the Caddyfile are listed too, and can be revoked.`,
			Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		}
		cmd.AddCommand(newCommand(), listCommand(), revokeCommand(), rotateCommand())
		return cmd
	})
	for _, s := range []struct{ name, short, long string }{
		{"disable", "Turns provisioning of an organization off", `
Refuses every request for the organization, at every gateway, until it is enabled
again: with 401, as if no key were valid, after which the provider stops asking; or
with 503 (--status 503), after which it tries again.`},
		{"enable", "Turns provisioning of an organization on again", ""},
		{"pause", "Has an organization be read, but not changed", `
Answers every change with 503 and Retry-After, at every gateway, until the
organization is resumed; reading goes on. Who is to lose access keeps it for so long.`},
		{"resume", "Has a paused organization be changed again", ""},
	} {
		admin.RegisterCommand(func() *cobra.Command { return switchCommand(s.name, s.short, s.long) })
	}
}

// limits are the flags that say what a key is good for.
type limits struct {
	scope, from        []string
	expires, notBefore string
}

func newCommand() *cobra.Command {
	var c admin.Client
	var l limits
	var raw bool
	cmd := &cobra.Command{
		Use:   "new <name> [--organization <name>] [--scope <read|users|groups>] [--from <cidr>] [--expires <time>] [--raw]",
		Short: "Makes a key and prints it, this once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			expires, err := moment(l.expires)
			if err != nil {
				return err
			}
			notBefore, err := moment(l.notBefore)
			if err != nil {
				return err
			}
			key, hash, err := secret()
			if err != nil {
				return err
			}
			var i Info
			err = c.Do("keys", "new", map[string]any{
				"name": args[0], "key": hash, "scope": l.scope, "from": l.from, "expires": expires, "not_before": notBefore,
			}, &i)
			if err != nil {
				return err
			}
			return printMade(cmd.OutOrStdout(), key, i, raw)
		},
	}
	c.Flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&l.scope, "scope", nil, "What the key is good for: read, users, groups; default: everything")
	f.StringSliceVar(&l.from, "from", nil, "Addresses from which it is accepted; default: from everywhere")
	f.StringVar(&l.expires, "expires", "", "When it ends: 2027-01-31, a time of RFC 3339, or 90d from now; default: never")
	f.StringVar(&l.notBefore, "not-before", "", "When it begins to be valid; default: at once")
	f.BoolVarP(&raw, "raw", "r", false, "Print the key and nothing else")
	return cmd
}

func rotateCommand() *cobra.Command {
	var c admin.Client
	var expires, keep string
	var raw bool
	cmd := &cobra.Command{
		Use:   "rotate <name|id> [--organization <name>] [--expires <time>] [--keep <duration>] [--raw]",
		Short: "Makes a key in place of another one, which stays valid for the time being",
		Long: `
Makes a key with the rights of another one, and prints it, this once. Both are valid,
so that the provider's can be exchanged without a gap: until the old one is revoked,
or for as long as --keep says. While it is still used there is a line in the log.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			until, err := moment(expires)
			if err != nil {
				return err
			}
			var kept time.Duration
			if keep != "" {
				if kept, err = caddy.ParseDuration(keep); err != nil || kept <= 0 {
					return fmt.Errorf("%q is no duration such as 7d", keep)
				}
			}
			key, hash, err := secret()
			if err != nil {
				return err
			}
			var i Info
			if err := c.Do("keys", "rotate", map[string]any{"name": args[0], "key": hash, "expires": until, "keep": kept}, &i); err != nil {
				return err
			}
			return printMade(cmd.OutOrStdout(), key, i, raw)
		},
	}
	c.Flags(cmd)
	f := cmd.Flags()
	f.StringVar(&expires, "expires", "", "When the new key ends; default: never")
	f.StringVar(&keep, "keep", "", "How long the old key stays valid, 7d for example; default: until it is revoked")
	f.BoolVarP(&raw, "raw", "r", false, "Print the key and nothing else")
	return cmd
}

func revokeCommand() *cobra.Command {
	var c admin.Client
	var at string
	cmd := &cobra.Command{
		Use:   "revoke <name|id> [--organization <name>] [--at <time>]",
		Short: "Has a key refused at every gateway, a key of the Caddyfile too",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := moment(at)
			if err != nil {
				return err
			}
			in := map[string]any{"name": args[0]}
			if from != "" {
				in["at"] = from
			}
			var i Info
			if err := c.Do("keys", "revoke", in, &i); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is revoked from %s on.\n", i.Name, i.ID, i.Revoked.Format(time.RFC3339))
			return err
		},
	}
	c.Flags(cmd)
	cmd.Flags().StringVar(&at, "at", "", "From when on; default: at once")
	return cmd
}

func listCommand() *cobra.Command {
	var c admin.Client
	cmd := &cobra.Command{
		Use:   "list [--organization <name>]",
		Short: "Lists the keys of an organization, with their last use",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s Status
			if err := c.Get("keys", &s); err != nil {
				return err
			}
			return printList(cmd.OutOrStdout(), s.Keys)
		},
	}
	c.Flags(cmd)
	return cmd
}

func printList(w io.Writer, all []Info) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tID\tKIND\tFROM\tSTATUS\tENDS\tLAST USE\tGOOD FOR")
	day := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02 15:04")
	}
	for _, i := range all {
		status := i.Status
		if i.ReplacedBy != "" {
			status += ", replaced by " + i.ReplacedBy
		}
		good := strings.Join(append(i.Scope, i.From...), " ")
		if good == "" {
			good = "everything"
		}
		id := i.ID
		if id == "" {
			id = "-"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, id, i.Kind, i.Source, status, day(i.end()), day(i.LastUse), good)
	}
	return tw.Flush()
}

func printMade(w io.Writer, key string, i Info, raw bool) error {
	if raw {
		_, err := fmt.Fprintln(w, key)
		return err
	}
	_, err := fmt.Fprintf(w, `SCIM API key %s (%s), for the identity provider (Entra calls it Secret Token). It is shown this once:

	%s
`, i.Name, i.ID, key)
	return err
}

func switchCommand(name, short, long string) *cobra.Command {
	var c admin.Client
	var status int
	cmd := &cobra.Command{
		Use:   name + " [<organization>]",
		Short: short,
		Long:  long,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				c.Organization = args[0]
			}
			var s struct {
				State string `json:"state"`
			}
			if err := c.Do("provisioning", name, map[string]int{"status": status}, &s); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "Provisioning is %s.\n", s.State)
			return err
		},
	}
	c.Flags(cmd)
	if name == "disable" {
		cmd.Flags().IntVar(&status, "status", 401, "What is answered: 401 or 503")
	}
	return cmd
}

// secret makes a key here: only its hash travels to the gateway.
func secret() (key, hash string, err error) {
	key = auth.Generate()
	hash, err = auth.Hash(key)
	return key, hash, err
}

// moment reads a time: RFC 3339, a day, or a duration from now.
func moment(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(time.RFC3339), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.UTC().Format(time.RFC3339), nil
	}
	if d, err := caddy.ParseDuration(s); err == nil && d > 0 {
		return time.Now().Add(d).UTC().Format(time.RFC3339), nil
	}
	return "", fmt.Errorf("%s is no time such as 2027-01-31, 2027-01-31T00:00:00Z or 90d", strconv.Quote(s))
}
