package organization

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// What the file holds. Everything but the members and groups themselves is an index, or something about a member
// that the API does not show.
var (
	bucketMeta         = []byte("meta")          // format; seats taken
	bucketMembers      = []byte("members")       // id -> member as the API shows it
	bucketGroups       = []byte("groups")        // id -> group as the API shows it
	bucketEmails       = []byte("emails")        // lower-case address -> member id
	bucketOwners       = []byte("owners")        // ids of the confirmed owners
	bucketPrior        = []byte("prior")         // revoked member id -> status to restore
	bucketGroupMembers = []byte("group_members") // group id + member id
	bucketMemberGroups = []byte("member_groups") // member id + group id

	buckets = [][]byte{
		bucketMembers, bucketGroups, bucketEmails, bucketOwners, bucketPrior, bucketGroupMembers, bucketMemberGroups,
	}

	keyFormat = []byte("format")
	keySeats  = []byte("seats")
)

// tx is a transaction: the organization as it is now, and what changes about it together.
type tx struct {
	*bolt.Tx
	s     *store
	wrote bool
}

func (s *store) begin(b *bolt.Tx) *tx { return &tx{Tx: b, s: s} }

func (t *tx) put(bucket, key, value []byte) error {
	t.wrote = true
	return t.Bucket(bucket).Put(key, value)
}

func (t *tx) delete(bucket, key []byte) error {
	t.wrote = true
	return t.Bucket(bucket).Delete(key)
}

func (t *tx) has(bucket []byte, id guid) bool { return t.Bucket(bucket).Get(id[:]) != nil }

// member returns the member, or errNotFound.
func (t *tx) member(id guid) (*member, error) { return read[member](t, bucketMembers, id) }

// group returns the group, or errNotFound.
func (t *tx) group(id guid) (*group, error) { return read[group](t, bucketGroups, id) }

func read[T any](t *tx, bucket []byte, id guid) (*T, error) {
	v := t.Bucket(bucket).Get(id[:])
	if v == nil {
		return nil, errNotFound
	}
	item := new(T)
	if err := json.Unmarshal(v, item); err != nil {
		return nil, fmt.Errorf("item %s in bucket %s: %w", id, bucket, err)
	}
	return item, nil
}

// raw returns the encoded item of a bucket, or errNotFound. The bytes outlive the transaction.
func (t *tx) raw(bucket []byte, id guid) ([]byte, error) {
	v := t.Bucket(bucket).Get(id[:])
	if v == nil {
		return nil, errNotFound
	}
	return bytes.Clone(v), nil
}

// allMembers yields every member, in no particular order.
func (t *tx) allMembers() iter.Seq2[*member, error] { return all[member](t, bucketMembers) }

// allGroups yields every group, in no particular order.
func (t *tx) allGroups() iter.Seq2[*group, error] { return all[group](t, bucketGroups) }

func all[T any](t *tx, bucket []byte) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		cursor := t.Bucket(bucket).Cursor()
		for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
			item := new(T)
			if err := json.Unmarshal(v, item); err != nil {
				yield(nil, fmt.Errorf("item %x in bucket %s: %w", k, bucket, err))
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// memberWithEmail returns the id of the member with this lower-case address.
func (t *tx) memberWithEmail(email string) (id guid, ok bool) {
	v := t.Bucket(bucketEmails).Get([]byte(email))
	copy(id[:], v)
	return id, v != nil
}

// putMember stores a new member, or a changed one whose former state is old. An address never changes.
func (t *tx) putMember(m, old *member) error {
	v, err := encode(m)
	if err != nil {
		return err
	}
	if err := t.put(bucketMembers, m.ID[:], v); err != nil {
		return err
	}
	if old == nil {
		if err := t.put(bucketEmails, []byte(m.Email), m.ID[:]); err != nil {
			return err
		}
	}
	t.s.members.touch(m.ID, t.ID())
	return t.index(m.ID, m, old)
}

// removeMember deletes the member and all that refers to it.
func (t *tx) removeMember(m *member) error {
	if err := t.relate(memberSide, m.ID, nil); err != nil {
		return err
	}
	err := errors.Join(
		t.delete(bucketMembers, m.ID[:]),
		t.delete(bucketEmails, []byte(m.Email)),
		t.delete(bucketPrior, m.ID[:]),
	)
	if err != nil {
		return err
	}
	t.s.members.touch(m.ID, t.ID())
	return t.index(m.ID, nil, m)
}

// index keeps the number of seats and the confirmed owners in step with a member that was old and is now m; either
// may be nil.
func (t *tx) index(id guid, m, old *member) error {
	before, after := old != nil && old.Status.takesSeat(), m != nil && m.Status.takesSeat()
	if before != after {
		n := t.seatsTaken()
		if after {
			n++
		} else {
			n--
		}
		if err := t.put(bucketMeta, keySeats, binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
			return err
		}
	}
	before, after = old != nil && old.confirmedOwner(), m != nil && m.confirmedOwner()
	switch {
	case after && !before:
		return t.put(bucketOwners, id[:], []byte{})
	case before && !after:
		return t.delete(bucketOwners, id[:])
	}
	return nil
}

// seatsTaken returns how many members are invited, accepted or confirmed.
func (t *tx) seatsTaken() int {
	v := t.Bucket(bucketMeta).Get(keySeats)
	if v == nil {
		return 0
	}
	return int(binary.BigEndian.Uint64(v))
}

// lastOwner reports whether the member is a confirmed owner and the only one.
func (t *tx) lastOwner(m *member) bool {
	cursor := t.Bucket(bucketOwners).Cursor()
	if first, _ := cursor.First(); !bytes.Equal(first, m.ID[:]) {
		return false
	}
	second, _ := cursor.Next()
	return second == nil
}

func (t *tx) hasOwner() bool {
	k, _ := t.Bucket(bucketOwners).Cursor().First()
	return k != nil
}

// prior returns the status that a revoked member had.
func (t *tx) prior(id guid) status {
	v := t.Bucket(bucketPrior).Get(id[:])
	if len(v) != 1 {
		return statusInvited
	}
	return status(v[0])
}

// putGroup stores a new or changed group.
func (t *tx) putGroup(g *group) error {
	v, err := encode(g)
	if err != nil {
		return err
	}
	t.s.groups.touch(g.ID, t.ID())
	return t.put(bucketGroups, g.ID[:], v)
}

// removeGroup deletes the group and its memberships, not its members.
func (t *tx) removeGroup(id guid) error {
	if err := t.relate(groupSide, id, nil); err != nil {
		return err
	}
	t.s.groups.touch(id, t.ID())
	return t.delete(bucketGroups, id[:])
}

// side is one of the two directions in which memberships are read and written: the bucket in that direction, the
// one in the other, and the bucket of what is on the other end.
type side struct{ forward, backward, others []byte }

var (
	groupSide  = side{bucketGroupMembers, bucketMemberGroups, bucketMembers}
	memberSide = side{bucketMemberGroups, bucketGroupMembers, bucketGroups}
)

// related returns the members of a group, or the groups of a member, in ascending order.
func (t *tx) related(d side, id guid) []guid {
	ids := []guid{} // written as [] and never as null
	cursor := t.Bucket(d.forward).Cursor()
	for k, _ := cursor.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = cursor.Next() {
		ids = append(ids, guid(k[len(id):]))
	}
	return ids
}

// relate makes want the members of a group, or the groups of a member, whatever they were before. Ids that do not
// exist are passed over, as the API does.
func (t *tx) relate(d side, id guid, want []guid) error {
	have := t.related(d, id)
	want = slices.Clone(want)
	slices.SortFunc(want, guid.compare)
	want = slices.Compact(want)
	for _, other := range have {
		if _, ok := slices.BinarySearchFunc(want, other, guid.compare); ok {
			continue
		}
		if err := t.delete(d.forward, pair(id, other)); err != nil {
			return err
		}
		if err := t.delete(d.backward, pair(other, id)); err != nil {
			return err
		}
	}
	for _, other := range want {
		if _, ok := slices.BinarySearchFunc(have, other, guid.compare); ok || !t.has(d.others, other) {
			continue
		}
		if err := t.put(d.forward, pair(id, other), []byte{}); err != nil {
			return err
		}
		if err := t.put(d.backward, pair(other, id), []byte{}); err != nil {
			return err
		}
	}
	return nil
}

func pair(a, b guid) []byte { return append(a[:], b[:]...) }
