package provlog

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

const (
	person = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","userName":"ada@example.com","displayName":"Ada Lovelace","active":"True","password":"hunter2","title":"Countess","emails":[{"type":"work","primary":true,"value":"ada@example.com"}]}`
	leave  = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`
	joins  = `{"Operations":[{"op":"add","path":"members","value":[{"value":"u1"}]}]}`
	parts  = `{"Operations":[{"op":"remove","path":"members[value eq \"u1\"]"}]}`
)

func testSink(t testing.TB, c Config, organization string) (*Sink, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	s, err := Open(c, organization, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, logs
}

func testReader(t testing.TB, file string, organizations ...string) *Reader {
	t.Helper()
	r, err := OpenReader(file, organizations...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func entry(verb, id, received, answered string, status int) *Entry {
	tr := new(trace.Trace)
	tr.Call(trace.Call{Name: "user.update[0]", Method: "PUT", Path: "/members/" + id, Status: 200, Took: time.Millisecond})
	resource := "User"
	if strings.HasPrefix(id, "g") {
		resource = "Group"
	}
	return &Entry{
		Time: time.Now(), Took: 3 * time.Millisecond, Key: "entra", Resource: resource, Verb: verb, ID: id, Status: status, Trace: tr,
		Received: []byte(received), Canonical: []byte(received), Answered: []byte(answered),
	}
}

func noted(e *Entry, notes ...trace.Note) *Entry {
	for _, n := range notes {
		e.Trace.Note(n)
	}
	return e
}

func TestTimelineTellsWhySomebodyHasAccess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	s, _ := testSink(t, Config{File: file, LogValues: Full}, "acme")
	create := entry("create", "", person, person, 201)
	create.Rules, create.RuleIDs = []quirks.Correction{{Rule: "boolean-string", Path: "active", Before: `"True"`, After: "true"}}, []string{"boolean-string"}
	create.Canonical = []byte(strings.Replace(person, `"True"`, "true", 1))
	create.Trace.Note(trace.Note{Kind: trace.Invited, ID: "u1"})
	s.Add(create)
	s.Add(noted(entry("patch", "g1", joins, "", 204), trace.Note{Kind: trace.MemberAdded, ID: "u1", Group: "g1"}))
	s.Add(noted(entry("patch", "g1", parts, "", 204), trace.Note{Kind: trace.MemberRemoved, ID: "u1", Group: "g1"}))
	s.Add(noted(entry("patch", "u1", leave, "", 204), trace.Note{Kind: trace.MemberAdded, ID: "u1", Group: "g 1"},
		trace.Note{Kind: trace.Linked, ID: "u1", Because: "userName, existing link", Value: "ada@example.com"}))
	refused := entry("patch", "u1", leave, "", 503)
	refused.Leaver, refused.Error = true, "the upstream cannot be reached"
	s.Add(refused)
	s.Flush()

	r := testReader(t, file)
	lines, err := r.Timeline(t.Context(), "acme", "u1", 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, strings.TrimSpace(l.Resource+" "+l.Verb+" "+l.What))
	}
	if want := "User patch, User patch member_added@g%201, Group patch member_removed, Group patch member_added, User create invited"; strings.Join(got, ", ") != want {
		t.Errorf("timeline: %s", strings.Join(got, ", "))
	}
	if words := lines[1].Words(); len(words) != 1 || words[0] != (Word{"member_added", "g 1"}) {
		t.Errorf("words: %v", words)
	}
	if lines[1].Notes != "member_added, linked (userName, existing link)" {
		t.Errorf("notes: %s", lines[1].Notes)
	}
	if group, err := r.Timeline(t.Context(), "acme", "g 1", 10); err != nil || len(group) != 1 || group[0].What != "member_added" {
		t.Errorf("timeline of the group: %+v, %v", group, err)
	}
	if lines[0].Name != "Ada Lovelace" {
		t.Errorf("a request without a name is told under %q", lines[0].Name)
	}
	leavers, err := r.Leavers(t.Context(), "acme")
	if err != nil || len(leavers) != 1 || leavers[0].Subject != "u1" {
		t.Fatalf("leavers: %v, %v", leavers, err)
	}
	s.Add(entry("patch", "u1", leave, "", 204))
	s.Flush()
	if leavers, err = r.Leavers(t.Context(), "acme"); err != nil || len(leavers) != 0 {
		t.Errorf("leavers after one was let go: %v, %v", leavers, err)
	}
	sub, err := r.Subject(t.Context(), "acme", "u1")
	if err != nil || sub == nil || sub.Active != 0 || sub.Login != "ada@example.com" {
		t.Errorf("subject: %+v, %v", sub, err)
	}
	for _, search := range []Search{
		{Rule: "boolean-string"}, {Text: []string{"lovelace"}, Verb: "create"}, {Status: 201}, {Subject: "u1", Organization: "acme", Oldest: true, Limit: 1},
	} {
		found, err := r.Records(t.Context(), search)
		if err != nil || len(found) != 1 || found[0].Verb != "create" {
			t.Errorf("%+v: %d records, %v", search, len(found), err)
			continue
		}
		if c := found[0].Calls; len(c) != 1 || c[0].Name != "user.update[0]" || found[0].Canonical == nil {
			t.Errorf("record: %+v", found[0])
		}
	}
	if found, _ := r.Records(t.Context(), Search{Status: 5}); len(found) != 1 || !found[0].Leaver {
		t.Errorf("5xx: %v", found)
	}
}

// Whoever may see one organization sees no other's, whatever he asks for.
func TestOneOrganizationNeverShowsAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	acme, _ := testSink(t, Config{File: file, LogValues: Full}, "acme")
	globex, _ := testSink(t, Config{File: file, LogValues: Full}, "globex")
	acme.Add(entry("create", "", person, person, 201))
	globex.Add(entry("create", "", person, person, 201))
	globex.Add(entry("patch", "u1", leave, "", 503))
	acme.Flush()
	globex.Flush()
	ctx := t.Context()
	all := testReader(t, file)
	if names, err := all.Organizations(ctx); err != nil || len(names) != 2 {
		t.Fatalf("%v, %v", names, err)
	}
	r := testReader(t, file, "acme")
	for _, organization := range []string{"", "globex", "' OR 1=1 --", "%"} {
		found, err := r.Records(ctx, Search{Organization: organization, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := r.Timeline(ctx, organization, "u1", 100)
		subjects, _ := r.Subjects(ctx, organization, "User", []string{"%", ""}, 100, 0)
		one, _ := r.Subject(ctx, organization, "u1")
		n := len(found) + len(lines) + len(subjects)
		if one != nil {
			n++
			if one.Organization != "acme" {
				t.Errorf("%q shows a user of %s", organization, one.Organization)
			}
		}
		if organization != "" && n > 0 {
			t.Errorf("%q shows %d things", organization, n)
		}
		for _, f := range found {
			if f.Organization != "acme" {
				t.Errorf("%q shows a record of %s", organization, f.Organization)
			}
		}
	}
	seen := 0
	for id := range int64(10) {
		if record, err := r.Record(ctx, id); err != nil {
			t.Fatal(err)
		} else if record != nil {
			seen++
			if record.Organization != "acme" {
				t.Errorf("record %d is of %s", id, record.Organization)
			}
		}
	}
	if seen != 1 {
		t.Errorf("%d records can be seen by their id", seen)
	}
}

func TestValuesOfPeople(t *testing.T) {
	for mode, want := range map[string]struct{ there, away []string }{ // of the rules, the words of the protocol stay
		Full:   {there: []string{"ada@example.com", "Countess"}, away: []string{"hunter2"}},
		Masked: {there: []string{`"active":"True"`, "work", "u1", "•", `"before":"\"Falsch\"","after":"false"`}, away: []string{"hunter2", "ada@example.com", "Countess", "Lovelace", "bob"}},
		None:   {there: []string{"u1"}, away: []string{"hunter2", "ada@example.com", "Countess", "Lovelace", "bob"}},
	} {
		t.Run(mode, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log.db")
			s, logs := testSink(t, Config{File: file, LogValues: mode}, "acme")
			e := entry("create", "", person, person, 201)
			e.Query = "filter=userName+eq+%22bob%22&access_token=hunter2&count=1"
			e.Rules = []quirks.Correction{{Rule: "x", Path: `emails[type eq "work"].value`, Before: `"ada@example.com"`}, {Rule: "y", Path: "filter", Before: `userName Eq "bob"`},
				{Rule: "localized-boolean", Path: "Operations[0].value", Before: `"Falsch"`, After: "false"}}
			if mode == Full {
				e.Query = strings.Replace(e.Query, "bob", "ada@example.com", 1)
			}
			s.Add(e)
			set := entry("patch", "u1", `{"Operations":[{"op":"add","path":"password","value":"hunter2"},{"op":"add","value":{"password":"hunter2","name.givenName":"bob"}}]}`, "", 204)
			if mode == Full {
				set.Received = bytes.ReplaceAll(set.Received, []byte("bob"), []byte("x"))
			}
			s.Add(set)
			s.Flush()
			r := testReader(t, file)
			found, err := r.Records(t.Context(), Search{})
			if err != nil || len(found) != 2 {
				t.Fatalf("%d records, %v", len(found), err)
			}
			text, err := json.Marshal(found)
			if err != nil {
				t.Fatal(err)
			}
			all := string(text)
			for _, e := range logs.All() {
				fields, err := json.Marshal(e.ContextMap())
				if err != nil {
					t.Fatal(err)
				}
				all += string(fields)
			}
			for _, w := range want.there {
				if !strings.Contains(all, w) {
					t.Errorf("%s is not there: %s", w, text)
				}
			}
			for _, w := range want.away {
				if strings.Contains(all, w) {
					t.Errorf("%s is there: %s", w, all)
				}
			}
			if logs.Len() != 2 {
				t.Errorf("the logger got %d entries", logs.Len())
			}
		})
	}
}

func TestMarksTellEqualFromDifferent(t *testing.T) {
	m := newMasker(Masked, []byte("one installation"))
	a, b, other := m.mark("ada"), m.mark("bob"), newMasker(Masked, []byte("another")).mark("ada")
	if a == b || a != m.mark("ada") || a == other {
		t.Errorf("marks: %s %s %s", a, b, other)
	}
	for in, want := range map[string]string{
		`emails[type eq "work"].value`: `emails[type eq "work"].value`,
		`userName eq "ada"`:            `userName eq "` + a + `"`,
		`members[value eq "u1"]`:       `members[value eq "u1"]`,
		`password eq "ada`:             `password eq "` + quirks.Hidden + `"`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "ada"`: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "` + a + `"`,
	} {
		if got := m.path(in); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func TestCommandShowsTheLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	s, _ := testSink(t, Config{File: file}, "acme")
	s.Add(entry("create", "", strings.Replace(person, "True", "x\x1b", 1), person, 201))
	failed := entry("patch", "u2", leave, "", 502)
	failed.Leaver, failed.Error = true, "the upstream \x1b[31m failed"
	s.Add(failed)
	s.Flush()
	run := func(args ...string) string {
		t.Helper()
		cmd := command()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(append([]string{"--file", file}, args...))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := run(); strings.Count(out, "acme") != 2 || strings.Contains(out, "\x1b") || !strings.Contains(out, "STILL ACTIVE") {
		t.Errorf("%q", out)
	}
	// A masked name is found by what it is.
	if out := run("--subject", "Ada Lovelace"); strings.Count(out, "acme") != 1 || !strings.Contains(out, "create") {
		t.Errorf("%q", out)
	}
	if out := run("--failed", "--json", "--since", "1h"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"leaver":true`) {
		t.Errorf("%q", out)
	}
	if out := run("-o", "globex"); out != "" {
		t.Errorf("%q", out)
	}
	stranger := entry("none", "", "", "", 401)
	stranger.Resource = "none"
	s.Add(stranger)
	s.Flush()
	if out := run(); strings.Contains(out, "none") || !strings.Contains(out, "401  acme  request") {
		t.Errorf("somebody without a key: %q", out)
	}
}

// Where there is a file, the entries of the logger are for a log that asks for them; without a file they are all there is.
func TestEntriesOfTheLogger(t *testing.T) {
	for file, want := range map[string]zapcore.Level{Off: zapcore.InfoLevel, filepath.Join(t.TempDir(), "log.db"): zapcore.DebugLevel} {
		s, logs := testSink(t, Config{File: file}, "acme")
		s.Add(entry("patch", "u1", leave, "", 200))
		s.Flush()
		if all := logs.FilterMessage("provisioning").All(); len(all) != 1 || all[0].Level != want {
			t.Errorf("%s: %v", file, all)
		}
	}
}
