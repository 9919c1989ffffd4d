package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/time/rate"
)

// errUnavailable is that it could not be found out whether a token is good.
var errUnavailable = errors.New("what would prove the token cannot be read")

// Cache keeps what was fetched over a restart. What it has is believed: whoever can write to it can sign.
type Cache interface {
	Load(ctx context.Context, name string) ([]byte, error)
	Store(ctx context.Context, name string, value []byte) error
}

const (
	// refetch is how old the keys may become before they are fetched again, whether or not one is missing: a key that was
	// withdrawn has to go some time.
	refetch = 24 * time.Hour

	fetchTimeout = 5 * time.Second
)

// signingKeys are the keys that a provider publishes (RFC 7517 §5).
type signingKeys struct {
	url    string
	client *http.Client
	cache  Cache
	now    func() time.Time
	limit  *rate.Limiter // or else anybody could have the address asked as often as they like, with a key id that nobody has

	mu      sync.Mutex
	set     published
	loaded  bool          // from the cache, or that was tried
	failed  bool          // the last time that it was tried
	fetches chan struct{} // closed when the fetch that is under way has ended
}

// published is what was fetched when.
type published struct {
	Fetched time.Time          `json:"fetched"`
	Keys    jose.JSONWebKeySet `json:"keys"`
}

func newSigningKeys(url string, client *http.Client, cache Cache, now func() time.Time) *signingKeys {
	return &signingKeys{url: url, client: client, cache: cache, now: now, limit: rate.NewLimiter(rate.Every(20*time.Second), 3)}
}

// verify finds out whether one of the keys made a signature. A key is found by its id: where it is there and the signature
// is another's, the token is forged, and there is nothing to fetch.
func (s *signingKeys) verify(ctx context.Context, signed *jwt.JSONWebToken) error {
	id := signed.Headers[0].KeyID
	keys := s.find(ctx, id)
	if len(keys) == 0 {
		if err := s.fetch(ctx); err != nil {
			return err
		}
		keys = s.find(ctx, id)
	}
	for _, key := range keys {
		if err := signed.Claims(key); err == nil {
			return nil
		}
	}
	return errors.New("no published key made the signature")
}

// find returns the keys with an id, of what is known.
func (s *signingKeys) find(ctx context.Context, id string) []jose.JSONWebKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		s.loaded = true
		s.load(ctx)
	}
	if age := s.now().Sub(s.set.Fetched); len(s.set.Keys.Keys) > 0 && age > refetch && s.fetches == nil {
		go func() { _ = s.fetch(context.WithoutCancel(ctx)) }()
	}
	return s.set.Keys.Key(id)
}

// load reads what an earlier process fetched.
func (s *signingKeys) load(ctx context.Context) {
	if s.cache == nil {
		return
	}
	text, err := s.cache.Load(ctx, s.name())
	var set published
	if err == nil && json.Unmarshal(text, &set) == nil {
		s.set = set
	}
}

func (s *signingKeys) name() string {
	sum := sha256.Sum256([]byte(s.url))
	return hex.EncodeToString(sum[:16])
}

// fetch gets the keys anew, one fetch at a time. Where it is not allowed already, the keys that are known are all there
// are, unless the last fetch failed.
func (s *signingKeys) fetch(ctx context.Context) error {
	s.mu.Lock()
	done := s.fetches
	if done == nil {
		if !s.limit.AllowN(s.now(), 1) {
			defer s.mu.Unlock()
			return s.outcome()
		}
		done = make(chan struct{})
		s.fetches = done
		go s.get(context.WithoutCancel(ctx), done)
	}
	s.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return errUnavailable
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcome()
}

func (s *signingKeys) outcome() error {
	if s.failed {
		return errUnavailable
	}
	return nil
}

func (s *signingKeys) get(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := s.ask(ctx)
	s.mu.Lock()
	s.failed = err != nil
	if err == nil {
		s.set = published{s.now(), keys}
	}
	s.fetches = nil
	s.mu.Unlock()
	close(done)
	if err != nil || s.cache == nil {
		return
	}
	if text, err := json.Marshal(published{s.now(), keys}); err == nil {
		_ = s.cache.Store(ctx, s.name(), text) // the next process fetches them itself then
	}
}

func (s *signingKeys) ask(ctx context.Context) (keys jose.JSONWebKeySet, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return keys, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return keys, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return keys, fmt.Errorf("status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&keys); err != nil {
		return keys, err
	}
	if len(keys.Keys) == 0 {
		return keys, errors.New("no keys are published")
	}
	return keys, nil
}
