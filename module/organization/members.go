package organization

// memberModel is what creates or updates a member. The address only counts when one is created.
type memberModel struct {
	Email       string            `json:"email"`
	Type        *role             `json:"type"`
	ExternalID  *string           `json:"externalId"`
	Permissions *permissions      `json:"permissions"`
	Collections []collectionModel `json:"collections"`
	Groups      []guid            `json:"groups"`
}

// decodeMember reads what creating and updating a member have in common; the address only when one is created.
func decodeMember(body []byte, creates bool) (in *memberModel, access []collection, err error) {
	if in, err = decode[memberModel](body); err != nil {
		return nil, nil, err
	}
	p := problems{}
	if creates {
		in.Email = p.email("Email", in.Email)
	}
	switch {
	case in.Type == nil:
		p.required("Type", false)
	case !in.Type.valid():
		p.add("Type", "The field Type is invalid.")
	case *in.Type != roleCustom && in.Permissions != nil:
		p.add("Permissions", "Only users with the Custom role may use custom permissions.")
	}
	in.ExternalID = p.externalID(in.ExternalID)
	access = p.collections(in.Collections)
	if err := p.err(); err != nil {
		return nil, nil, err
	}
	return in, access, exclusive(access)
}

func listMembers(r *request) (any, error) { return r.org.members.snapshot(r.org.db) }

func getMember(r *request) (any, error) { return r.stored(bucketMembers) }

// stored answers with an item as it is stored, which is as the API shows it.
func (r *request) stored(bucket []byte) (any, error) {
	var item []byte
	err := r.org.view(func(t *tx) (err error) {
		item, err = t.raw(bucket, r.id)
		return err
	})
	return item, err
}

// createMember invites somebody. Nothing but the address has to be unique: the API does not look at external ids.
func createMember(r *request) (any, error) {
	in, access, err := decodeMember(r.body, true)
	if err != nil {
		return nil, err
	}
	m := newMember(in.Email, statusInvited, *in.Type)
	m.ExternalID, m.Permissions, m.Collections = in.ExternalID, in.Permissions, access
	err = r.org.change(func(t *tx) error {
		if _, taken := t.memberWithEmail(m.Email); taken {
			return errInvited
		}
		if err := t.oneSeat(r.seats); err != nil {
			return err
		}
		if err := t.putMember(m, nil); err != nil {
			return err
		}
		return t.relate(memberSide, m.ID, in.Groups)
	})
	return m, err
}

// updateMember is a reset, as in the API: an external id or collections that are not stated are removed. Only
// groups, and the permissions of a custom role, stay when they are not stated. The address cannot be changed.
func updateMember(r *request) (any, error) {
	in, access, err := decodeMember(r.body, false)
	if err != nil {
		return nil, err
	}
	return changeMember(r, func(t *tx, m *member) error {
		if *in.Type != roleOwner && t.lastOwner(m) {
			return errLastOwner
		}
		m.Type, m.ExternalID, m.Collections = *in.Type, in.ExternalID, access
		if m.Type != roleCustom || in.Permissions != nil {
			m.Permissions = in.Permissions
		}
		if in.Groups == nil {
			return nil
		}
		return t.relate(memberSide, m.ID, in.Groups)
	})
}

func deleteMember(r *request) (any, error) {
	return nil, r.org.change(func(t *tx) error {
		m, err := t.member(r.id)
		if err != nil {
			return err
		}
		if t.lastOwner(m) {
			return errLastOwner
		}
		return t.removeMember(m)
	})
}

func getGroupIDs(r *request) (any, error) { return r.related(bucketMembers, memberSide) }

func setGroupIDs(r *request) (any, error) {
	in, err := decode[struct {
		GroupIDs []guid `json:"groupIds"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	return r.relate(bucketMembers, memberSide, "GroupIds", in.GroupIDs)
}

// related answers with the groups of a member, or the members of a group.
func (r *request) related(bucket []byte, d side) (any, error) {
	var ids []guid
	err := r.org.view(func(t *tx) error {
		if !t.has(bucket, r.id) {
			return errNotFound
		}
		ids = t.related(d, r.id)
		return nil
	})
	return ids, err
}

// relate replaces the groups of a member, or the members of a group, as a whole.
func (r *request) relate(bucket []byte, d side, field string, ids []guid) (any, error) {
	p := problems{}
	// A list that is missing is a mistake and not an empty one: it would take everybody out.
	p.required(field, ids != nil)
	if err := p.err(); err != nil {
		return nil, err
	}
	return nil, r.org.change(func(t *tx) error {
		if !t.has(bucket, r.id) {
			return errNotFound
		}
		return t.relate(d, r.id, ids)
	})
}

// changeMember changes one member, and answers with it.
func changeMember(r *request, run func(*tx, *member) error) (any, error) {
	var m *member
	err := r.org.change(func(t *tx) (err error) {
		if m, err = t.member(r.id); err != nil {
			return err
		}
		old := *m
		if err := run(t, m); err != nil {
			return err
		}
		return t.putMember(m, &old)
	})
	return m, err
}

// oneSeat refuses one more member than there are seats for; a limit of 0 is none.
func (t *tx) oneSeat(limit int) error {
	if limit > 0 && t.seatsTaken() >= limit {
		return errSeats
	}
	return nil
}
