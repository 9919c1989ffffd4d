package traffic

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { admin.RegisterCommand(command) }

// keyVariable is where the key is read from, so that it need not be on the command line.
const keyVariable = "SCIM_KEY"

// command is "caddy scim replay".
func command() *cobra.Command {
	p := Player{HTTP: &http.Client{Timeout: 2 * time.Minute}}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay <file> --url <url> [--key <key>] [--json]",
		Short: "Plays recorded traffic against a gateway and compares the answers",
		Long: `
Sends the requests that the option record has written to a gateway, in their order,
and compares each answer with the one that was recorded. Ids that the organization
gives are replaced, times and addresses of resources are not compared.

It changes the organization behind the gateway: use one that is empty and made for
it. --url is what the provider has as the Tenant URL. The key is that of --key, or
of the environment variable ` + keyVariable + `.

The exit status is 1 when an answer differs.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Key = cmp.Or(p.Key, os.Getenv(keyVariable)); p.Key == "" {
				return errors.New("a key is needed: --key, or the environment variable " + keyVariable)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			report, err := p.Play(cmd.Context(), f)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				err = e.Encode(report)
			} else {
				err = report.print(cmd.OutOrStdout())
			}
			if err == nil && len(report.Differ) > 0 {
				err = fmt.Errorf("%d of %d answers differ from the record", len(report.Differ), report.Requests)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.URL, "url", "", "The URL of the gateway's SCIM root")
	f.StringVar(&p.Key, "key", "", "A SCIM API key of that gateway")
	f.BoolVar(&asJSON, "json", false, "Print the report as JSON")
	_ = cmd.MarkFlagRequired("url")
	return cmd
}

// print writes the report for a person.
func (r *Report) print(w io.Writer) error {
	var b strings.Builder
	for _, d := range r.Differ {
		fmt.Fprintf(&b, "line %d: %s %s\n", d.Line, admin.Printable(d.Method), admin.Printable(d.Target))
		for _, c := range d.Changes {
			fmt.Fprintf(&b, "  %s\n    recorded: %s\n    now:      %s\n", admin.Printable(cmp.Or(c.Where, "body")), shown(c.Recorded), shown(c.Now))
		}
	}
	fmt.Fprintf(&b, "%d requests played, %d answers differ", r.Requests, len(r.Differ))
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "; %d left out, whose bodies were no acceptable JSON", r.Skipped)
	}
	if r.Missing > 0 {
		fmt.Fprintf(&b, "; %d are missing in the record", r.Missing)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func shown(v any) string {
	if v == nil {
		return "nothing"
	}
	const most = 500
	text := key(v)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return admin.Printable(text)
}
