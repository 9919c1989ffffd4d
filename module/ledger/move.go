package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/caddyserver/certmagic"
)

// Move gives the ledger of an organization to another name, and returns how many keys it has. Nobody may use either
// meanwhile. Everything is written under the new name before anything is removed under the old one, so that a move that
// was interrupted can be made again.
func Move(ctx context.Context, st certmagic.Storage, from, to string) (int, error) {
	if from == to {
		return 0, errors.New("the two names are the same")
	}
	source, target := place(from), place(to)
	keys, err := terminal(ctx, st, source)
	if err != nil {
		return 0, err
	}
	if len(keys) == 0 {
		return 0, fmt.Errorf("there is no ledger of an organization %q", from)
	}
	there, err := terminal(ctx, st, target)
	if err != nil {
		return 0, err
	}
	for _, key := range there { // what an interrupted move has written already is no ledger of another organization
		if !st.Exists(ctx, source+strings.TrimPrefix(key, target)) {
			return 0, fmt.Errorf("there is a ledger of an organization %q already", to)
		}
	}
	for _, key := range keys {
		value, err := st.Load(ctx, key)
		if err != nil {
			return 0, fmt.Errorf("reading: %w", err)
		}
		if err := st.Store(ctx, target+strings.TrimPrefix(key, source), value); err != nil {
			return 0, fmt.Errorf("writing: %w", err)
		}
	}
	for _, key := range keys {
		if err := st.Delete(ctx, key); err != nil {
			return 0, fmt.Errorf("everything is under the new name, and not all was removed under the old one: %w", err)
		}
	}
	_ = st.Delete(ctx, source) // folders, where the storage has them
	return len(keys), nil
}

// place returns where the ledger of an organization is.
func place(organization string) string {
	return path.Join("scim_gateway", "ledger", hash(organization))
}

// terminal returns the keys with a value below one.
func terminal(ctx context.Context, st certmagic.Storage, root string) ([]string, error) {
	keys, err := st.List(ctx, root, true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	var all []string
	for _, key := range keys {
		info, err := st.Stat(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("listing: %w", err)
		}
		if info.IsTerminal {
			all = append(all, key)
		}
	}
	return all, nil
}
