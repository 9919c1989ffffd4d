package module

import (
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/tidwall/gjson"
	_ "github.com/tidwall/sjson"
	_ "go.etcd.io/bbolt"
	_ "go.uber.org/zap"
	_ "golang.org/x/oauth2/clientcredentials"
	_ "golang.org/x/sync/singleflight"
	_ "golang.org/x/time/rate"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/google/uuid"
	_ "github.com/dustin/go-humanize"
	_ "github.com/caddyserver/certmagic"
	_ "github.com/spf13/cobra"
)
