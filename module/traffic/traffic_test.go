package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func testRecorder(t *testing.T, c Config) (*Recorder, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	r, err := Open(c, Beginning{Profile: "entra"}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	return r, logs
}

func created() *Passed {
	return &Passed{
		Time: time.Now(), Method: http.MethodPost, Path: "/Users", Type: "application/scim+json", Status: 201, Located: true,
		Body: []byte(`{"userName":"ada@x.org","active":"True"}`), Answer: []byte(`{"id":"7","userName":"ada@x.org","active":true}`),
	}
}

func lines(t *testing.T, file string) (all []Exchange) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var x Exchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, x)
	}
	return all
}

func TestRecord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "traffic.jsonl")
	for range 2 { // it is appended to, with the same pseudonyms
		r, _ := testRecorder(t, Config{File: file})
		r.Add(created())
		r.Add(&Passed{Method: http.MethodGet, Path: "/Users/7", Status: 200, Type: "ada@x.org", Answer: created().Answer})
		r.Add(&Passed{Method: http.MethodPatch, Path: "/Users/7", Status: 400, Unreadable: true})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := lines(t, file)
	if len(all) != 8 || all[0].Begins.Profile != "entra" || all[0].Begins.Format != format {
		t.Fatalf("%d lines: %+v", len(all), all)
	}
	var id struct{ ID string }
	if err := json.Unmarshal(all[5].Answer.Body, &id); err != nil || !bytes.Equal(all[1].Answer.Body, all[5].Answer.Body) {
		t.Errorf("%v: %s, then %s", err, all[1].Answer.Body, all[5].Answer.Body)
	}
	if all[2].Target != "/Users/"+id.ID || all[1].Header["Content-Type"] == "" || len(all[2].Header) != 0 || !all[3].Unreadable {
		t.Errorf("got %+v", all[1:4])
	}
	text, _ := os.ReadFile(file)
	for _, word := range []string{`"ada`, "x.org", `"7"`} {
		if bytes.Contains(text, []byte(word)) {
			t.Errorf("%s is in the record", word)
		}
	}
	for _, name := range []string{file, file + ".key"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// A record that is full or cannot be written stops nothing, is said once, and says itself what is missing in it.
func TestRecordThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for name, prepare := range map[string]func(file string) error{
		"a folder":     func(file string) error { return os.MkdirAll(file, 0o700) },
		"below a file": func(file string) error { return os.WriteFile(filepath.Dir(file), nil, 0o600) },
		"full":         func(file string) error { return os.MkdirAll(filepath.Dir(file), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"), "traffic")
			if name == "a folder" {
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := prepare(file); err != nil {
				t.Fatal(err)
			}
			c := Config{File: file}
			if name == "full" {
				c.MaxSize = 100
			}
			r, logs := testRecorder(t, c)
			for range 3 {
				r.Add(created())
			}
			r.file.in.Flush()
			if s := r.State(); s.Dropped != 3 || len(s.Problems) != 1 || logs.Len() != 1 {
				t.Errorf("%+v, said %d times", s, logs.Len())
			}
			if name == "full" { // somebody gives it more room
				more, _ := testRecorder(t, Config{File: file})
				more.Add(created())
				more.file.in.Flush()
				if all := lines(t, file); len(all) != 3 || all[1].Dropped != 3 || len(more.State().Problems) != 0 {
					t.Errorf("got %+v", all)
				}
				_ = more.Close()
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHalfALineStaysAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "traffic")
	if err := os.WriteFile(file, []byte(`{"method":"PO`), 0o644); err != nil {
		t.Fatal(err)
	}
	r, _ := testRecorder(t, Config{File: file})
	r.Add(created())
	_ = r.Close()
	text, _ := os.ReadFile(file)
	if report, err := play(t, string(text), echo(t)); err != nil || report.Requests != 1 || report.Missing != 1 {
		t.Errorf("%+v, %v in\n%s", report, err, text)
	}
	if info, _ := os.Stat(file); info.Mode() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
}

// echo answers as a gateway does that gives ids of its own and knows everybody whom it was told of.
func echo(t *testing.T) http.HandlerFunc {
	users := map[string]map[string]any{}
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := func(status int, v any) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		id := strings.TrimPrefix(r.URL.Path, "/scim/Users")
		switch {
		case r.Header.Get("Authorization") != "Bearer k":
			answer(401, nil)
		case r.Method == http.MethodPost:
			var user map[string]any
			if err := json.Unmarshal(body, &user); err != nil {
				t.Error(err)
			}
			user["id"], user["active"] = fmt.Sprint("u", len(users)), true
			user["meta"] = map[string]any{"location": r.Host}
			users["/"+user["id"].(string)] = user
			w.Header().Set("Location", "x")
			answer(201, user)
		case id == "":
			all := []any{}
			for _, u := range users {
				if f := r.URL.Query().Get("filter"); f == "" || strings.Contains(f, fmt.Sprintf("%q", u["id"])) {
					all = append(all, u)
				}
			}
			answer(200, map[string]any{"Resources": all})
		case users[id] == nil:
			answer(404, map[string]any{"detail": "there is no such user"})
		default:
			answer(200, users[id])
		}
	}
}

func play(t *testing.T, record string, gateway http.Handler) (*Report, error) {
	t.Helper()
	s := httptest.NewServer(gateway)
	defer s.Close()
	p := Player{URL: s.URL + "/scim?aadOptscim062020", Key: "k", HTTP: s.Client()}
	return p.Play(t.Context(), strings.NewReader(record))
}

const record = `{"begins":{"format":1}}
{"method":"POST","target":"/Users","body":{"userName":"a"},"answer":{"status":201,"header":{"Location":"…"},"body":{"id":"1","userName":"a","active":true,"meta":{"location":"y"}}}}
{"method":"POST","target":"/Users","body":{"userName":"b","manager":{"value":"1"}},"answer":{"status":201,"header":{"Location":"…"},"body":{"id":"2","userName":"b","manager":{"value":"1"},"active":true,"meta":{}}}}
{"method":"GET","target":"/Users/1","answer":{"status":200,"body":{"id":"1","userName":"a","active":true,"meta":{}}}}
{"method":"PATCH","target":"/Users/1","unreadable":true,"answer":{"status":400}}
{"dropped":2}
{"method":"GET","target":"/Users","answer":{"status":200,"body":{"Resources":[{"id":"2","userName":"b","manager":{"value":"1"},"active":true,"meta":{}},{"id":"1","userName":"a","active":true,"meta":{}}]}}}
{"method":"GET","target":"/Users?filter=id%20eq+%222%22","answer":{"status":200,"body":{"Resources":[{"id":"2","userName":"b","manager":{"value":"1"},"active":true,"meta":{}}]}}}
{"method":"GET","target":"/Users/9","answer":{"status":404,"foreign":true,"body":{"detail":"nobody"}}}
`

func TestReplayWithoutDifference(t *testing.T) {
	report, err := play(t, record, echo(t))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	_ = report.print(&out)
	if len(report.Differ) > 0 || report.Requests != 6 || report.Skipped != 1 || report.Missing != 2 {
		t.Errorf("got %s", &out)
	}
}

func TestReplayShowsDifferences(t *testing.T) {
	next := echo(t)
	report, err := play(t, record, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		next(answer, r)
		if answer.Code == 404 {
			answer.Code = 200
		}
		w.WriteHeader(answer.Code) // and no Location
		_, _ = w.Write(bytes.Replace(bytes.ReplaceAll(answer.Body.Bytes(), []byte("true"), []byte("false")), []byte(`"userName":"b"`), []byte(`"userName":"\u001b[1m"`), 1))
	}))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	_ = report.print(&out)
	for _, want := range []string{
		"line 2: POST /Users\n  header Location\n    recorded: \"…\"\n    now:      nothing\n  active\n    recorded: true\n    now:      false\n",
		"line 9: GET /Users/9\n  status\n    recorded: 404\n    now:      200\n", "6 requests played, 6 answers differ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), `"u0"`) {
		t.Errorf("a control character, or an id of this gateway, is in\n%s", &out)
	}
}

func TestReplayRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "there is no request",
		`{"begins":{"format":99}}`: "later version",
		"no record at all":         "there is no request",
	} {
		if _, err := play(t, in, echo(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
	p := Player{URL: "scim.example.com/scim", HTTP: http.DefaultClient}
	if _, err := p.Play(t.Context(), strings.NewReader(record)); err == nil || !strings.Contains(err.Error(), "is no URL") {
		t.Errorf("a bad URL: %v", err)
	}
	s := httptest.NewServer(echo(t))
	defer s.Close()
	p = Player{URL: s.URL + "/scim", Key: "wrong", HTTP: s.Client()}
	if _, err := p.Play(t.Context(), strings.NewReader(record)); err == nil || !strings.Contains(err.Error(), "does not take the key") {
		t.Errorf("a bad key: %v", err)
	}
}
