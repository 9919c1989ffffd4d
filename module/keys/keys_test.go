package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-scim/gateway/module/auth"
)

// shelf is a storage in memory that can fail. Only what the keys use of a storage is there.
type shelf struct {
	certmagic.Storage

	mu      sync.Mutex
	records map[string][]byte
	fail    error
	block   chan struct{} // where it is not nil, nothing answers before it is closed
	room    int           // how many more records can be written, where it is not 0; then everything fails
}

func newShelf() *shelf { return &shelf{records: map[string][]byte{}} }

func (s *shelf) enter() error {
	s.mu.Lock()
	block := s.block
	s.mu.Unlock()
	if block != nil {
		<-block // looks at no deadline, as storages on files do
	}
	s.mu.Lock()
	return s.fail
}

func (s *shelf) Store(_ context.Context, key string, value []byte) error {
	err := s.enter()
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	s.records[key] = value
	if s.room--; s.room == 0 {
		s.fail = errors.New("killed")
	}
	return nil
}

func (s *shelf) Load(_ context.Context, key string) ([]byte, error) {
	err := s.enter()
	defer s.mu.Unlock()
	if value, ok := s.records[key]; ok || err != nil {
		return value, err
	}
	return nil, fs.ErrNotExist
}

func (s *shelf) Delete(_ context.Context, key string) error {
	err := s.enter()
	defer s.mu.Unlock()
	delete(s.records, key)
	return err
}

func (s *shelf) List(_ context.Context, prefix string, _ bool) (names []string, err error) {
	err = s.enter()
	defer s.mu.Unlock()
	for key := range s.records {
		if strings.HasPrefix(key, prefix+"/") {
			names = append(names, key)
		}
	}
	if len(names) == 0 && err == nil {
		err = fs.ErrNotExist
	}
	return names, err
}

// bench is the keys of one organization at one gateway.
type bench struct {
	*Organization
	logs *observer.ObservedLogs
}

// newBench starts a gateway that reads a storage.
func newBench(t *testing.T, storage *shelf, declared ...auth.Key) *bench {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	a := &App{
		storage: storage, log: zap.New(core), kick: make(chan chan struct{}), stopped: make(chan struct{}),
		all: map[string]*Organization{}, throttles: map[auth.Rate]*auth.Throttle{},
	}
	o := a.organization("acme")
	if len(declared) > 0 {
		table, err := auth.New(auth.Config{Keys: declared, Ring: o.ring, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		o.Declare(table.Declared)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop() })
	return &bench{o, logs}
}

// let reports with which status a key is answered.
func (b *bench) let(t *testing.T, key string) int {
	t.Helper()
	table, err := auth.New(auth.Config{Keys: []auth.Key{{Name: "declared", Key: "a-key-that-is-declared"}}, Ring: b.ring, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/Users", nil)
	r.Header.Set("Authorization", "Bearer "+key)
	if _, refusal := table.Authenticate(r, ""); refusal != nil {
		return refusal.Error().Status
	}
	return http.StatusOK
}

func (b *bench) make(t *testing.T, name string, more ...func(*Record)) string {
	t.Helper()
	key := auth.Generate()
	r := Record{Key: auth.Key{Name: name, Key: key}}
	for _, f := range more {
		f(&r)
	}
	if _, err := b.New(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return key
}

// TestTwoGateways: what one gateway is told the other one knows when it has looked, whichever is told what.
func TestTwoGateways(t *testing.T) {
	storage := newShelf()
	one, two := newBench(t, storage), newBench(t, storage)
	key := one.make(t, "entra")
	two.app.refresh(t.Context())
	if got := two.let(t, key); got != 200 {
		t.Errorf("at the other: %d", got)
	}
	// Both act before either has looked: nothing of either is undone.
	second := two.make(t, "okta")
	if err := one.Revoke(t.Context(), "entra", time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bench{one, two} {
		b.app.refresh(t.Context())
		if a, c := b.let(t, key), b.let(t, second); a != 401 || c != 200 {
			t.Errorf("got %d, %d", a, c)
		}
	}
	if _, err := two.Set(t.Context(), func(s State) State { s.Paused = true; return s }); err != nil {
		t.Fatal(err)
	}
	if s, err := one.Set(t.Context(), func(s State) State { s.Disabled = 503; return s }); err != nil || !s.Paused || s.Disabled != 503 {
		t.Errorf("got %+v, %v", s, err)
	}
	two.app.refresh(t.Context())
	if s := two.State(); !s.Paused || s.Disabled != 503 {
		t.Errorf("got %+v", s)
	}
	for name, text := range storage.records {
		if strings.Contains(string(text), key) || strings.Contains(string(text), second) {
			t.Errorf("%s has a key", name)
		}
	}
}

// TestUnreadable: whatever is wrong with the storage, no key is called wrong that may be right, what is known stays, and
// it is told once.
func TestUnreadable(t *testing.T) {
	storage := newShelf()
	b := newBench(t, storage)
	key := b.make(t, "entra")
	check := func(what string, known, unknown int) {
		t.Helper()
		b.app.refresh(t.Context())
		if a, c := b.let(t, key), b.let(t, "a-key-that-nobody-has"); a != known || c != unknown {
			t.Errorf("%s: %d, %d, want %d, %d", what, a, c, known, unknown)
		}
	}
	set := func(err error) { storage.mu.Lock(); storage.fail = err; storage.mu.Unlock() }
	check("at first", 200, 401)
	set(errors.New("the disk is gone"))
	check("fails", 200, 503)
	check("fails still", 200, 503)
	if n := b.logs.FilterMessageSnippet("cannot be read").Len(); n != 1 {
		t.Errorf("%d lines", n)
	}
	if _, err := b.New(t.Context(), Record{Key: auth.Key{Name: "x", Key: auth.Generate()}}); err == nil {
		t.Error("a key was made that nobody keeps")
	}
	set(nil)
	check("works again", 200, 401)

	id := auth.Key{Key: key}.ID()
	name := path.Join(keysRoot, folder("acme"), id+keySuffix)
	put := func(name, text string) { storage.mu.Lock(); storage.records[name] = []byte(text); storage.mu.Unlock() }
	storage.mu.Lock()
	text := storage.records[name]
	delete(storage.records, name)
	storage.mu.Unlock()
	check("a record has gone", 200, 503)
	put(name, string(text))
	check("and is back", 200, 401)

	torn := path.Join(keysRoot, folder("acme"), "0011223344556677"+keySuffix)
	put(torn, `{"name":"torn","ke`)
	check("a torn record", 200, 503)
	if s, err := b.status(t.Context()); err != nil || !strings.Contains(s.(Status).Problems[0], "0011223344556677") {
		t.Errorf("got %+v, %v", s, err)
	}
	if err := b.Revoke(t.Context(), "0011223344556677", time.Time{}); err != nil {
		t.Fatal(err)
	}
	check("which is revoked", 200, 401)

	// A record under the name of another key is nobody's key.
	put(path.Join(keysRoot, folder("acme"), "8899aabbccddeeff"+keySuffix), string(text))
	check("a record under another name", 200, 503)
}

// TestReloadWithoutStorage: a configuration that is loaded while the storage is away knows what the one before has read. Who
// is revoked stays so, and so does an organization that is disabled or paused; what the storage says next counts.
func TestReloadWithoutStorage(t *testing.T) {
	storage := newShelf()
	before := newBench(t, storage)
	key, revoked := before.make(t, "known"), before.make(t, "gone")
	if err := before.Revoke(t.Context(), "gone", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Set(t.Context(), func(s State) State { s.Paused = true; return s }); err != nil {
		t.Fatal(err)
	}
	before.app.refresh(t.Context())
	storage.mu.Lock()
	storage.fail = errors.New("no storage")
	storage.mu.Unlock()
	after := newBench(t, storage)
	if got := after.let(t, key); got != 200 {
		t.Errorf("a key that was known is answered %d", got)
	}
	if got := after.let(t, revoked); got != 401 && got != 503 {
		t.Errorf("a revoked key is answered %d", got)
	}
	if got := after.let(t, "a-key-that-nobody-knows-0123456789"); got != 503 {
		t.Errorf("a key that is not known is answered %d", got)
	}
	if !after.ring.Stored().Paused || !after.State().Paused {
		t.Error("nobody knows that the organization is paused")
	}
	storage.mu.Lock()
	storage.fail = nil
	storage.mu.Unlock()
	if _, err := before.Set(t.Context(), func(s State) State { s.Paused = false; return s }); err != nil {
		t.Fatal(err)
	}
	after.app.refresh(t.Context())
	if after.ring.Stored().Paused || after.State().Paused || after.let(t, revoked) != 401 {
		t.Errorf("what the storage says does not count: %+v", after.State())
	}
}

// TestStorageHangs: a storage that does not answer holds nobody up who has a key, and nobody forever who makes one.
func TestStorageHangs(t *testing.T) {
	storage := newShelf()
	b := newBench(t, storage)
	key := b.make(t, "entra")
	storage.mu.Lock()
	storage.block = make(chan struct{})
	storage.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.New(ctx, Record{Key: auth.Key{Name: "x", Key: auth.Generate()}}); err == nil {
		t.Error("a key was made that nobody keeps")
	}
	if got := b.let(t, key); got != 200 {
		t.Errorf("got %d", got)
	}
	close(storage.block)
}

// TestWarnings: a key that ends soon is told of when it comes near, each time once, and counted; one that was replaced is
// told of while it is used.
func TestWarnings(t *testing.T) {
	b := newBench(t, newShelf())
	now := time.Now()
	end := now.Add(40 * 24 * time.Hour)
	old := b.make(t, "entra", func(r *Record) { r.Expires = end.UTC().Format(time.RFC3339) })
	for _, tt := range []struct{ days, lines int }{{40, 0}, {30, 1}, {20, 0}, {7, 1}, {1, 1}, {0, 0}} {
		b.logs.TakeAll()
		b.warn(end.Add(-time.Duration(tt.days) * 24 * time.Hour))
		if lines := b.logs.FilterMessage("a key expires soon").Len(); lines != tt.lines {
			t.Errorf("%d days before: %d lines", tt.days, lines)
		}
	}
	for _, days := range []int{29, 6, 5} {
		b.make(t, fmt.Sprint("days-", days), func(r *Record) { r.Expires = now.AddDate(0, 0, days).UTC().Format(time.RFC3339) })
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(gauges{b.app})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	soon := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "caddy_scim_gateway_keys_expiring" {
			for _, m := range family.GetMetric() {
				soon[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	if !maps.Equal(soon, map[string]float64{"30": 3, "7": 2, "1": 0}) {
		t.Errorf("soon: %v", soon)
	}
	if _, err := b.Rotate(t.Context(), "entra", auth.Generate(), "", 0); err != nil {
		t.Fatal(err)
	}
	told := func() int {
		b.logs.TakeAll()
		b.warn(time.Now())
		return b.logs.FilterMessage("a key that was replaced is still used").Len()
	}
	if n := told(); n != 0 {
		t.Errorf("nobody has used it: %d lines", n)
	}
	b.let(t, old)
	if a, c := told(), told(); a != 1 || c != 0 {
		t.Errorf("%d and %d lines", a, c)
	}
}

// TestLastUse: it is written, and seen at another gateway and after a restart.
func TestLastUse(t *testing.T) {
	storage := newShelf()
	one := newBench(t, storage)
	key := one.make(t, "entra")
	one.let(t, key)
	if err := one.app.Stop(); err != nil {
		t.Fatal(err)
	}
	two := newBench(t, storage)
	two.app.refresh(t.Context())
	if all := two.List(t.Context()); len(all) != 1 || time.Since(all[0].LastUse) > time.Minute {
		t.Errorf("got %+v", all)
	}
}

// TestActions are the admin API's: without a key, the gateway makes one and shows it this once.
func TestActions(t *testing.T) {
	b := newBench(t, newShelf())
	act := func(action, body string) (map[string]any, error) {
		v, err := b.actions()[action](t.Context(), json.RawMessage(body))
		text, _ := json.Marshal(v)
		var m map[string]any
		_ = json.Unmarshal(text, &m)
		return m, err
	}
	m, err := act("new", `{"name":"entra","limit":{"events":5,"per":"1s"}}`)
	key, _ := m["key"].(string)
	if err != nil || b.let(t, key) != 200 || m["name"] != "entra" {
		t.Errorf("got %v, %v", m, err)
	}
	if m, err := act("revoke", `{"name":"entra"}`); err != nil || m["status"] != "revoked" || b.let(t, key) != 401 {
		t.Errorf("got %v, %v", m, err)
	}
	for _, body := range []string{`{"name":"a b"}`, `{"name":"x","key":"tiny"}`, `{"name":"x","scope":["write"]}`, `{"name":1}`, `{"name":"x","key":"{env.HOME}"}`} {
		if m, err := act("new", body); err == nil || strings.Contains(err.Error(), "tiny") {
			t.Errorf("%s: %v, %v", body, m, err)
		}
	}
	if _, err := b.switches()["disable"](t.Context(), json.RawMessage(`{"status":200}`)); err == nil {
		t.Error("disabled with 200")
	}
}
