// Package ledger keeps what the gateway itself must remember about an organization because the upstream has no place for
// it: the provider's userName of a member whose upstream identity is an e-mail address, an externalId, an exact name, a
// user who waits for the first activation, a resource that was deleted but that the upstream still holds.
//
// It lives in Caddy's storage, so that a cluster shares it through whatever the operator configured. One resource is one
// key: nothing has to be locked for reading, and what is lost costs a round of corrections by the provider and no more.
// Keys are hashes, so that no file name holds an id or an address and no id can name a file of its own choosing.
package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// Record is what is remembered about one resource.
type Record struct {
	// ID is the id that the provider knows.
	ID string `json:"id"`

	// Upstream is the upstream's id where it differs from ID: a user who had an id before the upstream knew them.
	Upstream string `json:"upstream,omitempty"`

	// Kept are attribute values that the upstream has no place for, by canonical path.
	Kept map[string]Kept `json:"kept,omitempty"`

	// Deferred is the whole resource as the provider wrote it, of a user who is created upstream when first active.
	Deferred json.RawMessage `json:"deferred,omitempty"`

	// Waiting are the ids of deferred users who join the group when they are created.
	Waiting []string `json:"waiting,omitempty"`

	// Invited is when the member was last invited; zero where nobody needs to know.
	Invited time.Time `json:"invited,omitzero"`

	// Linked tells that the provider has taken the resource into its hands: it created it, was refused because it exists,
	// or has changed it. Nobody else of the provider's is to be taken for it then.
	Linked bool `json:"linked,omitempty"`

	// Deleted tells that the provider deleted the resource although the upstream still holds it.
	Deleted bool `json:"deleted,omitempty"`
}

// Kept is one remembered value.
type Kept struct {
	// Value is what the provider wrote.
	Value json.RawMessage `json:"value"`

	// Beside is what the upstream showed in the same place at that time; nothing where it showed nothing. As soon as the
	// upstream shows something else, the remembered value is out of date: somebody changed it there.
	Beside json.RawMessage `json:"beside,omitempty"`
}

// Special tells whether lists must know of the record although the upstream does not show it, or shows it differently.
func (r *Record) Special() bool {
	return r.Deferred != nil || r.Upstream != "" || r.Deleted || len(r.Waiting) > 0
}

// Clone is a copy of the record that can be changed without changing this one.
func (r *Record) Clone() *Record {
	c := *r
	c.Kept, c.Waiting = maps.Clone(r.Kept), slices.Clone(r.Waiting)
	return &c
}

func (r *Record) empty() bool {
	return !r.Special() && len(r.Kept) == 0 && r.Invited.IsZero() && !r.Linked
}

// Ledger is the memory of one organization. The nil Ledger remembers nothing.
type Ledger struct{ Users, Groups *Book }

// Open is the ledger of an organization. The attributes named can be searched for with [Book.Find].
func Open(storage certmagic.Storage, organization string, user, group []string) *Ledger {
	root := path.Join("scim_gateway", "ledger", hash(organization))
	return &Ledger{
		Users:  &Book{storage, path.Join(root, "users"), user},
		Groups: &Book{storage, path.Join(root, "groups"), group},
	}
}

// Book is the part of a ledger for one resource type. All methods of the nil Book do nothing and find nothing.
type Book struct {
	storage certmagic.Storage
	root    string
	indexed []string
}

// Get is the record of a resource; nil where there is none.
func (b *Book) Get(ctx context.Context, id string) (*Record, error) {
	if b == nil {
		return nil, nil
	}
	r, err := b.load(ctx, b.record(id))
	if err != nil || r == nil || r.ID != id {
		return nil, err
	}
	return r, nil
}

// Put remembers a record, or forgets it where nothing is left in it.
func (b *Book) Put(ctx context.Context, r *Record) error {
	if b == nil {
		return nil
	}
	old, err := b.Get(ctx, r.ID)
	if err != nil {
		return err
	}
	if r.empty() {
		if old == nil {
			return nil
		}
		return b.remove(ctx, old)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	// Pointers come before the record that they point to: one without a record finds nothing, a record without one is lost
	// to searches.
	for _, key := range b.pointers(r) {
		if err := b.storage.Store(ctx, key, []byte(r.ID)); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	if err := b.storage.Store(ctx, b.record(r.ID), text); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if old != nil {
		keep := b.pointers(r)
		err := b.forget(ctx, r.ID, slices.DeleteFunc(b.pointers(old), func(key string) bool { return slices.Contains(keep, key) }))
		if err != nil {
			return err
		}
	}
	return b.renew(ctx, r, old)
}

// Delete forgets a resource.
func (b *Book) Delete(ctx context.Context, id string) error {
	old, err := b.Get(ctx, id)
	if err != nil || old == nil {
		return err
	}
	return b.remove(ctx, old)
}

// Find is the id of the resource for which value was remembered as the attribute; empty where there is none. Letters are
// compared without ASCII case: the caller checks what was found by the rules of the attribute.
func (b *Book) Find(ctx context.Context, attribute, value string) (string, error) {
	if b == nil || !slices.Contains(b.indexed, attribute) {
		return "", nil
	}
	id, err := b.storage.Load(ctx, b.index(attribute, value))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ledger: %w", err)
	}
	return string(id), nil
}

// Version changes with what [Book.Specials] shows, for whichever gateway changed it: as long as it is the same, they need
// not be read again.
func (b *Book) Version(ctx context.Context) (string, error) {
	if b == nil {
		return "", nil
	}
	version, err := b.storage.Load(ctx, path.Join(b.root, "version"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("ledger: %w", err)
	}
	return string(version), nil
}

// Specials are the records that lists must know of: users who wait, resources with an id of their own, tombstones.
func (b *Book) Specials(ctx context.Context) ([]*Record, error) {
	if b == nil {
		return nil, nil
	}
	keys, err := b.storage.List(ctx, path.Join(b.root, "special"), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	slices.Sort(keys)
	var all []*Record
	for _, key := range keys {
		r, err := b.load(ctx, path.Join(b.root, "records", path.Base(key)))
		if err != nil {
			return nil, err
		}
		if r != nil && r.Special() {
			all = append(all, r)
		}
	}
	return all, nil
}

func (b *Book) load(ctx context.Context, key string) (*Record, error) {
	text, err := b.storage.Load(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	r := new(Record)
	if _, err := doc.Scan(text); err != nil {
		return nil, nil // a torn record is a lost record: it costs a round of corrections
	}
	if json.Unmarshal(text, r) != nil {
		return nil, nil
	}
	return r, nil
}

func (b *Book) remove(ctx context.Context, r *Record) error {
	if err := b.storage.Delete(ctx, b.record(r.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := b.forget(ctx, r.ID, b.pointers(r)); err != nil {
		return err
	}
	return b.renew(ctx, r)
}

// renew makes a new version of what [Book.Specials] shows, where one of the records is part of it.
func (b *Book) renew(ctx context.Context, records ...*Record) error {
	for _, r := range records {
		if r == nil || !r.Special() {
			continue
		}
		if err := b.storage.Store(ctx, path.Join(b.root, "version"), []byte(rand.Text())); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		return nil
	}
	return nil
}

// forget removes pointers that still point to the resource; another one may have taken the place since.
func (b *Book) forget(ctx context.Context, id string, keys []string) error {
	for _, key := range keys {
		text, err := b.storage.Load(ctx, key)
		if err == nil && string(text) == id {
			err = b.storage.Delete(ctx, key)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}

func (b *Book) record(id string) string { return path.Join(b.root, "records", hash(id)) }

func (b *Book) index(attribute, value string) string {
	return path.Join(b.root, "by", hash(attribute), hash(doc.Fold(value)))
}

// pointers are the keys beside the record itself that lead to it.
func (b *Book) pointers(r *Record) []string {
	var keys []string
	if r.Special() {
		keys = append(keys, path.Join(b.root, "special", hash(r.ID)))
	}
	for _, attribute := range slices.Sorted(maps.Keys(r.Kept)) {
		var text string
		if slices.Contains(b.indexed, attribute) && json.Unmarshal(r.Kept[attribute].Value, &text) == nil {
			keys = append(keys, b.index(attribute, text))
		}
	}
	return keys
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
