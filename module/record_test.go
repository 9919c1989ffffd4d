package module_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-scim/gateway/module"
)

// Who is not let in has not asked for anything yet: the log must not name an operation, and never the key.
func TestRefusedKeyInTheLog(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	g := newGateway(t, config)
	module.SetLogger(g.h, zap.New(core))
	g.do(t, request("DELETE", "/s/Users/1", "", "Authorization", "Bearer presented-key"))
	entries := logs.All()
	if len(entries) != 1 {
		t.Fatalf("%d lines", len(entries))
	}
	fields := entries[0].ContextMap()
	if fields["op"] != "none" || fields["resource"] != "none" || fields["reason"] != "unknown" {
		t.Errorf("logged %v", fields)
	}
	if strings.Contains(fmt.Sprint(entries[0].Message, fields), "presented-key") {
		t.Errorf("the key is in the log: %v", fields)
	}
}
