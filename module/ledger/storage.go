package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// In the storage, a book is a folder:
//
//	records/<hash of the id>       a record as JSON
//	special/<hash of the id>       the id, for each record that lists must know of
//	by/<hash of the attribute>/<hash of the value>   the id, for each value that can be searched for

// atOnce is how many calls of the storage are made at once where there is more than one to make.
const atOnce = 8

// errSilent is why a caller waits no longer for the storage.
var errSilent = errors.New("the storage does not answer")

func (b *Book) record(id string) string { return path.Join(b.root, "records", hash(id)) }

func (b *Book) pointer(attribute, value string) string {
	return path.Join(b.root, "by", hash(attribute), hash(schema.Fold(value)))
}

// pointers returns the keys beside the record itself that lead to it.
func (b *Book) pointers(r *Record) (keys []string) {
	if r.Special() && !b.listed {
		keys = append(keys, path.Join(b.root, "special", hash(r.ID)))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(keys, b.kept(r)...)
}

func (b *Book) storage() Storage { return b.ledger.current().Storage }

// failed returns what went wrong with the storage. That there is nothing under a key is no error.
func failed(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("ledger: %w", err)
}

// text returns what a key holds; nil where there is no such key.
func (b *Book) text(ctx context.Context, key string) ([]byte, error) {
	text, err := b.storage().Load(ctx, key)
	if err != nil {
		return nil, failed(err)
	}
	return text, nil
}

func (b *Book) pointed(ctx context.Context, key string) (string, error) {
	text, err := b.text(ctx, key)
	return string(text), err
}

// load reads the record of an id.
func (b *Book) load(ctx context.Context, id string) (*Record, error) {
	r, err := b.at(ctx, b.record(id))
	if err != nil || r == nil || r.ID != id {
		return nil, err
	}
	return r, nil
}

// at reads a record. A damaged one is a lost one: it costs a round of corrections, and the next write takes its place.
func (b *Book) at(ctx context.Context, key string) (*Record, error) {
	text, err := b.text(ctx, key)
	if err != nil || text == nil {
		return nil, err
	}
	r := new(Record)
	if _, err := doc.Scan(text); err == nil && json.Unmarshal(text, r) == nil {
		return r, nil
	}
	b.ledger.current().Log.Error("a record of the ledger is damaged and counts as lost", zap.String("key", key))
	return nil, nil
}

// specials reads the records that lists must know of.
func (b *Book) specials(ctx context.Context) ([]*Record, error) {
	if b.listed {
		return b.listedIn(ctx, "records")
	}
	all, err := b.listedIn(ctx, "special")
	return slices.DeleteFunc(all, func(r *Record) bool { return !r.Special() }), err
}

// listedIn reads the records that a folder of the book lists.
func (b *Book) listedIn(ctx context.Context, list string) ([]*Record, error) {
	keys, err := b.storage().List(ctx, path.Join(b.root, list), false)
	if err := failed(err); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	all, errs := make([]*Record, len(keys)), make([]error, atOnce)
	var wg sync.WaitGroup
	for worker := range atOnce {
		wg.Go(func() {
			for i := worker; i < len(keys); i += atOnce {
				if all[i], errs[worker] = b.at(ctx, path.Join(b.root, "records", path.Base(keys[i]))); errs[worker] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *Record) bool { return r == nil }), nil
}

// transfer makes the storage hold a record in the place of what it holds; nil is none. unsure says that it may hold
// something else.
func (b *Book) transfer(id string, stored, now *Record, unsure bool) error {
	ctx := context.Background()
	if now == nil {
		if stored == nil && !unsure {
			return nil
		}
		if err := b.remove(ctx, b.record(id)); err != nil {
			return err
		}
		return b.unpoint(ctx, id, b.pointers(stored))
	}
	text, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if !unsure && stored != nil {
		if before, err := json.Marshal(stored); err == nil && bytes.Equal(before, text) {
			return nil
		}
	}
	was, is := b.pointers(stored), b.pointers(now)
	// Pointers come before the record that they point to: one without a record finds nothing, a record without one is lost
	// to searches.
	for _, key := range is {
		if unsure || !slices.Contains(was, key) {
			if err := b.save(ctx, key, []byte(id)); err != nil {
				return err
			}
		}
	}
	if err := b.save(ctx, b.record(id), text); err != nil {
		return err
	}
	return b.unpoint(ctx, id, slices.DeleteFunc(was, func(key string) bool { return slices.Contains(is, key) }))
}

func (b *Book) save(ctx context.Context, key string, text []byte) error {
	if err := b.storage().Store(ctx, key, text); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

func (b *Book) remove(ctx context.Context, key string) error {
	return failed(b.storage().Delete(ctx, key))
}

// unpoint removes pointers that still point to a resource; another one may have taken the place since.
func (b *Book) unpoint(ctx context.Context, id string, keys []string) error {
	for _, key := range keys {
		text, err := b.text(ctx, key)
		if err == nil && string(text) == id {
			err = b.remove(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// awaited returns what is read under a key, for all who want it at once, and waits no longer than the setting says.
func awaited[T any](ctx context.Context, b *Book, age int, key string, read func(context.Context) (T, error)) (none T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.ledger.current().Patience, errSilent)
	defer cancel()
	select {
	case r := <-b.reads.DoChan(strconv.Itoa(age)+" "+key, func() (any, error) { return read(context.WithoutCancel(ctx)) }):
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil //nolint:forcetypeassert // read returns nothing else
	case <-ctx.Done():
		return none, fmt.Errorf("ledger: %w", context.Cause(ctx))
	}
}
