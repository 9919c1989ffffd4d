package integration

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans is a collector of OpenTelemetry, to which Caddy sends its spans over HTTP.
type spans struct {
	mu  sync.Mutex
	all []*otlp.Span
}

func collectSpans(t *testing.T) *spans {
	s := new(spans)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var export collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &export); err != nil {
			t.Errorf("what was exported: %v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, resource := range export.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				s.all = append(s.all, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_BSP_SCHEDULE_DELAY": "50",
	} {
		t.Setenv(name, value)
	}
	return s
}

// once returns the spans after there are some that satisfy a condition.
func (s *spans) once(t *testing.T, enough func([]*otlp.Span) bool) []*otlp.Span {
	t.Helper()
	for range 400 {
		s.mu.Lock()
		all := slices.Clone(s.all)
		s.mu.Unlock()
		if enough(all) {
			return all
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Fatalf("the spans do not come: %v", s.all)
	return nil
}

// TestTracing: with Caddy's directive tracing, each phase of a request and each call, by its name in the mapping, is a span
// of the request's trace. None tells who somebody is.
func TestTracing(t *testing.T) {
	collected := collectSpans(t)
	var parents []string
	watched := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { parents = append(parents, r.Header.Get("Traceparent")) })
	server := httptest.NewServer(watched)
	defer server.Close()
	t.Run("organization", func(t *testing.T) {
		s := start(t, "tracing\n"+embedded)
		res, err := s.entra("/scim").Create(newcomer)
		if err != nil || res.Status != 201 {
			t.Fatalf("%v: %+v", err, res)
		}
		if res, err := s.entra("/scim").Create(newcomer); err != nil || res.Status != 409 {
			t.Fatalf("%v: %+v", err, res)
		}
		all := collected.once(t, func(all []*otlp.Span) bool { return len(spansNamed(all, "handler")) == 2 })
		request := spansNamed(all, "handler")[0]
		for _, name := range []string{
			"scim.authenticate", "scim.admit", "scim.normalize", "scim.lead", "scim.carry_out", "scim.call user.create[0]",
		} {
			found := spansNamed(all, name)
			if len(found) == 0 {
				t.Errorf("there is no span %s", name)
				continue
			}
			parent := request.GetSpanId()
			if strings.HasPrefix(name, "scim.call") {
				parent = spansNamed(all, "scim.carry_out")[0].GetSpanId()
			}
			if string(found[0].GetParentSpanId()) != string(parent) || string(found[0].GetTraceId()) != string(request.GetTraceId()) {
				t.Errorf("%s is not where it belongs", name)
			}
		}
		if call := spansNamed(all, "scim.call user.create[0]"); len(call) > 0 && attributeOf(call[0], "http.response.status_code") != "200" {
			t.Errorf("the call: %v", call[0])
		}
		if attributeOf(request, "scim.verb") != "create" || attributeOf(request, "scim.resource") != "User" {
			t.Errorf("the request: %v", request)
		}
		if failed := spansNamed(all, "scim.carry_out"); len(failed) != 2 || failed[1].GetStatus().GetCode() != otlp.Status_STATUS_CODE_ERROR ||
			attributeOf(failed[1], "scim.status") != "409" {
			t.Errorf("the refused creation: %v", failed)
		}
		for _, span := range all {
			if !strings.HasPrefix(span.GetName(), "scim.") {
				continue // Caddy's own has the path
			}
			text := strings.ToLower(span.String())
			for _, word := range []string{"eve", "corp", "example", res.ID(), testKey, "127.0.0.1"} {
				if strings.Contains(text, word) {
					t.Errorf("%q is in %s", word, text)
				}
			}
		}
	})
	t.Run("the upstream goes on with the call's span", func(t *testing.T) {
		s := start(t, "tracing\n"+gateway(server.Listener.Addr().String(), ""))
		s.try(s.addr, http.MethodDelete, "/scim/Users/7", testKey)
		all := collected.once(t, func(all []*otlp.Span) bool { return len(spansNamed(all, "handler")) == 3 })
		calls := spansNamed(all, "scim.call")
		if len(calls) != 1 || len(parents) != 1 || !strings.Contains(parents[0], hex.EncodeToString(calls[0].GetSpanId())) {
			t.Errorf("the calls %v, and the upstream was told %v", calls, parents)
		}
	})
	t.Run("without tracing there is nothing", func(t *testing.T) {
		_ = caddy.Stop() // what is under way is exported
		collected.mu.Lock()
		before := len(collected.all)
		collected.mu.Unlock()
		s := start(t, embedded)
		s.try(s.addr, http.MethodGet, "/scim/Users", testKey)
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
		collected.mu.Lock()
		defer collected.mu.Unlock()
		if len(collected.all) != before {
			t.Errorf("spans: %v", collected.all[before:])
		}
	})
}

func spansNamed(all []*otlp.Span, name string) (found []*otlp.Span) {
	for _, span := range all {
		if span.GetName() == name {
			found = append(found, span)
		}
	}
	slices.SortFunc(found, func(a, b *otlp.Span) int {
		return int(int64(a.GetStartTimeUnixNano()) - int64(b.GetStartTimeUnixNano()))
	})
	return found
}

func attributeOf(span *otlp.Span, name string) string {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == name {
			if v, ok := a.GetValue().GetValue().(*common.AnyValue_IntValue); ok {
				return strconv.FormatInt(v.IntValue, 10)
			}
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}
