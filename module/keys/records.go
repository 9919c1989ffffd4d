package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/caddy-scim/gateway/module/auth"
)

// Where the records are in Caddy's storage. A record of a key, of a revocation and of a change of state is written once
// and never changed, under a name of its own: no two writers can undo each other, and a list of names tells what is new.
//
//	scim_gateway/keys/<organization>/<id>.key       a key, without the key itself
//	scim_gateway/keys/<organization>/<id>@<time>.revoked   that a key is revoked: one of these, or one of the Caddyfile
//	scim_gateway/keys/<organization>/<time>.state   enabled, disabled or paused, since that time
//	scim_gateway/signers/<id>                       the public key of a gateway that signs tokens
//	scim_gateway/used/<organization>/<id>           when a key was last used
//	scim_gateway/jwks/<address>                     the signing keys of an identity provider
const (
	root        = "scim_gateway"
	keysRoot    = root + "/keys"
	signersRoot = root + "/signers"
	usedRoot    = root + "/used"
	jwksRoot    = root + "/jwks"

	keySuffix     = ".key"
	revokedSuffix = ".revoked"
	stateSuffix   = ".state"
)

// folder returns an organization's name as a part of a storage key: no name can lead elsewhere.
func folder(organization string) string {
	sum := sha256.Sum256([]byte(organization))
	return hex.EncodeToString(sum[:16])
}

// Record is a key as the storage has it: only its hash.
type Record struct {
	auth.Key

	// When it was made.
	Created time.Time `json:"created"`

	// The id of the key in whose place this one was made.
	Replaces string `json:"replaces,omitempty"`
}

// revocation is that a key is not accepted any more from some time on.
type revocation struct {
	Name  string    `json:"name"` // for who reads the storage
	At    time.Time `json:"at,omitzero"`
	Noted time.Time `json:"noted"`
}

// State is whether an organization is served.
type State struct {
	// Everybody is refused with this status, 401 or 503; zero where the organization is enabled.
	Disabled int `json:"disabled,omitempty"`

	// Changes are refused, reading is not.
	Paused bool `json:"paused,omitempty"`

	Since time.Time `json:"since,omitzero"`
}

// String returns the state as a word.
func (s State) String() string {
	switch {
	case s.Disabled != 0:
		return fmt.Sprintf("disabled (%d)", s.Disabled)
	case s.Paused:
		return "paused"
	}
	return "enabled"
}

// signer is the public key of a gateway.
type signer struct {
	Key   ed25519.PublicKey `json:"key"`
	Until time.Time         `json:"until"`
}

// records are what is known of one organization's records, by the last part of their names.
type records struct {
	keys    map[string]Record
	revoked map[string]revocation
	states  map[string]State
	known   map[string]bool // whole names of all these
	damaged map[string]error
}

func newRecords() *records {
	return &records{map[string]Record{}, map[string]revocation{}, map[string]State{}, map[string]bool{}, map[string]error{}}
}

// has reports whether a record was read, or is not ours; records do not change.
func (r *records) has(name string) bool {
	return r.known[name] || !slices.Contains([]string{keySuffix, revokedSuffix, stateSuffix}, path.Ext(name))
}

// put takes in what a record says.
func (r *records) put(name string, text []byte) error {
	id, suffix := splitName(name)
	var err error
	switch suffix {
	case keySuffix:
		var k Record
		if err = json.Unmarshal(text, &k); err == nil {
			if err = k.Check(); err == nil && k.ID() != id {
				err = errors.New("the record is another key's")
			}
			if err == nil {
				r.keys[id] = k
			}
		}
	case revokedSuffix:
		var v revocation
		if err = json.Unmarshal(text, &v); err != nil {
			// That there is a revocation says enough.
			v, err = revocation{}, nil
		}
		r.revoked[id] = v
	case stateSuffix:
		var s State
		if err = json.Unmarshal(text, &s); err == nil {
			r.states[id] = s
		}
	}
	if err != nil {
		r.damaged[name] = err
		return fmt.Errorf("%s: %w", name, err)
	}
	r.known[name] = true
	delete(r.damaged, name)
	return nil
}

// keyOf returns the id of the key in the name of a revocation.
func keyOf(name string) string {
	id, _, _ := strings.Cut(name, "@")
	return id
}

// revocation returns the one of a key that comes first.
func (r *records) revocation(id string) (first revocation, ok bool) {
	for name, v := range r.revoked {
		if keyOf(name) == id && (!ok || v.At.Before(first.At)) {
			first, ok = v, true
		}
	}
	return first, ok
}

// state returns the newest state that was said.
func (r *records) state() (at string, s State) {
	for name, one := range r.states {
		if name > at {
			at, s = name, one
		}
	}
	return at, s
}

// missing returns a record that was there and is not any more. Keys and revocations are never removed, and of the states
// the newest one is not: a storage without them is in trouble, a folder that is not mounted for example.
func (r *records) missing(names map[string]bool) string {
	for name := range r.known {
		if path.Ext(name) != stateSuffix && !names[name] {
			return name
		}
	}
	at, _ := r.state()
	if at == "" {
		return ""
	}
	for name := range names {
		if id, suffix := splitName(name); suffix == stateSuffix && id >= at {
			return ""
		}
	}
	return at + stateSuffix
}

// stored returns what the gateways have to know of the records.
func (r *records) stored() *auth.Stored {
	s := &auth.Stored{Revoked: map[string]time.Time{}}
	for _, k := range r.keys {
		s.Keys = append(s.Keys, k.Key)
	}
	for name := range r.revoked {
		id := keyOf(name)
		v, _ := r.revocation(id)
		s.Revoked[id] = v.At
	}
	_, state := r.state()
	s.Disabled, s.Paused = state.Disabled, state.Paused
	return s
}

func splitName(name string) (id, suffix string) {
	suffix = path.Ext(name)
	return strings.TrimSuffix(name, suffix), suffix
}
