package command

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/auth"
)

func keygen() *cobra.Command {
	var name string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "keygen [--name <name>] [--quiet]",
		Short: "Makes a SCIM API key",
		Long: `
Makes a SCIM API key of 256 random bits and prints it, with the line of the
Caddyfile that accepts it. The line holds only the key's SHA-256, so that the
configuration is no secret; the key itself is given to the identity provider and
is kept nowhere.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printKey(cmd.OutOrStdout(), newKey(), name, quiet)
		},
	}
	cmd.Flags().StringVarP(&name, "name", "n", "entra", "Who will use the key; the name is in the access log")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Print the key and nothing else")
	return cmd
}

// newKey is 256 bits from the system's generator in characters that survive every form and header.
func newKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the process is stopped where there is no randomness
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func printKey(w io.Writer, key, name string, quiet bool) error {
	if quiet {
		_, err := fmt.Fprintln(w, key)
		return err
	}
	k := auth.Key{Name: name, Key: key}
	if err := k.Check(); err != nil {
		return err
	}
	hash, err := auth.Hash(key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `SCIM API key, for the identity provider (Entra calls it Secret Token):

	%s

Line for the block of scim_gateway in the Caddyfile:

	key %s %s
`, key, name, hash)
	return err
}
