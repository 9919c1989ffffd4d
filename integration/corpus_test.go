package integration

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// corpusRow is one row of the corpus: what a provider sends, and what an upstream must get or the provider be told.
type corpusRow struct {
	ID, Title, Method, Path, Action, Quirk string
	Headers                                map[string]any
	Body                                   json.RawMessage
	BodyRaw                                *string         `json:"body_raw"`
	BodyB64                                string          `json:"body_b64"`
	Gen                                    json.RawMessage `json:"body_gen"`
	PathGen                                json.RawMessage `json:"path_gen"`
	Canonical                              *canonical
	Expect                                 *expectation
	ExpectAlt                              []expectation `json:"expect_alt"`
	Default                                string
	DefaultExpect                          *expectation `json:"default_expect"`
	JWT                                    *struct{ Header, Claims map[string]any }

	text []byte // the whole row
}

type canonical struct {
	Method, Path string
	Body         json.RawMessage
	Headers      map[string]string
	Ops          json.RawMessage
	OpsAlt       json.RawMessage `json:"ops_alt"`
	OpsRaw       string          `json:"ops_raw"`
}

type expectation struct {
	Status         int
	ScimType       string
	Body           json.RawMessage
	UpstreamStatus int             `json:"upstream_status"`
	UpstreamBody   json.RawMessage `json:"upstream_body"`
}

func readCorpus(t testing.TB) []corpusRow {
	t.Helper()
	text, err := os.ReadFile("../transforms/quirks/testdata/entra.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	for line := range bytes.Lines(text) {
		var row corpusRow
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%v in %.80s", err, line)
		}
		row.text = line
		if row.ID == "A14" { // a charset has no effect on JSON (RFC 8259 §11)
			row.Action, row.Expect, row.Canonical = "pass", nil, &canonical{Method: row.Method, Path: row.Path, Body: row.Body}
		}
		rows = append(rows, row)
	}
	return rows
}

// payload is the row's body as it goes over the wire, nil for none.
func (row *corpusRow) payload(t *testing.T) []byte {
	t.Helper()
	switch {
	case row.BodyRaw != nil:
		return []byte(*row.BodyRaw)
	case row.BodyB64 != "":
		b, err := base64.StdEncoding.DecodeString(row.BodyB64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case row.Gen != nil:
		return generate(t, row.Gen)
	case string(row.Body) == "null" || row.Body == nil:
		return nil
	}
	return row.Body
}

func generate(t *testing.T, spec json.RawMessage) []byte {
	t.Helper()
	var gen struct {
		Kind, Open, Close, Middle string
		Op                        json.RawMessage
		Count, Size               int
	}
	if err := json.Unmarshal(spec, &gen); err != nil {
		t.Fatal(err)
	}
	const head = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`
	var b bytes.Buffer
	switch gen.Kind {
	case "nest":
		b.WriteString(strings.Repeat(gen.Open, gen.Count) + gen.Middle + strings.Repeat(gen.Close, gen.Count))
	case "members":
		fmt.Fprintf(&b, `%s{"op":%s,"path":"members","value":[`, head, gen.Op)
		for i := range gen.Count {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"value":"00000000-0000-4000-8000-%012d"}`, i)
		}
		b.WriteString(`]}]}`)
	case "ops":
		b.WriteString(head + strings.TrimSuffix(strings.Repeat(string(gen.Op)+",", gen.Count), ",") + `]}`)
	case "gzip_bomb":
		z := gzip.NewWriter(&b)
		zeros := make([]byte, 1<<20)
		for range 64 { // enough to be a bomb, small enough for a test
			_, _ = z.Write(zeros)
		}
		_ = z.Close()
	default:
		t.Fatalf("unknown generator %q", gen.Kind)
	}
	return b.Bytes()
}

// target is the row's path, query included, as it goes over the wire.
func (row *corpusRow) target(t *testing.T) string {
	t.Helper()
	if row.PathGen == nil {
		return row.Path
	}
	var gen struct {
		Prefix, Middle string
		Repeat         []any
		RepeatEnd      []any `json:"repeat_end"`
	}
	if err := json.Unmarshal(row.PathGen, &gen); err != nil {
		t.Fatal(err)
	}
	times := func(pair []any) string { return strings.Repeat(pair[0].(string), int(pair[1].(float64))) }
	return gen.Prefix + times(gen.Repeat) + gen.Middle + times(gen.RepeatEnd)
}

// send writes the request as raw text, since no HTTP client lets broken URLs and doubled headers through.
func (row *corpusRow) send(t *testing.T, addr, root, jwt string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	fill := strings.NewReplacer("{{token}}", testKey, "{{jwt}}", jwt)
	body := row.payload(t)
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", row.Method, root, fill.Replace(row.target(t)), addr)
	length := false
	for name, value := range row.Headers {
		length = length || strings.EqualFold(name, "Content-Length")
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		for _, v := range values {
			fmt.Fprintf(w, "%s: %s\r\n", name, fill.Replace(v.(string)))
		}
	}
	if body != nil && !length {
		fmt.Fprintf(w, "Content-Length: %d\r\n", len(body))
	}
	_, _ = w.WriteString("\r\n")
	_, _ = w.Write(body)
	_ = w.Flush() // the server may refuse before it has read everything
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: row.Method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return res
}

// arrived compares what reached the upstream with the canonical request.
func (row *corpusRow) arrived(t *testing.T, seen []recorded, asSent bool) {
	t.Helper()
	if len(seen) != 1 {
		t.Fatalf("%d requests reached the upstream, want 1: %+v", len(seen), seen)
	}
	got := seen[0]
	want := *row.Canonical
	if asSent {
		want = canonical{Method: row.Method, Path: row.target(t), Body: row.payload(t)}
	}
	if got.Method != want.Method {
		t.Errorf("method %s, want %s", got.Method, want.Method)
	}
	if g, w := decoded(t, strings.TrimPrefix(got.URI, "/v2")), decoded(t, want.Path); g != w {
		t.Errorf("path\n got %s\nwant %s", g, w)
	}
	for _, name := range []string{"Authorization", "X-Forwarded-User", "X-Remote-User", "X-Http-Method-Override"} {
		if got.Header.Get(name) != "" {
			t.Errorf("header %s reached the upstream", name)
		}
	}
	if len(got.Body) > 0 && got.Header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("Content-Type %q", got.Header.Get("Content-Type"))
	}
	switch {
	case row.Action == "pass" && !asSent:
		if sent := row.payload(t); !bytes.Equal(got.Body, sent) {
			t.Errorf("the body is not byte for byte what was sent\n got %.300s\nwant %.300s", got.Body, sent)
		}
	case want.OpsRaw != "":
		if !bytes.Contains(got.Body, []byte(want.OpsRaw)) {
			t.Errorf("body %s lacks %s", got.Body, want.OpsRaw)
		}
	case len(want.Ops) > 0 && string(want.Ops) != "null":
		var envelope struct{ Operations json.RawMessage }
		if err := json.Unmarshal(got.Body, &envelope); err != nil {
			t.Fatal(err)
		}
		diff := jsonDiff(t, want.Ops, envelope.Operations)
		if diff != "" && (want.OpsAlt == nil || jsonDiff(t, want.OpsAlt, envelope.Operations) != "") {
			t.Errorf("operations (-want +got)\n%s", diff)
		}
	case len(want.Body) > 0 && string(want.Body) != "null":
		if diff := jsonDiff(t, want.Body, got.Body); diff != "" {
			t.Errorf("body (-want +got)\n%s", diff)
		}
	}
}

// answered reports whether the answer is the expected one, or why not.
func answered(res *http.Response, want expectation) string {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.StatusCode != want.Status {
		return fmt.Sprintf("status %d, want %d: %.300s", res.StatusCode, want.Status, body)
	}
	// 431 comes from the HTTP server itself, before any handler.
	if want.Status >= 400 && want.Status != http.StatusRequestHeaderFieldsTooLarge {
		var e struct {
			Schemas                  []string
			Status, ScimType, Detail string
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return fmt.Sprintf("no SCIM error: %v: %.300s", err, body)
		}
		if e.ScimType != want.ScimType || e.Status != fmt.Sprint(want.Status) || e.Detail == "" || len(e.Schemas) != 1 {
			return fmt.Sprintf("error %s, want scimType %q", body, want.ScimType)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/scim+json" {
			return "Content-Type " + ct
		}
	}
	return ""
}

func decoded(t *testing.T, uri string) string {
	t.Helper()
	path, query, _ := strings.Cut(uri, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatalf("query %q: %v", query, err)
	}
	return path + "?" + strings.ReplaceAll(values.Encode(), "+", "%20")
}

func jsonDiff(t *testing.T, want, got []byte) string {
	t.Helper()
	var a, b any
	for text, into := range map[*[]byte]*any{&want: &a, &got: &b} {
		d := json.NewDecoder(bytes.NewReader(*text))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			t.Fatalf("%v in %.300s", err, *text)
		}
	}
	return cmp.Diff(a, b)
}
