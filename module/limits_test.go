package module_test

import (
	"math"
	"testing"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// What may come in may become what the default lets become of the default; less is never allowed than by default.
func TestMaxBytesFollowsMaxBody(t *testing.T) {
	for body, want := range map[int64]int{
		1000: quirks.DefaultMaxBytes, module.DefaultMaxBody: quirks.DefaultMaxBytes, 64 << 20: 512 << 20,
		-1: quirks.DefaultMaxBytes,
	} {
		if got := module.MaxBytes(body); got != want {
			t.Errorf("%d: %d, want %d", body, got, want)
		}
	}
	if got := module.MaxBytes(math.MaxInt64); got < quirks.DefaultMaxBytes {
		t.Errorf("the largest: %d", got)
	}
}
