// Package keyfile keeps the secret key by which an installation makes marks or pseudonyms, in a file of its own.
package keyfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Load returns the key in a file, making one where there is none. With an error the key is a new one that is kept nowhere.
func Load(path string) (key []byte, err error) {
	if key, err = os.ReadFile(path); err == nil && len(key) >= 32 { //nolint:gosec // the operator's path
		return key, nil
	}
	key = New()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path, key, 0o600)
		}
	}
	return key, err
}

// New returns a key of more than 256 random bits.
func New() []byte { return []byte(rand.Text() + rand.Text()) }
