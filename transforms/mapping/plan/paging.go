package plan

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/template"
)

// Style is how a list is continued.
type Style uint8

// The styles.
const (
	ByPage Style = iota
	ByOffset
	ByCursor
	ByNext
	ByLink
)

// Paging says how a list is continued, compiled.
type Paging struct {
	Style       Style
	Param       string
	SizeParam   string
	Size        int
	First       int
	Path        Path // of the cursor or the next URL
	InBody      bool
	Place       doc.Place // of Param in the body
	SizePlace   doc.Place // of SizeParam in the body
	Total       Path
	HasTotal    bool
	TotalHeader string
}

// Counts reports whether the parameters are numbers.
func (p *Paging) Counts() bool { return p.Style == ByPage || p.Style == ByOffset }

// maxPages ends a list that has no end.
const maxPages = 10_000

// Pages walks over the pages of one list call: while [Pages.More], make the [Pages.Request], judge the answer, and give
// it to [Pages.Answered]. A call without paging has one page.
type Pages struct {
	call   *Call
	env    *template.Env
	n      int // pages so far
	items  int // items so far
	cursor string
	query  string          // of the next URL
	seen   map[string]bool // cursors and queries
	last   []byte          // the previous page's list
	end    bool
}

// Pages begins a walk.
func (c *Call) Pages(env *template.Env) *Pages { return &Pages{call: c, env: env} }

// More reports whether there is another page to ask for.
func (p *Pages) More() bool { return !p.end }

// Request returns the request for the next page.
func (p *Pages) Request() (Request, error) {
	g := p.call.Paging
	if g == nil {
		return p.call.request(p.env, nil, "")
	}
	env := *p.env
	env.Page = template.Page{Number: g.First + p.n, Offset: g.First + p.items, Size: g.Size}
	var more []Header
	add := func(name, value string) {
		if name != "" && value != "" {
			more = append(more, Header{name, value})
		}
	}
	switch g.Style {
	case ByPage:
		add(g.Param, strconv.Itoa(env.Page.Number))
	case ByOffset:
		add(g.Param, strconv.Itoa(env.Page.Offset))
	case ByCursor:
		add(g.Param, p.cursor)
	}
	if p.query == "" && g.Size > 0 {
		add(g.SizeParam, strconv.Itoa(g.Size))
	}
	return p.call.request(&env, more, p.query)
}

// Answered takes a page, and the header of the answer as http.Header.Values gives it. It is an error if the list repeats
// itself, ends before its own total, or does not end: half a list would make the provider create again what is there.
func (p *Pages) Answered(answer doc.Value, header func(name string) []string) error {
	p.n++
	g := p.call.Paging
	if g == nil {
		p.end = true
		return nil
	}
	list := p.call.ItemsPath.find(answer)
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
	g := p.call.Paging
	switch g.Style {
	case ByPage, ByOffset:
		if total >= 0 {
			p.end = count == 0 || p.items >= total
		} else {
			p.end = count < g.Size
		}
		if !p.end && bytes.Equal(list.Raw(), p.last) {
			return malformed("%s answered the same page twice", p.call.Where)
		}
		p.last = append(p.last[:0], list.Raw()...)
	case ByCursor:
		p.cursor = scalar(g.Path.find(answer))
		return p.goOn(p.cursor)
	case ByNext:
		return p.follow(scalar(g.Path.find(answer)))
	case ByLink:
		return p.follow(nextLink(header("Link")))
	}
	return nil
}

// follow goes on with the query of a URL. Its host and path are not used: an answer does not decide where the gateway
// sends its credentials.
func (p *Pages) follow(url string) error {
	url, _, _ = strings.Cut(url, "#")
	_, query, ok := strings.Cut(url, "?")
	if url != "" && (!ok || query == "" || !IsQuery(query)) {
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

// IsQuery reports whether a text may stand behind the question mark of a request line.
func IsQuery(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '<' || s[i] == '>' {
			return false
		}
	}
	return true
}

// total returns the number of all items; -1 where nobody says.
func (p *Pages) total(answer doc.Value, header func(string) []string) (int, error) {
	g := p.call.Paging
	var text string
	switch {
	case g.HasTotal:
		text = scalar(g.Total.find(answer))
	case g.TotalHeader != "":
		text = strings.Join(header(g.TotalHeader), "")
	default:
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, malformed("the answer of %s does not tell the number of all items", p.call.Where)
	}
	return n, nil
}

// links are the links of a Link header field, each with its parameters.
var links = regexp.MustCompile(`<([^>]*)>([^<]*)`)

// nextLink returns the URL of the link with rel="next" (RFC 8288 §3); empty where there is none.
func nextLink(fields []string) string {
	for _, link := range links.FindAllStringSubmatch(strings.Join(fields, ","), -1) {
		for param := range strings.SplitSeq(strings.TrimRight(link[2], ", "), ";") {
			name, words, _ := strings.Cut(param, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "rel") {
				continue
			}
			for word := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(words), `"`)) {
				if strings.EqualFold(word, "next") {
					return link[1]
				}
			}
		}
	}
	return ""
}
