package keys

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/auth"
)

// read brings what is known up to date with the storage.
func (a *App) read(ctx context.Context) error {
	named := slices.DeleteFunc(a.organizations(), func(o *Organization) bool { return o.ring == nil })
	if len(named) > 0 {
		found, err := a.list(ctx, keysRoot)
		if err != nil {
			return err
		}
		for _, o := range named {
			o.read(ctx, found[folder(o.name)])
		}
	}
	a.mu.Lock()
	signs := a.signs
	a.mu.Unlock()
	if signs {
		return a.readSigners(ctx)
	}
	return nil
}

// list returns the names below a folder, by the folders in it. A folder that is not there is empty. What one gateway
// removes while another one lists is an error for some storages, and gone when it is tried again.
func (a *App) list(ctx context.Context, folder string) (map[string]map[string]bool, error) {
	names, err := a.storage.List(ctx, folder, true)
	if err != nil && ctx.Err() == nil {
		names, err = a.storage.List(ctx, folder, true)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found := map[string]map[string]bool{}
	for _, name := range names {
		dir, file := path.Base(path.Dir(name)), path.Base(name)
		if found[dir] == nil {
			found[dir] = map[string]bool{}
		}
		found[dir][file] = true
	}
	return found, nil
}

// read takes in the records of one organization that are new among the names given.
func (o *Organization) read(ctx context.Context, names map[string]bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var failed error
	for name := range names {
		if o.records.has(name) {
			continue
		}
		text, err := o.app.storage.Load(ctx, path.Join(keysRoot, folder(o.name), name))
		_, known := o.records.damaged[name]
		if err == nil {
			err = o.records.put(name, text)
		}
		if err != nil {
			failed = err
			if !known {
				o.app.log.Error("a record of the keys cannot be read; until it can, or is revoked, a key that is not known is answered 503",
					zap.String("organization", o.name), zap.String("record", name), zap.Error(err))
			}
		}
	}
	if name := o.records.missing(names); name != "" {
		failed = fmt.Errorf("%s was in the storage, and is not any more: what was known of it stays valid", name)
	}
	stored := o.records.stored()
	stored.Err = failed
	// A damaged key that is revoked is nobody's.
	if failed != nil && o.allRevoked() && o.records.missing(names) == "" {
		stored.Err = nil
	}
	o.ring.Set(stored)
	lastRead.Store(o.name, stored)
}

// allRevoked reports whether every damaged record is that of a key that is revoked.
func (o *Organization) allRevoked() bool {
	for name := range o.records.damaged {
		id, suffix := splitName(name)
		if _, ok := o.records.revocation(id); suffix != keySuffix || !ok {
			return false
		}
	}
	return len(o.records.damaged) > 0
}

// readSigners learns the keys of the other gateways, removes those that signed nothing that is still valid, and publishes
// the one of this process.
func (a *App) readSigners(ctx context.Context) error {
	found, err := a.list(ctx, signersRoot)
	if err != nil {
		return err
	}
	now := time.Now()
	own, public := theSigners().Public()
	others := map[string]ed25519.PublicKey{}
	publish := true
	for id := range found[path.Base(signersRoot)] {
		text, err := a.storage.Load(ctx, path.Join(signersRoot, id))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return err
		}
		var s signer
		if json.Unmarshal(text, &s) != nil || len(s.Key) != ed25519.PublicKeySize || now.After(s.Until) {
			_ = a.storage.Delete(ctx, path.Join(signersRoot, id)) // the next look tries again
			continue
		}
		if id == own {
			publish = s.Until.Before(now.Add(auth.TokenLifetime + signerSpare/2))
		}
		others[id] = s.Key
	}
	theSigners().Learn(others)
	if !publish {
		return nil
	}
	text, err := json.Marshal(signer{public, now.Add(auth.TokenLifetime + signerSpare)})
	if err != nil {
		return err
	}
	if err := a.storage.Store(ctx, path.Join(signersRoot, own), text); err != nil {
		a.log.Error("the key that signs tokens could not be published: other gateways refuse tokens of this one", zap.Error(err))
	}
	return nil
}

// signerSpare is how much longer than its last token the key of a gateway is published.
const signerSpare = time.Hour

// cache keeps the signing keys of identity providers in the storage.
type cache struct{ app *App }

// Load implements [auth.Cache].
func (c cache) Load(ctx context.Context, name string) ([]byte, error) {
	return within(ctx, time.Second, func(ctx context.Context) ([]byte, error) { return c.app.storage.Load(ctx, path.Join(jwksRoot, name)) })
}

// Store implements [auth.Cache].
func (c cache) Store(ctx context.Context, name string, value []byte) error {
	return c.app.store(ctx, path.Join(jwksRoot, name), value)
}

// store writes a record in time, or not for the one who asks: it may be written later.
func (a *App) store(ctx context.Context, key string, value []byte) error {
	_, err := within(ctx, writeTimeout, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.storage.Store(ctx, key, value)
	})
	return err
}

// within calls a storage, of which some look at no deadline.
func within[T any](ctx context.Context, most time.Duration, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := call(ctx)
		done <- outcome{value, err}
	}()
	select {
	case out := <-done:
		return out.value, out.err
	case <-ctx.Done():
		var none T
		return none, errors.New("the storage did not answer in time")
	}
}
