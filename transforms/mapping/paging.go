package mapping

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
)

// style is how a list is continued.
type style uint8

const (
	byPage style = iota
	byOffset
	byCursor
	byNext
	byLink
)

var styles = map[string]style{"page": byPage, "offset": byOffset, "cursor": byCursor, "next": byNext, "link": byLink}

type paging struct {
	style       style
	param       string
	sizeParam   string
	size        int
	first       int
	path        path
	inBody      bool
	place       doc.Place // of param in the body
	sizePlace   doc.Place
	total       path
	hasTotal    bool
	totalHeader string
}

// counts tells whether the parameters are numbers.
func (p *paging) counts() bool { return p.style == byPage || p.style == byOffset }

// maxPages ends a list that has no end.
const maxPages = 10_000

// Pages walks over the pages of one list call: while [Pages.More], make the [Pages.Request], judge the answer, and give
// it to [Pages.Answered]. A call without paging has one page.
type Pages struct {
	call   *Call
	env    *Env
	n      int // pages so far
	items  int // items so far
	cursor string
	query  string          // of the next URL
	seen   map[string]bool // cursors and queries
	last   []byte          // the previous page's list
	end    bool
}

// Pages begins a walk.
func (c *Call) Pages(env *Env) *Pages { return &Pages{call: c, env: env} }

// More tells whether there is another page to ask for.
func (p *Pages) More() bool { return !p.end }

// Request is the request for the next page.
func (p *Pages) Request() (Request, error) {
	g := p.call.paging
	if g == nil {
		return p.call.request(p.env, nil, "")
	}
	var more []Header
	add := func(name, value string) {
		if name != "" && value != "" {
			more = append(more, Header{name, value})
		}
	}
	switch g.style {
	case byPage:
		add(g.param, strconv.Itoa(g.first+p.n))
	case byOffset:
		add(g.param, strconv.Itoa(g.first+p.items))
	case byCursor:
		add(g.param, p.cursor)
	}
	if p.query == "" && g.size > 0 {
		add(g.sizeParam, strconv.Itoa(g.size))
	}
	return p.call.request(p.env, more, p.query)
}

// Answered takes a page, and the header of the answer as http.Header.Values gives it. It is an error if the list repeats
// itself, ends before its own total, or does not end: half a list would make the provider create again what is there.
func (p *Pages) Answered(answer doc.Value, header func(name string) []string) error {
	p.n++
	g := p.call.paging
	if g == nil {
		p.end = true
		return nil
	}
	list := p.call.items.find(answer)
	count := 0
	for range list.Items() {
		count++
	}
	if list.Kind() == doc.Object {
		count = 1
	}
	p.items += count
	total, err := p.total(answer, header)
	if err != nil {
		return err
	}
	if err := p.advance(answer, header, list, count, total); err != nil {
		return err
	}
	if p.end && p.items < total {
		return malformed("the list of %s ended after %d of %d items", p.call.Where, p.items, total)
	}
	if !p.end && p.n >= maxPages {
		return malformed("the list of %s has more than %d pages", p.call.Where, maxPages)
	}
	return nil
}

func (p *Pages) advance(answer doc.Value, header func(string) []string, list doc.Value, count, total int) error {
	g := p.call.paging
	switch g.style {
	case byPage, byOffset:
		if total >= 0 {
			p.end = count == 0 || p.items >= total
		} else {
			p.end = count < g.size
		}
		if !p.end && bytes.Equal(list.Raw(), p.last) {
			return malformed("%s answered the same page twice", p.call.Where)
		}
		p.last = append(p.last[:0], list.Raw()...)
	case byCursor:
		p.cursor = scalar(g.path.find(answer))
		return p.goOn(p.cursor)
	case byNext:
		return p.follow(scalar(g.path.find(answer)))
	case byLink:
		return p.follow(nextLink(header("Link")))
	}
	return nil
}

// follow goes on with the query of a URL. Its host and path are not used: an answer does not decide where the gateway
// sends its credentials.
func (p *Pages) follow(url string) error {
	url, _, _ = strings.Cut(url, "#")
	_, query, ok := strings.Cut(url, "?")
	if url != "" && (!ok || query == "" || !isQuery(query)) {
		return malformed("the next page of %s has no query", p.call.Where)
	}
	p.query = query
	return p.goOn(query)
}

func (p *Pages) goOn(mark string) error {
	p.end = mark == ""
	if p.seen[mark] {
		return malformed("%s answered the same page twice", p.call.Where)
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[mark] = true
	return nil
}

// isQuery tells whether a text may stand behind the question mark of a request line.
func isQuery(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '<' || s[i] == '>' {
			return false
		}
	}
	return true
}

// total is the number of all items; -1 where nobody says.
func (p *Pages) total(answer doc.Value, header func(string) []string) (int, error) {
	g := p.call.paging
	var text string
	switch {
	case g.hasTotal:
		text = scalar(g.total.find(answer))
	case g.totalHeader != "":
		text = strings.Join(header(g.totalHeader), "")
	default:
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, malformed("the answer of %s does not tell the number of all items", p.call.Where)
	}
	return n, nil
}

// nextLink is the URL of the link with rel="next" (RFC 8288 §3); empty where there is none.
func nextLink(fields []string) string {
	for _, field := range fields {
		for field != "" {
			_, rest, ok := strings.Cut(field, "<")
			if !ok {
				break
			}
			url, rest, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			params := rest
			if i := strings.Index(rest, ",<"); i >= 0 {
				params = rest[:i]
			} else if i := strings.Index(rest, ", <"); i >= 0 {
				params = rest[:i]
			}
			field = rest[len(params):]
			for param := range strings.SplitSeq(params, ";") {
				name, val, _ := strings.Cut(strings.TrimSpace(param), "=")
				if !strings.EqualFold(strings.TrimSpace(name), "rel") {
					continue
				}
				for word := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(val), `"`)) {
					if strings.EqualFold(word, "next") {
						return url
					}
				}
			}
		}
	}
	return ""
}
