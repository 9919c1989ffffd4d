package traffic

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/redact"
)

const (
	maxLine   = 128 << 20
	maxAnswer = 64 << 20
)

// Player sends recorded requests to a gateway, in their order and one at a time.
type Player struct {
	URL  string // of the SCIM root, or the Tenant URL with its query
	Key  string
	HTTP *http.Client

	ids   map[string]string // recorded id → the one that this gateway gave
	names map[string]string // the other way round
}

// Report is what a replay came to.
type Report struct {
	Requests int       `json:"requests"`
	Skipped  int       `json:"skipped,omitempty"` // their bodies were not kept
	Missing  int64     `json:"missing,omitempty"` // were never recorded
	Differ   []*Differ `json:"differ,omitempty"`
}

// Differ is a request whose answer is another one than was recorded.
type Differ struct {
	Line    int          `json:"line"`
	Method  string       `json:"method"`
	Target  string       `json:"target"`
	Changes []Difference `json:"changes"`
}

// Play plays a whole record.
func (p *Player) Play(ctx context.Context, record io.Reader) (*Report, error) {
	p.ids, p.names = map[string]string{}, map[string]string{}
	if _, err := p.target("/Users"); err != nil {
		return nil, err
	}
	report := new(Report)
	lines := bufio.NewScanner(record)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		var x Exchange
		switch err := json.Unmarshal(text, &x); {
		case len(text) == 0:
			continue
		case err != nil:
			report.Missing++ // a line that broke off when the disk was full
			continue
		case x.Begins != nil && x.Begins.Format > format:
			return nil, fmt.Errorf("line %d: the record was made by a later version (format %d)", n, x.Begins.Format)
		case x.Dropped > 0:
			report.Missing += x.Dropped
			continue
		case x.Answer == nil:
			continue
		case x.Unreadable:
			report.Skipped++
			continue
		}
		report.Requests++
		changes, err := p.play(ctx, &x)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(changes) > 0 {
			report.Differ = append(report.Differ, &Differ{n, x.Method, x.Target, changes})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after line %d: %w", n, err)
	}
	if report.Requests == 0 {
		return nil, errors.New("there is no request in it: is it a file that record has written?")
	}
	return report, nil
}

// play sends one request, and tells in what the answer differs.
func (p *Player) play(ctx context.Context, x *Exchange) ([]Difference, error) {
	now, err := p.send(ctx, x)
	if err != nil {
		return nil, err
	}
	recorded, answered := tree(x.Answer.Body), tree(now.Body)
	p.learn(recorded, answered)
	var d differences
	d.compare("status", float64(x.Answer.Status), float64(now.Status))
	if _, located := x.Answer.Header["Location"]; located != (now.Header["Location"] != "") {
		d.add("header Location", given(located), given(!located))
	}
	if x.Answer.Body != nil || strings.HasPrefix(x.Target, "/Users") || strings.HasPrefix(x.Target, "/Groups") {
		d.compare("", settled(recorded, x.Answer.Foreign), settled(p.renamed(answered), x.Answer.Foreign))
	}
	return d, nil
}

func given(is bool) any {
	if is {
		return "…"
	}
	return nil
}

// target returns the URL of a recorded target, with the ids that this gateway gave. Parameters of the Tenant URL stay.
func (p *Player) target(target string) (string, error) {
	base, err := url.Parse(p.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return "", fmt.Errorf("%q is no URL such as https://scim.example.com/scim", p.URL)
	}
	path, query, _ := strings.Cut(target, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if id, err := url.PathUnescape(part); err == nil && p.ids[id] != "" {
			parts[i] = url.PathEscape(p.ids[id])
		}
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		text, err := url.QueryUnescape(value)
		if other := redact.Path(text, p); err == nil && other != text {
			pairs[i] = name + "=" + url.QueryEscape(other)
		}
	}
	all := strings.TrimSuffix(base.EscapedPath(), "/") + strings.Join(parts, "/")
	query = strings.Trim(base.RawQuery+"&"+strings.Join(pairs, "&"), "&")
	if query != "" {
		query = "?" + query
	}
	return base.Scheme + "://" + base.Host + all + query, nil
}

// send sends one request. The answer is read whole.
func (p *Player) send(ctx context.Context, x *Exchange) (*Answer, error) {
	target, err := p.target(x.Target)
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	if x.Body != nil {
		d, err := doc.Scan(x.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(redact.Append(nil, d.Value(), redact.Attribute{}, p))
	}
	r, err := http.NewRequestWithContext(ctx, x.Method, target, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Key)
	for name, value := range x.Header {
		r.Header.Set(name, value)
	}
	res, err := p.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusUnauthorized && x.Answer.Status != http.StatusUnauthorized {
		return nil, errors.New("the gateway does not take the key (status 401)")
	}
	a := &Answer{Status: res.StatusCode, Header: map[string]string{"Location": res.Header.Get("Location")}}
	if len(text) > 0 {
		a.Body = text
	}
	return a, nil
}

// Value implements [redact.Rewriter]: a recorded id becomes the one that this gateway gave.
func (p *Player) Value(dst []byte, a redact.Attribute, v doc.Value) []byte {
	switch text := v.Text(); {
	case v.Kind() == doc.String:
		return doc.AppendString(dst, p.Literal(a, text))
	case v.Kind() == doc.Number && doc.IsNumber(p.ids[text]):
		return append(dst, p.ids[text]...)
	}
	return append(dst, v.Raw()...)
}

// Literal implements [redact.Rewriter].
func (p *Player) Literal(_ redact.Attribute, text string) string {
	if id := p.ids[text]; id != "" {
		return id
	}
	return text
}
