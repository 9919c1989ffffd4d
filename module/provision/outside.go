package provision

import (
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// outside returns what the environment or a file says for a placeholder of a mapping, {env.NAME} or {file.PATH}.
func outside(placeholder string) (string, bool) {
	if name, ok := strings.CutPrefix(placeholder, "env."); ok {
		return os.LookupEnv(name)
	}
	v, _ := caddy.NewReplacer().Get(placeholder)
	text, _ := v.(string)
	return text, text != ""
}

// orUnset is outside where it does not matter what it says.
func orUnset(placeholder string) (string, bool) {
	if v, ok := outside(placeholder); ok {
		return v, true
	}
	return "unset", true
}
