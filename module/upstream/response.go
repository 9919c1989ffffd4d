package upstream

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"sync"
)

var errTooLarge = errors.New("the answer is larger than the gateway allows")

// response takes what the next handler writes. It has a header map of its own: Caddy's recorder shares the client's, so
// that the upstream's headers and 1xx answers would reach the provider.
type response struct {
	answer   Answer
	body     *bytes.Buffer // borrowed
	limit    int64
	tooLarge bool
}

// buffers are for bodies that are not whole yet. Few answers say how long they will be, and to let a long one grow anew each time
// costs more than to copy it once.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// mostKept is how large a buffer may be that is kept for other answers.
const mostKept = 4 << 20

func (r *response) Header() http.Header { return r.answer.Header }

func (r *response) WriteHeader(status int) {
	if r.answer.Status != 0 || status < 200 { // 1xx answers say nothing about the outcome
		return
	}
	r.answer.Status = status
	if n, err := strconv.ParseInt(r.answer.Header.Get("Content-Length"), 10, 64); err == nil {
		r.tooLarge = n > r.limit
	}
}

func (r *response) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.body == nil {
		r.body = buffers.Get().(*bytes.Buffer)
	}
	if r.tooLarge || int64(r.body.Len()+len(b)) > r.limit {
		r.tooLarge = true
		return 0, errTooLarge
	}
	return r.body.Write(b)
}

// end makes the body that of the answer. Nothing is written after it.
func (r *response) end() {
	if r.body == nil {
		return
	}
	r.answer.Body = append([]byte(nil), r.body.Bytes()...)
	if r.body.Cap() <= mostKept {
		r.body.Reset()
		buffers.Put(r.body)
	}
	r.body = nil
}

// Flush does nothing: answers are complete before anything is made of them.
func (r *response) Flush() {}
