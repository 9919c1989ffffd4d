package cluster

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// staleLock is how old a lock file has to be that nobody keeps: who holds one writes it every five seconds.
const staleLock = time.Minute

var removed sync.Map // lock files are looked for once in a storage

// removeLocks removes the lock files that earlier versions of the gateway left in a storage on files. Nobody waits for
// them any more.
func removeLocks(ctx context.Context, st certmagic.Storage) {
	files, ok := st.(*certmagic.FileStorage)
	if !ok {
		return
	}
	if _, done := removed.LoadOrStore(files.Path, true); done {
		return
	}
	keys, err := files.List(ctx, "locks", false)
	if err != nil {
		return
	}
	for _, key := range keys {
		if !strings.HasPrefix(path.Base(key), "scim_gateway") {
			continue
		}
		if info, err := files.Stat(ctx, key); err == nil && time.Since(info.Modified) > staleLock {
			_ = files.Delete(ctx, key)
		}
	}
}
