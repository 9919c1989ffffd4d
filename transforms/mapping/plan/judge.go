package plan

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// Outcome is what an answer of the API comes to.
type Outcome uint8

// The outcomes.
const (
	Proceed Outcome = iota // success; Verdict.Value is the answer
	Done                   // what was asked for is so already, or what is looked for is not there: there is nothing to read
	Failed                 // Verdict.Err says why
)

// Verdict is what an answer of the API means.
type Verdict struct {
	Outcome Outcome
	Value   doc.Value   // the answer; invalid where it is no JSON document and need not be one
	Err     *scim.Error // for Failed
}

// ErrForeign is in the chain of an error that stands for a 404 that is not in the API's own form, which is a JSON document or
// nothing at all: a proxy may have made it, and whether anything is gone has to be asked otherwise.
var ErrForeign = errors.New("not in the API's own form")

// ErrorRule is an error rule, compiled.
type ErrorRule struct {
	Low, High int // status
	Path      Path
	Pattern   *regexp.Regexp // nil: the status decides
	OK        bool
	Answer    scim.Error
}

func (r *ErrorRule) matches(status int, body []byte, v doc.Value) bool {
	switch {
	case status < r.Low || status > r.High:
		return false
	case r.Pattern == nil:
		return true
	case r.Path.whole() && v.Kind() != doc.String:
		return r.Pattern.Match(body) // HTML and plain text too
	}
	return r.matchesValue(r.Path.find(v))
}

// matchesValue reports whether the pattern matches a value, or one element of a list.
func (r *ErrorRule) matchesValue(v doc.Value) bool {
	switch v.Kind() {
	case doc.Invalid, doc.Null:
		return false
	case doc.Array:
		for item := range v.Items() {
			if r.matchesValue(item) {
				return true
			}
		}
		return false
	}
	return r.Pattern.MatchString(v.Text())
}

// Judge returns what an answer means: the first rule that matches, or else the status. The body is scanned here; an answer
// that is no JSON document is an error only where the call needs to read it. RetryAfter of an error is the caller's to
// fill in, from the header.
func (c *Call) Judge(status int, body []byte) Verdict {
	d, broken := doc.Scan(body)
	if broken != nil {
		d = doc.Doc{}
	}
	v := d.Value()
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.matches(status, body, v) {
			continue
		}
		if r.OK && status/100 == 2 {
			return c.read(v, body, broken)
		}
		if r.OK {
			return Verdict{Outcome: Done}
		}
		if r.Answer.Status == 404 {
			return c.missing(status, &r.Answer)
		}
		answer := r.Answer
		answer.Cause = answered(status)
		return Verdict{Outcome: Failed, Err: &answer}
	}
	if status/100 == 2 {
		return c.read(v, body, broken)
	}
	// An empty answer may be the API's own. Where a 404 would count as done, that is not enough: who is removed was a member
	// a moment ago.
	empty := len(bytes.TrimSpace(body)) == 0
	return c.refused(status, broken == nil || empty && c.Verb != VerbMemberRemove)
}

func (c *Call) read(v doc.Value, body []byte, broken error) Verdict {
	if broken == nil || !c.reads() && !isPage(body) {
		return Verdict{Value: v}
	}
	err := scim.Errorf(502, "", "the organization did not answer %s with a JSON document", c.Where)
	if err.Cause = broken; len(body) == 0 {
		err.Cause = errors.New("the answer is empty")
	}
	return Verdict{Outcome: Failed, Err: err}
}

// isPage reports whether an answer is a web page: what a proxy shows in the place of an API, to have somebody log in or to
// say that it is under repair. Nothing was done then, whatever the status says.
func isPage(body []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 64)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// reads reports whether the call needs to read the answer.
func (c *Call) reads() bool {
	switch c.Verb {
	case VerbList, VerbFind, VerbGet, VerbMembers:
		return true
	}
	return len(c.Saves) > 0 || c.Result == ResultBody || c.Result == ResultID
}

// refused returns the meaning of a status for which there is no rule. The API's 401 and 403 are about the gateway's own
// credentials: passed on, they would make the provider give up its own, which are good.
//
// own reports whether the answer has the API's own form.
func (c *Call) refused(status int, own bool) Verdict {
	err := scim.Errorf(502, "", "the organization answered with status %d", status)
	missing := status == 404 || status == 410
	switch {
	case missing && !own:
		if err.Detail += " in a form that is not its own"; c.NamesResource && c.Verb != VerbMemberAdd && c.Verb != VerbMemberRemove {
			err = scim.Errorf(404, "", "the resource is not known to the organization")
		}
		err.Cause = fmt.Errorf("%s: the organization answered %d, %w", c.Where, status, ErrForeign)
		return Verdict{Outcome: Failed, Err: err}
	case missing && (c.Verb == VerbFind || c.Verb == VerbMemberRemove && c.NamesResource):
		return Verdict{Outcome: Done}
	case missing && c.Verb == VerbMemberAdd && c.NamesResource:
		err = scim.Errorf(400, scim.InvalidValue, "the group or the member is not known to the organization")
	case missing && c.NamesResource:
		err = scim.Errorf(404, "", "the resource is not known to the organization")
	case missing: // a wrong base, most likely; it must not look as if a resource were gone
		err.Detail += " where it should know the URL"
	case status == 401 || status == 403:
		err = scim.Errorf(502, "", "the organization refused the gateway's own credentials or rights (status %d)", status)
	case status == 409:
		err = scim.Errorf(409, scim.Uniqueness, "the organization has such a resource already")
	case status == 429:
		err = scim.Errorf(429, "", "the organization asks for fewer requests")
	case status/100 == 4:
		err = scim.Errorf(400, scim.InvalidValue, "the organization refused the request with status %d", status)
	}
	err.Cause = errors.New(c.Where + ": " + answered(status).Error())
	return Verdict{Outcome: Failed, Err: err}
}

// missing returns the meaning of an answer that by a rule says "not there" in words of its own: the same as of a 404.
func (c *Call) missing(status int, rule *scim.Error) Verdict {
	v := c.refused(404, true)
	if v.Err == nil {
		return v
	}
	v.Err.Cause = errors.New(c.Where + ": " + answered(status).Error())
	switch v.Err.Status {
	case 404:
		v.Err.Detail = rule.Detail
	case 502:
		v.Err.Detail = "the organization answered that something is not there where it should know the URL"
	}
	return v
}

func answered(status int) error {
	return errors.New("the organization answered " + strconv.Itoa(status))
}
