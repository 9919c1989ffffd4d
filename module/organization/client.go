package organization

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

// client is the one OAuth2 client of the organization. Only hashes are kept and compared, so that neither the
// secret nor its length can be learned from the time that a comparison takes.
type client struct {
	id, secret [sha256.Size]byte
}

// newClient reads the configured client id and secret.
func newClient(id, secret string) (client, error) {
	if err := CheckClientID(id); err != nil {
		return client{}, err
	}
	sum, err := secretSum(secret)
	if err != nil {
		return client{}, err
	}
	return client{id: sha256.Sum256([]byte(id)), secret: sum}, nil
}

// is reports whether these are the credentials of the client.
func (c client) is(id, secret string) bool {
	i, s := sha256.Sum256([]byte(id)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(i[:], c.id[:])&subtle.ConstantTimeCompare(s[:], c.secret[:]) == 1
}

// CheckClientID returns what is wrong with a client id, nil when nothing is.
func CheckClientID(id string) error {
	rest, ok := strings.CutPrefix(id, "organization.")
	if !ok {
		return errors.New(`client id: must be "organization." followed by a GUID`)
	}
	if _, err := parseGUID(rest); err != nil {
		return errors.New(`client id: what follows "organization." must be a GUID`)
	}
	return nil
}

// CheckClientSecret returns what is wrong with a client secret or the hash of one, nil when nothing is. It never
// repeats the secret.
func CheckClientSecret(secret string) error {
	_, err := secretSum(secret)
	return err
}

// secretSum returns the hash of a client secret, or the one that is written there.
func secretSum(secret string) (sum [sha256.Size]byte, err error) {
	if secret == "" {
		return sum, errors.New("client secret: it is empty")
	}
	digits, hashed := strings.CutPrefix(secret, "sha256:")
	if !hashed {
		return sha256.Sum256([]byte(secret)), nil
	}
	if b, err := hex.DecodeString(digits); err == nil && len(b) == len(sum) {
		return [sha256.Size]byte(b), nil
	}
	return sum, errors.New("client secret: sha256: must be followed by 64 hexadecimal digits")
}
