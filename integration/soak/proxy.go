package soak

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Proxy stands between the gateway and the organization, and makes calls go wrong.
type Proxy struct {
	Org   http.Handler
	Trace *Trace

	// Rate is how many calls of a thousand go wrong.
	Rate int

	// Late are the writing calls of a thousand that are answered with nothing to go by, and carried out a while after. Stale
	// are the reads of a thousand that show what they showed before.
	Late, Stale int

	// Kill, if set, are more things that can go wrong: each ends a process, or stands for something as bad.
	Kill []Kill

	late sync.WaitGroup // accidents and calls that are about to happen

	mu      sync.Mutex
	rng     *rand.Rand
	trouble bool
	landed  bool                                  // whether a call was carried out late
	shown   map[string]*httptest.ResponseRecorder // what was answered to reads the last time, by path
}

// Kill is an accident that happens to a whole process.
type Kill struct {
	Name string
	Rate int // of a thousand calls
	Do   func()

	// Late tells that the call is answered, and that it happens a moment after.
	Late bool
}

// NewProxy returns a proxy that spoils calls by the generator, once there is trouble.
func NewProxy(org http.Handler, rng *rand.Rand, trace *Trace, rate int) *Proxy {
	return &Proxy{Org: org, Trace: trace, Rate: rate, rng: rng, shown: map[string]*httptest.ResponseRecorder{}}
}

// Trouble begins the faults, or ends them.
func (p *Proxy) Trouble(on bool) {
	p.mu.Lock()
	p.trouble = on
	p.mu.Unlock()
	if !on {
		p.late.Wait()
	}
}

// Landed reports whether a call was carried out after it was answered, or is about to be.
func (p *Proxy) Landed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.landed
}

// Draw is a number below n, by the proxy's generator.
func (p *Proxy) Draw(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(n)
}

// fault is a way in which a call goes wrong. pass carries it out.
type fault struct {
	name string
	do   func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder)

	// quiet tells that nothing shows the fault: a change without a look at what came of it is told to be done and is not.
	quiet bool
}

// draw is what happens to a call; nil where nothing does.
func (p *Proxy) draw(r *http.Request) (*fault, *Kill, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.trouble {
		return nil, nil, false
	}
	for i := range p.Kill {
		if p.rng.IntN(1000) < p.Kill[i].Rate {
			return nil, &p.Kill[i], p.rng.IntN(2) == 0
		}
	}
	switch n := p.rng.IntN(1000); {
	case r.Method != http.MethodGet && n < p.Late && !groupMade(r) && !strings.Contains(r.URL.Path, "token"):
		p.landed = true
		return &late, nil, false
	case r.Method == http.MethodGet && n < p.Stale && p.shown[r.URL.RequestURI()] != nil:
		return &stale, nil, false
	}
	if p.rng.IntN(1000) >= p.Rate {
		return nil, nil, false
	}
	for {
		f := &faults[p.rng.IntN(len(faults))]
		if strings.HasPrefix(f.name, "twice") && groupMade(r) {
			continue // there would be two groups of one name, of which one is nobody's
		}
		if !f.quiet || shown(r) {
			return f, nil, false
		}
	}
}

// groupMade reports whether a call makes a group where there may be several of one name.
func groupMade(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/groups")
}

// shown reports whether a call is of those whose effect is looked at: reads, and what decides over access. That somebody has
// left a group is not looked at.
func shown(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "/delete-user/") ||
		r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/members/") && !strings.Contains(r.URL.Path, "/teams/")
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pass := func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		p.Org.ServeHTTP(rec, r)
		return rec
	}
	if r.Method == http.MethodGet {
		fresh := pass
		pass = func() *httptest.ResponseRecorder {
			rec := fresh()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.shown[r.URL.RequestURI()] = rec
			return rec
		}
	}
	f, kill, after := p.draw(r)
	what := r.Method + " " + r.URL.Path
	switch {
	case kill != nil:
		p.Trace.Add("    %s [%s, after it: %v]", what, kill.Name, after)
		if kill.Late {
			copyAnswer(w, pass())
			p.late.Go(func() {
				time.Sleep(time.Duration(p.Draw(8000)) * time.Microsecond)
				kill.Do()
			})
			return
		}
		if after {
			pass()
		}
		kill.Do()
		hangUp(w, "")
	case f == &stale:
		p.mu.Lock()
		rec := p.shown[r.URL.RequestURI()]
		p.mu.Unlock()
		p.Trace.Add("    %s [%s] %d", what, f.name, rec.Code)
		copyAnswer(w, rec)
	case f == &late:
		p.Trace.Add("    %s [%s]", what, f.name)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.late.Go(func() {
			time.Sleep(time.Duration(p.Draw(100)) * time.Millisecond)
			again := r.Clone(context.WithoutCancel(r.Context()))
			again.Body = io.NopCloser(strings.NewReader(string(body)))
			rec := httptest.NewRecorder()
			p.Org.ServeHTTP(rec, again)
			p.Trace.Add("    %s carried out late: %d", what, rec.Code)
		})
		f.do(w, pass)
	case f != nil:
		if r.Body != nil { // so that it can be sent twice
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			whole := pass
			pass = func() *httptest.ResponseRecorder {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				return whole()
			}
		}
		p.Trace.Add("    %s [%s]", what, f.name)
		f.do(w, pass)
	default:
		rec := pass()
		p.Trace.Add("    %s %d", what, rec.Code)
		copyAnswer(w, rec)
	}
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// hangUp closes the connection, with a part of an answer before that or without.
func hangUp(w http.ResponseWriter, part string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, part)
	_ = conn.Close()
}

func answer(status int, contentType, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func before(name string, a func(http.ResponseWriter)) fault {
	return fault{name: name + ", before", do: func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) { a(w) }}
}

func after(name string, a func(http.ResponseWriter)) fault {
	return fault{name: name + ", after", do: func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) { pass(); a(w) }}
}

const page = "<!doctype html><html><body>a page of something between</body></html>"

// empty is what many calls that change something are answered with when all is well.
var empty = answer(200, "", "")

// late and stale are the faults of an organization that is slow, and of one that is several that do not agree at once.
var (
	late  = before("504, and carried out later", answer(504, "text/html", page))
	stale = fault{name: "as the last time"}
)

// faults are the ways in which one call goes wrong. Those before it have no effect, those after it have.
var faults = []fault{
	before("reset", func(w http.ResponseWriter) { hangUp(w, "") }),
	before("502 HTML", answer(502, "text/html", page)),
	before("503", answer(503, "application/json", `{"message":"busy"}`)),
	before("500", answer(500, "application/json", `{"message":"failed"}`)),
	before("404 HTML", answer(404, "text/html", page)),
	before("404 empty", answer(404, "", "")),
	before("403 HTML", answer(403, "text/html", page)),
	before("401", answer(401, "", "")),
	before("429", answer(429, "application/json", `{}`)),
	before("503, for a second", func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "1")
		answer(503, "application/json", `{}`)(w)
	}),
	before("200 HTML", answer(200, "text/html", page)),
	{name: "200 empty, before", quiet: true, do: func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) { empty(w) }},
	after("reset", func(w http.ResponseWriter) { hangUp(w, "") }),
	after("502 HTML", answer(502, "text/html", page)),
	after("500", answer(500, "application/json", `{"message":"failed"}`)),
	after("404 HTML", answer(404, "text/html", page)),
	after("200 HTML", answer(200, "text/html", page)),
	after("200 empty", empty),
	{name: "cut, after", do: func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		rec := pass()
		body := rec.Body.String()
		hangUp(w, fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", rec.Code, len(body)+1, body[:len(body)/2]))
	}},
	{name: "slow", do: func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		time.Sleep(15 * time.Millisecond)
		rec := pass()
		time.Sleep(15 * time.Millisecond)
		copyAnswer(w, rec)
	}},
	{name: "twice, the first answer", do: func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		rec := pass()
		pass()
		copyAnswer(w, rec)
	}},
	{name: "twice, the second answer", do: func(w http.ResponseWriter, pass func() *httptest.ResponseRecorder) {
		pass()
		copyAnswer(w, pass())
	}},
}
