package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
)

// Synced is what the provider last said of a group. Only the records of [Ledger.Synced] have one.
type Synced struct {
	// Name is the displayName that the provider last gave the group; empty where it never did.
	Name string `json:"name,omitempty"`

	// Members are those whom the provider named, and has not taken out since.
	Members IDs `json:"members,omitempty"`

	// Counted reports whether the members were read before the provider first changed them, or the group was made by the
	// gateway; Before are those who were in it then, whoever put them there.
	Counted bool `json:"counted,omitempty"`
	Before  IDs  `json:"before,omitempty"`

	// TooMany reports whether the provider named more than [MostIDs], so that nothing is known of single members.
	TooMany bool `json:"too_many,omitempty"`
}

// Found notes who is in a group before the provider changes who is. Only the first time counts.
func (s *Synced) Found(members IDs) {
	if !s.Counted {
		s.Counted, s.Before = true, members.Without(s.Members)
		s.limit()
	}
}

// Add notes members whom the provider names: they are its own from then on.
func (s *Synced) Add(members IDs) {
	s.Members, s.Before = s.Members.With(members), s.Before.Without(members)
	s.limit()
}

// Set notes the members where the provider has named all of them.
func (s *Synced) Set(members IDs) {
	s.Members, s.TooMany = nil, false
	s.Add(members)
}

// Remove notes members whom the provider has taken out.
func (s *Synced) Remove(members IDs) { s.Members = s.Members.Without(members) }

func (s *Synced) limit() {
	if len(s.Before) > MostIDs {
		s.Before, s.TooMany = nil, true
	}
	if s.TooMany = s.TooMany || len(s.Members) > MostIDs; s.TooMany {
		s.Members = nil
	}
}

// MostIDs is how many members of one group are remembered.
const MostIDs = 100_000

// IDs is a set of ids, in order: 64 bits of a hash for each, so that 10,000 take 80 KB and no id can be read from it. It is not
// changed once it is made.
type IDs []uint64

// MakeIDs returns the set of some ids.
func MakeIDs(ids ...string) IDs {
	set := make(IDs, len(ids))
	for i, id := range ids {
		set[i] = IDHash(id)
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// IDHash returns what stands for an id in a set.
func IDHash(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// Has reports whether the set has an id.
func (s IDs) Has(id string) bool {
	_, found := slices.BinarySearch(s, IDHash(id))
	return found
}

// With returns the ids of both sets.
func (s IDs) With(more IDs) IDs {
	if len(more) == 0 {
		return s
	}
	all := make(IDs, 0, len(s)+len(more))
	for len(s) > 0 && len(more) > 0 {
		switch first := min(s[0], more[0]); {
		case s[0] != first:
			all, more = append(all, first), more[1:]
		case more[0] != first:
			all, s = append(all, first), s[1:]
		default:
			all, s, more = append(all, first), s[1:], more[1:]
		}
	}
	return append(append(all, s...), more...)
}

// Without returns the ids of the set that are not in the other one.
func (s IDs) Without(gone IDs) IDs {
	if len(s) == 0 || len(gone) == 0 {
		return s
	}
	left := make(IDs, 0, len(s))
	for _, id := range s {
		for len(gone) > 0 && gone[0] < id {
			gone = gone[1:]
		}
		if len(gone) == 0 || gone[0] != id {
			left = append(left, id)
		}
	}
	return left
}

// MarshalText implements [encoding.TextMarshaler].
func (s IDs) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 8*len(s))
	for _, id := range s {
		raw = binary.BigEndian.AppendUint64(raw, id)
	}
	return base64.RawStdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *IDs) UnmarshalText(text []byte) error {
	raw, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil || len(raw)%8 != 0 {
		return errors.New("ledger: no set of ids")
	}
	set := make(IDs, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		set = append(set, binary.BigEndian.Uint64(raw))
	}
	if !slices.IsSorted(set) {
		return errors.New("ledger: a set of ids is not in order")
	}
	*s = set
	return nil
}
