package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/caddy-scim/gateway/module/ledger"
	"github.com/caddy-scim/gateway/module/ledger/storagetest"
)

// After a takeover, whoever asks first is told what another gateway has written, whatever this one owed to the record before:
// lists, searches and a person no less than who asks for the record itself.
func TestNobodyIsToldWhatWasOwed(t *testing.T) {
	for by, told := range map[string]func(*ledger.Ledger) bool{
		"marks": func(l *ledger.Ledger) bool {
			m, err := l.Users.Marks(t.Context())
			return err != nil || m.Hidden("1")
		},
		"find": func(l *ledger.Ledger) bool { return find(t, l, "mine") != "" || find(t, l, "theirs") != "1" },
		"all": func(l *ledger.Ledger) bool {
			all, err := l.Users.All(t.Context())
			return err != nil || len(all) != 1 || all[0].Deleted || !all[0].Linked
		},
	} {
		s := storagetest.New()
		l := open(t, s, "acme")
		l.Users.Keep(t.Context(), "1", linked)
		s.Fail("store")
		l.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Deleted, r.Kept = true, kept("userName", "mine") })
		l.Close()
		s.Heal()
		if !told(l) {
			t.Errorf("%s: what is owed is not told before the takeover", by)
		}
		open(t, s, "acme").Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Kept = kept("userName", "theirs") })
		l.TakeOver()
		if told(l) {
			t.Errorf("%s: told what was owed", by)
		}
		if err := l.Flush(t.Context()); err != nil || l.Owed() > 0 || told(open(t, s, "acme")) {
			t.Errorf("%s: it is written: %v", by, err)
		}
	}
}

// What is owed to a record that nobody else has written is told after a takeover as before: who waits is not created twice.
func TestOwedIsToldWhereNobodyElseWrote(t *testing.T) {
	s := storagetest.New()
	l := open(t, s, "acme")
	_ = get(t, l.Users, "1")
	s.Fail("store")
	l.Users.Keep(t.Context(), "1", func(r *ledger.Record) { r.Deferred = json.RawMessage(`{"n":1}`) })
	l.Close()
	s.Heal()
	l.TakeOver()
	if m, err := l.Users.Marks(t.Context()); err != nil || !m.Waits("1") {
		t.Errorf("who waits is unknown: %v", err)
	}
}
