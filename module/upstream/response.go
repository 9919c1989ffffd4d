package upstream

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
)

var errTooLarge = errors.New("the answer is larger than the gateway allows")

// response takes what the next handler writes. It has a header map of its own: Caddy's recorder shares the client's, so
// that the upstream's headers and 1xx answers would reach the provider.
type response struct {
	answer   Answer
	limit    int64
	tooLarge bool
}

func (r *response) Header() http.Header { return r.answer.Header }

func (r *response) WriteHeader(status int) {
	if r.answer.Status != 0 || status < 200 { // 1xx answers say nothing about the outcome
		return
	}
	r.answer.Status = status
	if n, err := strconv.ParseInt(r.answer.Header.Get("Content-Length"), 10, 64); err == nil {
		if n > r.limit {
			r.tooLarge = true
			return
		}
		r.answer.Body = make([]byte, 0, min(max(n, 0), 1<<20))
	}
}

func (r *response) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.tooLarge || int64(len(r.answer.Body)+len(b)) > r.limit {
		r.tooLarge = true
		return 0, errTooLarge
	}
	if have := len(r.answer.Body); cap(r.answer.Body)-have < len(b) {
		r.answer.Body = slices.Grow(r.answer.Body, max(have, len(b))) // twice as much: append would copy a large one again and again
	}
	r.answer.Body = append(r.answer.Body, b...)
	return len(b), nil
}

// Flush does nothing: answers are complete before anything is made of them.
func (r *response) Flush() {}
