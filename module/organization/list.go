package organization

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// shards is how many shards a list has: one for each first byte of an id.
const shards = 256

// listCache keeps the items of a bucket in encoded form, in shards by the first byte of their ids. The API has no paging
// and no filter, so its clients read whole lists between two writes; a write makes one shard stale, and only that one
// is read from disk again.
type listCache struct {
	bucket []byte
	mu     sync.Mutex
	shards [shards]shard
}

type shard struct {
	items   []byte // joined with commas; never modified, only replaced, since answers may still be writing it
	built   uint64 // the transaction that items shows
	changed uint64 // the last transaction that wrote to the shard, committed or not
}

func newListCache(bucket []byte) *listCache {
	l := &listCache{bucket: bucket}
	for i := range l.shards {
		l.shards[i].changed = 1 // later than never built
	}
	return l
}

// touch notes that a transaction that is not committed yet writes the item.
func (l *listCache) touch(id guid, transaction int) {
	l.mu.Lock()
	l.shards[id[0]].changed = uint64(transaction)
	l.mu.Unlock()
}

// listing is a consistent state of a list, ready to be written.
type listing [shards][]byte

// snapshot returns the list as of the last committed transaction.
func (l *listCache) snapshot(db *bolt.DB) (*listing, error) {
	// The transaction begins under the lock, so that no shard can be newer than the state that is asked for.
	l.mu.Lock()
	defer l.mu.Unlock()
	var out listing
	err := safely(func() error { return db.View(func(b *bolt.Tx) error { return l.read(b, &out) }) })
	return &out, err
}

// read brings the shards that are stale up to the state of a transaction.
func (l *listCache) read(b *bolt.Tx, out *listing) error {
	cursor := b.Bucket(l.bucket).Cursor()
	for i := range l.shards {
		p := &l.shards[i]
		// When changed belongs to a transaction that is not committed, the shard is read again in vain: once.
		if p.built < p.changed {
			p.items = collect(cursor, byte(i), len(p.items))
			p.built = uint64(b.ID())
		}
		out[i] = p.items
	}
	return nil
}

// collect joins the items whose ids begin with first.
func collect(cursor *bolt.Cursor, first byte, size int) []byte {
	items := make([]byte, 0, size+size/8)
	for k, v := cursor.Seek([]byte{first}); len(k) > 0 && k[0] == first; k, v = cursor.Next() {
		if len(items) > 0 {
			items = append(items, ',')
		}
		items = append(items, v...)
	}
	return items
}

// write answers with the list.
func (l *listing) write(w http.ResponseWriter) {
	const head, tail = `{"object":"list","data":[`, `]}`
	size, filled := len(head)+len(tail), 0
	for _, items := range l {
		if len(items) > 0 {
			size += len(items)
			filled++
		}
	}
	size += max(filled-1, 0)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(w, head)
	first := true
	for _, items := range l {
		if len(items) == 0 || err != nil {
			continue
		}
		if !first {
			_, err = io.WriteString(w, ",")
		}
		first = false
		if err == nil {
			_, err = w.Write(items) //nolint:gosec // JSON, and labeled so: no browser runs it
		}
	}
	if err == nil {
		_, _ = io.WriteString(w, tail)
	}
}
