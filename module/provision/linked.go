package provision

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/schema"
	"github.com/caddy-scim/gateway/transforms/value"
)

// linkedBy says why a resource that was there before is the provider's from now on: by which of its values it was found,
// and what of the configuration says that it is taken. Without a lookup it is the provider that found it.
func (rs *resources) linkedBy(ctx context.Context, id string, l value.Lookup, policy string) {
	trace.From(ctx).Note(trace.Note{Kind: trace.Linked, ID: id, Because: because(l.Attribute, policy), Value: l.Value})
	if !rs.IsUser() {
		return
	}
	fields := []zap.Field{zap.String("id", id), zap.String("policy", policy)}
	if l.Attribute != "" {
		fields = append(fields, zap.String("matched", l.Attribute), zap.String("value_hash", hashed(l.Value)))
	}
	rs.log.Info("a member who was there is linked to the provider's user", fields...)
}

func because(attribute, policy string) string {
	if attribute == "" {
		return policy
	}
	return attribute + ", " + policy
}

// hashKey is of this process: a value cannot be found out by hashing guesses.
var hashKey = sync.OnceValue(func() []byte { return []byte(rand.Text()) })

// hashed tells equal values from different ones, in the log of one process.
func hashed(text string) string {
	mac := hmac.New(sha256.New, hashKey())
	_, _ = mac.Write([]byte(schema.Fold(text)))
	return hex.EncodeToString(mac.Sum(nil)[:6])
}
