package organization

// The life of a member:
//
//	staged ─┐
//	invited ─accept→ accepted ─confirm→ confirmed
//	any ─revoke→ revoked ─restore→ the status it had

// reinviteMember would send the invitation again. No mail leaves this organization, so all that is left of it is
// the rule who can be invited again.
func reinviteMember(r *request) (any, error) {
	return nil, r.org.view(func(t *tx) error {
		m, err := t.member(r.id)
		if err == nil && m.Status != statusInvited {
			return errUserInvalid
		}
		return err
	})
}

// revokeMember takes the access away, and nothing else: groups and collections stay.
func revokeMember(r *request) (any, error) {
	return silent(changeMember(r, func(t *tx, m *member) error {
		if m.Status == statusRevoked {
			return errRevoked
		}
		if t.lastOwner(m) {
			return errLastOwner
		}
		prior := m.Status
		m.Status = statusRevoked
		return t.put(bucketPrior, m.ID[:], []byte{byte(prior)})
	}))
}

// restoreMember brings back the status from before, for which a seat may be needed.
func restoreMember(r *request) (any, error) {
	return silent(changeMember(r, func(t *tx, m *member) error {
		if m.Status != statusRevoked {
			return errActive
		}
		m.Status = t.prior(m.ID)
		if m.Status.takesSeat() {
			if err := t.oneSeat(r.seats); err != nil {
				return err
			}
		}
		return t.delete(bucketPrior, m.ID[:])
	}))
}

// acceptMember is what the invited person does in Bitwarden's web vault: accept the invitation, with an account
// that may have a name. Not part of Bitwarden's API.
func acceptMember(r *request) (any, error) {
	type model struct {
		Name *string `json:"name"`
	}
	in := new(model)
	if len(r.body) > 0 {
		var err error
		if in, err = decode[model](r.body); err != nil {
			return nil, err
		}
	}
	p := problems{}
	if in.Name != nil {
		p.atMost("Name", *in.Name, 50)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	account := newGUID()
	return changeMember(r, func(_ *tx, m *member) error {
		if m.Status != statusInvited {
			return errUserInvalid
		}
		m.Status, m.UserID, m.Name = statusAccepted, &account, in.Name
		return nil
	})
}

// confirmMember is what an administrator does in Bitwarden's web vault, where it exchanges keys. Not part of
// Bitwarden's API.
func confirmMember(r *request) (any, error) {
	return changeMember(r, func(_ *tx, m *member) error {
		if m.Status != statusAccepted {
			return errUserInvalid
		}
		m.Status = statusConfirmed
		return nil
	})
}

// silent drops an answer that the API does not give.
func silent(_ any, err error) (any, error) { return nil, err }

// createOwner makes the configured owner a confirmed one, unless the organization has a confirmed owner or a member
// with that address.
func (h *Handler) createOwner() error {
	if h.Owner == "" {
		return nil
	}
	email := problems{}.email("Owner", h.Owner)
	return h.org.change(func(t *tx) error {
		if _, taken := t.memberWithEmail(email); taken || t.hasOwner() {
			return nil
		}
		m := newMember(email, statusConfirmed, roleOwner)
		account := newGUID()
		m.UserID = &account
		return t.putMember(m, nil)
	})
}
