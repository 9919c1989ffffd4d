package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"
)

// Issuer signs the tokens that Entra sends where the Secret Token is left blank (Q9). As a handler, it publishes its key.
type Issuer struct {
	// Fetched is how often the key was asked for.
	Fetched atomic.Int64

	signer jose.Signer
	keys   jose.JSONWebKeySet
}

// NewIssuer makes an issuer with a new key of the given id.
func NewIssuer(kid string) (*Issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	options := (&jose.SignerOptions{}).WithHeader("kid", kid).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	if err != nil {
		return nil, err
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: string(jose.RS256), Use: "sig"}
	return &Issuer{signer: signer, keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}}, nil
}

// ServeHTTP answers with the key.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.Fetched.Add(1)
	_ = json.NewEncoder(w).Encode(i.keys)
}

// Sign makes a token of claims.
func (i *Issuer) Sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	token, err := i.signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return token.CompactSerialize()
}
