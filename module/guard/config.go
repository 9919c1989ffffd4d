package guard

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// What is answered to a removal that is held.
const (
	Hold   = "hold"   // 503: the provider tries again, and nothing is lost
	Refuse = "refuse" // 403: the provider gives up for this cycle
)

// Config says how many removals of access a provider may order. What is not said has its default, so that an empty
// configuration is a guard with limits that a normal day does not reach.
type Config struct {
	// Whether nothing is ever held. The default is false.
	Off bool `json:"off,omitempty"`

	// How many users may be deactivated. The default is 50 in one hour.
	Disables *Limit `json:"disables,omitempty"`

	// How many users may be deleted. The default is 50 in one hour.
	Deletes *Limit `json:"deletes,omitempty"`

	// How many users may lose a membership in a group. A user who is removed from several groups counts once. The default
	// is 200 in one hour.
	MemberRemovals *Limit `json:"member_removals,omitempty"`

	// How many groups may be deleted. The default is 10 in one hour.
	GroupDeletes *Limit `json:"group_deletes,omitempty"`

	// How large a part of the active users, in percent, may be deactivated, deleted or lose a membership within the time of
	// the limit, where that is less than its number. It is not counted in front of a SCIM server, whose users the gateway
	// does not know. Of groups it is the part of the groups. The default is 20, and 50 of the users who lose a membership; 100
	// turns it off.
	Share float64 `json:"share,omitempty"`

	// How many removals of a kind are never held, however small the organization is. The default is 5.
	Floor int `json:"floor,omitempty"`

	// What is answered to what is held: "hold" is 503 with Retry-After, "refuse" is 403. The default is hold.
	OnTrip string `json:"on_trip,omitempty"`

	// Who is never disabled, deleted, renamed or, as a group, emptied, whatever the provider says: people for emergencies, the
	// last owner, administrators. It needs an organization. The default is none.
	Protect []Protection `json:"protect,omitempty"`

	// Until when nothing is held, as RFC 3339, where the admin API is off and the guard cannot be released by command. The
	// default is never.
	ReleaseUntil time.Time `json:"release_until,omitzero"`
}

// Protection names people or groups by an attribute.
type Protection struct {
	// The path of the attribute, such as userName, displayName, emails.value or externalId.
	Attribute string `json:"attribute"`

	// What its value may be; * stands for any letters. Upper and lower case are the same.
	Patterns []string `json:"patterns"`
}

// Protects returns the attribute and the pattern by which a resource is protected; they are empty where the resource is not.
// values returns the texts of an attribute of the resource.
func (g *Guard) Protects(values func(attribute string) []string) (attribute, pattern string) {
	if g == nil {
		return "", ""
	}
	g.mu.Lock()
	all := g.config.Protect
	g.mu.Unlock()
	for _, p := range all {
		for _, v := range values(p.Attribute) {
			for _, pattern := range p.Patterns {
				if matches(fold(pattern), fold(v)) {
					return p.Attribute, pattern
				}
			}
		}
	}
	return "", ""
}

// matches reports whether a text is what a pattern says.
func matches(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], more
	}
}

// Limit is a number in a window of time.
type Limit struct {
	// Whether removals of the kind are not counted. The default is false.
	Off bool `json:"off,omitempty"`

	// How many there may be. Required.
	Max int `json:"max,omitempty"`

	// In how much time. Required.
	Per caddy.Duration `json:"per,omitempty"`
}

// defaults are the limits of an empty configuration, by kind.
var defaults = [kinds]Limit{
	Disables:       {Max: 50, Per: caddy.Duration(time.Hour)},
	Deletes:        {Max: 50, Per: caddy.Duration(time.Hour)},
	MemberRemovals: {Max: 200, Per: caddy.Duration(time.Hour)},
	GroupDeletes:   {Max: 10, Per: caddy.Duration(time.Hour)},
}

// shares are the percentages of an empty configuration. To leave a group is not to leave the organization, and a team that
// is dissolved is no mistake.
var shares = [kinds]float64{Disables: 20, Deletes: 20, MemberRemovals: 50, GroupDeletes: 20}

const defaultFloor = 5

// Check returns what is wrong with a configuration.
func (c *Config) Check() error {
	for kind, l := range c.limits() {
		if l != nil && !l.Off && (l.Max < 1 || l.Per <= 0) {
			return fmt.Errorf("%s needs a number of at least 1 and a time, such as 10 per 1h, or off", Removal(kind))
		}
	}
	for _, p := range c.Protect {
		if p.Attribute == "" || len(p.Patterns) == 0 || slices.Contains(p.Patterns, "") {
			return errors.New("protect needs an attribute and at least one pattern")
		}
	}
	switch {
	case c.Share < 0 || c.Share > 100 || math.IsNaN(c.Share):
		return errors.New("share is a percentage from 0 to 100")
	case c.Floor < 0:
		return errors.New("floor cannot be negative")
	case c.OnTrip != "" && c.OnTrip != Hold && c.OnTrip != Refuse:
		return fmt.Errorf("on_trip is %s or %s, not %q", Hold, Refuse, c.OnTrip)
	}
	return nil
}

func (c *Config) limits() [kinds]*Limit {
	return [kinds]*Limit{Disables: c.Disables, Deletes: c.Deletes, MemberRemovals: c.MemberRemovals, GroupDeletes: c.GroupDeletes}
}

// limit returns the limit of a kind.
func (c *Config) limit(k Removal) Limit {
	if l := c.limits()[k]; l != nil {
		return *l
	}
	return defaults[k]
}

// most returns how many subjects may lose access in one window: the smaller one of the number and the share, but never
// less than the floor. base is how many there are; 0 where that is not known.
func (c *Config) most(k Removal, base int) int {
	n := c.limit(k).Max
	share, floor := c.Share, c.Floor
	if share == 0 {
		share = shares[k]
	}
	if floor == 0 {
		floor = defaultFloor
	}
	if base > 0 && share < 100 {
		n = min(n, int(math.Ceil(share*float64(base)/100)))
	}
	return max(n, floor)
}
