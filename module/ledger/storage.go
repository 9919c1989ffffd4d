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
	"time"

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

// callTimeout is how long one call of the storage may take.
const callTimeout = 10 * time.Second

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

// call makes one call of the storage.
func (b *Book) call(ctx context.Context, f func(context.Context, Storage) error) error {
	storage := b.ledger.current().Storage
	if storage == nil {
		return errors.New("ledger: there is no storage")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := guarded(func() error { return f(ctx, storage) }); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// guarded makes an error of a panic of the storage: it would end the process, since it is called in goroutines of its own.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the storage panics: %v", v)
		}
	}()
	return f()
}

// text returns what a key holds; nil where there is no such key.
func (b *Book) text(ctx context.Context, key string) (text []byte, err error) {
	err = b.call(ctx, func(ctx context.Context, s Storage) (err error) {
		text, err = s.Load(ctx, key)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
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
	var keys []string
	err := b.call(ctx, func(ctx context.Context, s Storage) (err error) {
		keys, err = s.List(ctx, path.Join(b.root, list), false)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
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
	return b.call(ctx, func(ctx context.Context, s Storage) error { return s.Store(ctx, key, text) })
}

func (b *Book) remove(ctx context.Context, key string) error {
	err := b.call(ctx, func(ctx context.Context, s Storage) error { return s.Delete(ctx, key) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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

// awaited returns what is read under a key, for all who want it at once, and waits no longer than the setting says: there
// are storages that do not know of contexts.
func awaited[T any](ctx context.Context, b *Book, age int, key string, read func(context.Context) (T, error)) (none T, err error) {
	patience := b.ledger.current().Patience
	result := b.reads.DoChan(strconv.Itoa(age)+" "+key, func() (any, error) { return read(context.WithoutCancel(ctx)) })
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-result:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil //nolint:forcetypeassert // read returns nothing else
	case <-ctx.Done():
		return none, fmt.Errorf("ledger: %w", ctx.Err())
	case <-timer.C:
		return none, errors.New("ledger: the storage does not answer")
	}
}
