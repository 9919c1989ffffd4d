package organization

type groupModel struct {
	Name        string            `json:"name"`
	ExternalID  *string           `json:"externalId"`
	Collections []collectionModel `json:"collections"`
}

// decodeGroup reads what creating and updating a group have in common. Neither looks whether another group has the
// name or the external id.
func decodeGroup(body []byte) (in *groupModel, access []collection, err error) {
	if in, err = decode[groupModel](body); err != nil {
		return nil, nil, err
	}
	p := problems{}
	p.required("Name", !blank(in.Name))
	p.atMost("Name", in.Name, 100)
	in.ExternalID = p.externalID(in.ExternalID)
	access = p.collections(in.Collections)
	if err := p.err(); err != nil {
		return nil, nil, err
	}
	return in, access, exclusive(access)
}

func listGroups(r *request) (any, error) { return r.org.groups.snapshot(r.org.db) }

func getGroup(r *request) (any, error) { return r.stored(bucketGroups) }

func createGroup(r *request) (any, error) {
	in, access, err := decodeGroup(r.body)
	if err != nil {
		return nil, err
	}
	g := newGroup()
	g.Name, g.ExternalID, g.Collections = in.Name, in.ExternalID, access
	return g, r.org.change(func(t *tx) error { return t.putGroup(g) })
}

// updateGroup removes an external id that is not stated, and keeps collections that are not stated: the API treats
// the two differently.
func updateGroup(r *request) (any, error) {
	in, access, err := decodeGroup(r.body)
	if err != nil {
		return nil, err
	}
	var g *group
	err = r.org.change(func(t *tx) (err error) {
		if g, err = t.group(r.id); err != nil {
			return err
		}
		g.Name, g.ExternalID = in.Name, in.ExternalID
		if in.Collections != nil {
			g.Collections = access
		}
		return t.putGroup(g)
	})
	return g, err
}

func deleteGroup(r *request) (any, error) {
	return nil, r.org.change(func(t *tx) error {
		if !t.has(bucketGroups, r.id) {
			return errNotFound
		}
		return t.removeGroup(r.id)
	})
}

func getMemberIDs(r *request) (any, error) { return r.related(bucketGroups, groupSide) }

func setMemberIDs(r *request) (any, error) {
	in, err := decode[struct {
		MemberIDs []guid `json:"memberIds"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	return r.relate(bucketGroups, groupSide, "MemberIds", in.MemberIDs)
}
