package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-scim/gateway/module/provlog"
)

// Only a client on this machine that asked for this machine by its own name is one of this machine's people: a page from
// elsewhere whose name DNS has led here is not, and neither is whoever a proxy on this machine speaks for.
func TestLocal(t *testing.T) {
	for _, c := range []struct {
		host, client, header string
		want                 bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:5", "", true},
		{"localhost", "127.0.0.1:5", "", true},
		{"[::1]:8080", "[::1]:5", "", true},
		{"evil.example", "127.0.0.1:5", "", false},
		{"localhost.evil.example:80", "127.0.0.1:5", "", false},
		{"127.0.0.1", "192.0.2.1:5", "", false},
		{"127.0.0.1", "127.0.0.1:5", "X-Forwarded-For", false},
		{"127.0.0.1", "127.0.0.1:5", "Via", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+c.host+"/console", nil)
		r.RemoteAddr = c.client
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		if got := local(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestWordsAreText(t *testing.T) {
	if got := plain("a\x00b\x1b[31m\u202ec\n\x7f"); strings.ContainsAny(got, "\x00\x1b\u202e\n\x7f") || !strings.Contains(got, "b") {
		t.Errorf("%q", got)
	}
}

func TestCompare(t *testing.T) {
	var got strings.Builder
	for _, c := range compare([]byte(`{"a":"True","b":1}`), []byte(`{"a":true,"b":1}`)) {
		got.WriteString(c.Sign + strings.TrimSpace(c.Text) + "|")
	}
	if want := ` {|-"a": "True",|+"a": true,| "b": 1| }|`; got.String() != want {
		t.Errorf("%s", got.String())
	}
}

func TestNotedInWords(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "revoked": "access revoked", "member_added, waiting": "added to the group|waits until active",
		"linked (userName, existing conflict)":         "linked to somebody who was there before because of userName, existing conflict",
		"linked (email), revoked, protected (link_by)": "linked to somebody who was there before because of email|access revoked|none of the provider's because of link_by",
	} {
		got := inWords(text)
		if strings.Join(got, "|") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// Of a half hour without a request nobody knows how long one would have taken: the line has a gap there.
func TestLineHasGaps(t *testing.T) {
	var buckets []provlog.Bucket
	for _, n := range []int{1, 1, 0, 1, 0, 0, 1, 1} {
		buckets = append(buckets, provlog.Bucket{Requests: n, Milliseconds: float64(n) * 10})
	}
	want := []string{"45.0,8.0 45.0,8.0 135.0,8.0", "315.0,8.0 315.0,8.0", "585.0,8.0 585.0,8.0 675.0,8.0"}
	if diff := cmp.Diff(want, drawRequests(buckets).Lines); diff != "" {
		t.Error(diff)
	}
}
