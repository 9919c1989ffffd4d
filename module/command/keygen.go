package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/auth"
)

func keygen() *cobra.Command {
	var raw, hash bool
	cmd := &cobra.Command{
		Use:   "keygen [<name>] [--raw | --hash]",
		Short: "Makes a SCIM API key",
		Long: `
Makes a SCIM API key of 256 random bits and prints it, with the line of the
Caddyfile that accepts it; <name> is who will use the key, "entra" by default.
The line holds only the key's SHA-256, so that the configuration is no secret;
the key itself is given to the identity provider and is kept nowhere.

--raw prints the key and nothing else. --hash reads a key from standard input and
prints what stands for it in the configuration.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "entra"
			if len(args) > 0 {
				name = args[0]
			}
			switch {
			case hash:
				return printHash(cmd.OutOrStdout(), cmd.InOrStdin())
			case raw:
				_, err := fmt.Fprintln(cmd.OutOrStdout(), auth.Generate())
				return err
			}
			return printKey(cmd.OutOrStdout(), auth.Generate(), name)
		},
	}
	cmd.Flags().BoolVarP(&raw, "raw", "r", false, "Print the key and nothing else")
	cmd.Flags().BoolVar(&hash, "hash", false, "Read a key from standard input and print its hash")
	cmd.MarkFlagsMutuallyExclusive("raw", "hash")
	return cmd
}

func printKey(w io.Writer, key, name string) error {
	if err := (auth.Key{Name: name, Key: key}).Check(); err != nil {
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

// printHash reads the key from a pipe: an argument would be in the list of processes and in the shell's history.
func printHash(w io.Writer, r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return err
	}
	hash, err := auth.Hash(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, hash)
	return err
}
