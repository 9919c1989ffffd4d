package command

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/certmagic"
	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/ledger"
)

func init() { admin.RegisterCommand(ledgerCommand) }

func ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "What the gateway remembers of an organization", Args: cobra.NoArgs}
	cmd.AddCommand(moveLedger())
	return cmd
}

// moveLedger is "caddy scim ledger move".
func moveLedger() *cobra.Command {
	var config, adapter string
	cmd := &cobra.Command{
		Use:   "move <from> <to>",
		Short: "Give the memory of an organization to another name",
		Long: `
Moves the ledger to another name: to the one that the option organization gives for
the first time, or gives anew. "caddy scim status" shows the name of before. Stop
every gateway that uses the storage first. It is the storage of the configuration.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, end, err := storageOf(cmd.Context(), config, adapter)
			if err != nil {
				return err
			}
			defer end()
			n, err := ledger.Move(cmd.Context(), st, args[0], args[1])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d records and pointers are under the name %s now\n", n, admin.Printable(args[1]))
			return err
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "Configuration file with the storage (the default is Caddyfile, where there is one)")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of the configuration's adapter")
	return cmd
}

// storageOf returns the storage of a configuration. Nothing else of it is loaded.
func storageOf(ctx context.Context, config, adapter string) (certmagic.Storage, func(), error) {
	text, _, _, err := caddycmd.LoadConfig(config, adapter)
	if err != nil {
		return nil, nil, err
	}
	var c struct {
		StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=caddy.storage inline_key=module"`
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, nil, err
		}
	}
	if c.StorageRaw == nil {
		return caddy.DefaultStorage, func() {}, nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	cctx, end := caddy.NewContext(caddy.Context{Context: ctx})
	v, err := cctx.LoadModule(&c, "StorageRaw")
	if err != nil {
		end()
		return nil, nil, err
	}
	st, err := v.(caddy.StorageConverter).CertMagicStorage() //nolint:forcetypeassert // Caddy asserts the same of every storage
	if err != nil {
		end()
		return nil, nil, err
	}
	return st, end, nil
}
