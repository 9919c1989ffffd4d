// Package provlog is the provisioning log: what the provider sent, what became of it, and why. A record is handed over by
// the request and written by one goroutine, so that a slow or full disk never makes a request wait. An [Entry] is what the
// request hands over, a [Record] what is kept; log.go writes, and a [Reader] reads.
package provlog

import (
	"encoding/json"
	"time"

	"github.com/caddy-scim/gateway/module/trace"
	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

// Settled is the verb of a record about what the gateway has found out by itself of a call whose answer was lost.
const Settled = "settle"

// Entry is what a request hands over: references to what it has anyway. It is put into words by the writer. Nobody
// changes anything of it afterwards.
type Entry struct {
	Time     time.Time
	Took     time.Duration
	Key      string // name of the key
	Activity string // the provider's identifier of the request
	Resource string // User, Group, or the discovery endpoint
	Verb     string
	ID       string // in the path
	Query    string // as it came, percent-encoded
	Sent     string // the canonical query, percent-encoded
	Status   int
	Error    string // what the provider was told
	ScimType string
	Leaver   bool // a deactivation that was refused: the user is still active
	Unclear  bool // a Leaver of which nobody knows whether it was meant as one
	DryRun   bool // nothing was changed, whatever was answered

	Received  []byte // the document as it came
	Canonical []byte // the document as it is carried out
	Answered  []byte
	Rules     []quirks.Correction
	RuleIDs   []string
	Trace     *trace.Trace
	Note      func(answered doc.Value) // adds to the trace what no request should wait for; nil where there is nothing
}

// size returns about how much memory the entry holds on to.
func (e *Entry) size() int64 {
	return int64(512 + len(e.Received) + len(e.Canonical) + len(e.Answered) + len(e.Query))
}

// Record is one SCIM request as the log keeps it.
type Record struct {
	ID           int64               `json:"id,omitempty"`
	Time         time.Time           `json:"time"`
	Organization string              `json:"organization"`
	Key          string              `json:"key,omitempty"`
	Activity     string              `json:"activity,omitempty"`
	Resource     string              `json:"resource"`
	Verb         string              `json:"verb"`
	Subject      string              `json:"subject,omitempty"` // id of the user or group
	Name         string              `json:"name,omitempty"`    // by which a person knows the subject
	Status       int                 `json:"status"`
	Failed       bool                `json:"failed,omitempty"`
	Leaver       bool                `json:"leaver,omitempty"`  // a deactivation that was refused: the user is still active
	Unclear      bool                `json:"unclear,omitempty"` // a leaver of which nobody knows whether it was meant as one: active has a value that cannot be read
	DryRun       bool                `json:"dry_run,omitempty"` // nothing was changed, whatever was answered
	Milliseconds float64             `json:"ms"`
	Error        string              `json:"error,omitempty"`
	ScimType     string              `json:"scim_type,omitempty"`
	Received     *Document           `json:"received,omitempty"`
	Rules        []quirks.Correction `json:"rules,omitempty"`
	Canonical    *Document           `json:"canonical,omitempty"` // nil where nothing had to change
	Notes        []trace.Note        `json:"notes,omitempty"`     // decisions and effects
	Steps        []trace.Step        `json:"steps,omitempty"`     // what a dry run has planned
	Calls        []Call              `json:"calls,omitempty"`
	Answered     *Document           `json:"answered,omitempty"`
	NotKept      []string            `json:"not_kept,omitempty"` // attributes that were sent and are not in the answer
	Left         int                 `json:"left,omitempty"`     // calls and notes beyond those that are kept
}

// Document is a query or a body, its values as log_values says.
type Document struct {
	Query string          `json:"query,omitempty"` // decoded, for reading
	Body  json.RawMessage `json:"body,omitempty"`
	Bytes int             `json:"bytes,omitempty"` // of the body as it was, where it is too long to keep
}

// Call is one call of the upstream.
type Call struct {
	Name         string  `json:"name,omitempty"`
	Method       string  `json:"method"`
	Path         string  `json:"path"`
	Status       int     `json:"status,omitempty"`
	Planned      bool    `json:"planned,omitempty"` // it was not made
	Milliseconds float64 `json:"ms"`
	Error        string  `json:"error,omitempty"`
}
