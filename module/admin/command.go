package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

var commands []func() *cobra.Command

// RegisterCommand adds a command to "caddy scim". It is called by the init function of a part.
func RegisterCommand(command func() *cobra.Command) { commands = append(commands, command) }

// Commands returns all commands of "caddy scim".
func Commands() []*cobra.Command {
	all := []*cobra.Command{statusCommand()}
	for _, command := range commands {
		all = append(all, command())
	}
	return all
}

// Client asks a running gateway through Caddy's admin API.
type Client struct {
	// Organization is the name of the organization that is meant; empty where there is one only.
	Organization string

	address, config, adapter string
}

// Flags adds the flags of the client to a command.
func (c *Client) Flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&c.Organization, "organization", "o", "", "The organization; not needed where there is only one")
	f.StringVar(&c.address, "address", "", "The address of Caddy's admin API, where it is not the default")
	f.StringVarP(&c.config, "config", "c", "", "The configuration file that tells that address")
	f.StringVarP(&c.adapter, "adapter", "a", "", "The adapter of the configuration file")
}

// Get asks what a part tells, or all of them ("status"), and reads the answer's JSON into out.
func (c *Client) Get(part string, out any) error { return c.do(http.MethodGet, part, nil, out) }

// Do has a part carry out an action with the JSON of in, and reads the answer's JSON into out, which may be nil.
func (c *Client) Do(part, action string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.do(http.MethodPost, part+"/"+action, bytes.NewReader(text), out)
}

func (c *Client) do(method, path string, body io.Reader, out any) error {
	address, err := caddycmd.DetermineAdminAPIAddress(c.address, nil, c.config, c.adapter)
	if err != nil {
		return err
	}
	uri := prefix + path
	if c.Organization != "" {
		uri += "?organization=" + url.QueryEscape(c.Organization)
	}
	res, err := caddycmd.AdminAPIRequest(address, method, uri, nil, body)
	if err != nil {
		return asked(err)
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(res.Body, 64<<20)).Decode(out)
}

// asked makes the error of a request readable: Caddy puts the whole answer into it.
func asked(err error) error {
	_, text, ok := strings.Cut(err.Error(), ": {")
	var answer struct {
		Error string `json:"error"`
	}
	if ok && json.Unmarshal([]byte("{"+text), &answer) == nil && answer.Error != "" {
		return errors.New(answer.Error)
	}
	return fmt.Errorf("Caddy's admin API does not answer as it should; is Caddy running, with its admin API on? %w", err) //nolint:staticcheck // a name
}

func statusCommand() *cobra.Command {
	var c Client
	var raw bool
	cmd := &cobra.Command{
		Use:   "status [--organization <name>] [--json]",
		Short: "Tells how the running gateway is",
		Long: `
Tells how each organization of the running gateway is, part by part, and what
somebody has to look after. It asks Caddy's admin API.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.Get("status", &answer); err != nil {
				return err
			}
			if raw {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", answer)
				return err
			}
			return printStatus(cmd.OutOrStdout(), answer)
		},
	}
	c.Flags(cmd)
	cmd.Flags().BoolVar(&raw, "json", false, "Print the answer as JSON")
	return cmd
}

// printStatus prints JSON as an indented list, one value a line.
func printStatus(w io.Writer, text json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	var out strings.Builder
	write(&out, v, 0)
	_, err := io.WriteString(w, cmp.Or(out.String(), "There is no gateway.\n"))
	return err
}
