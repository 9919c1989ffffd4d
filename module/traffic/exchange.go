// Package traffic records SCIM requests with their answers, free of what tells who somebody is, and replays them against a
// gateway: "record" in the directive, and "caddy scim replay". A record is what a person can hand on with a report of a
// fault.
package traffic

import (
	"encoding/json"
	"time"
)

// Exchange is one request with its answer, or a note; one line of a record.
type Exchange struct {
	Time   time.Time         `json:"time,omitzero"`
	Method string            `json:"method,omitempty"`
	Target string            `json:"target,omitempty"` // path below the SCIM root, and query
	Header map[string]string `json:"header,omitempty"`
	Body   json.RawMessage   `json:"body,omitempty"`

	// Unreadable reports whether there was a body that is no acceptable JSON. It is not kept, since nobody can tell which of
	// it is about whom.
	Unreadable bool `json:"unreadable,omitempty"`

	Answer *Answer `json:"answer,omitempty"`

	// Begins is in the first line of what one process recorded: the version of the format, and the gateway's settings.
	Begins *Beginning `json:"begins,omitempty"`

	// Dropped is how many exchanges are missing before the next line.
	Dropped int64 `json:"dropped,omitempty"`
}

// Answer is what the provider was told.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   json.RawMessage   `json:"body,omitempty"`

	// Foreign reports whether the sentences in the body are a SCIM server's, and not the gateway's.
	Foreign bool `json:"foreign,omitempty"`
}

// Beginning says what wrote the lines that follow.
type Beginning struct {
	Format   int    `json:"format"`
	Profile  string `json:"profile,omitempty"`  // of quirks
	Upstream string `json:"upstream,omitempty"` // kind
}

// format is the version of the lines. A reader refuses a later one.
const format = 1
