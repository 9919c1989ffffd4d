package organization

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxImport is how many members or groups an import may have that does not call itself large.
const maxImport = 2000

type importModel struct {
	Members                      []importMember `json:"members"`
	Groups                       []importGroup  `json:"groups"`
	OverwriteExisting            *bool          `json:"overwriteExisting"`
	LargeImport                  bool           `json:"largeImport"`
	InviteUsersAfterProvisioning *bool          `json:"inviteUsersAfterProvisioning"`
}

type importMember struct {
	Email      string `json:"email"`
	ExternalID text   `json:"externalId"`
	Deleted    bool   `json:"deleted"`
}

type importGroup struct {
	Name              string `json:"name"`
	ExternalID        text   `json:"externalId"`
	MemberExternalIDs []text `json:"memberExternalIds"`
}

// text is a string for which a number is taken too: directories have numeric ids.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var number json.Number
	if err := json.Unmarshal(b, (*string)(t)); err == nil {
		return nil
	}
	if b[0] == '"' || json.Unmarshal(b, &number) != nil {
		return errors.New("a string or a number was expected")
	}
	*t = text(number)
	return nil
}

// check notes what is wrong with the import, and makes addresses lower-case.
func (in *importModel) check() error {
	p := problems{}
	p.required("Members", in.Members != nil)
	p.required("Groups", in.Groups != nil)
	p.required("OverwriteExisting", in.OverwriteExisting != nil)
	staying := 0
	for i := range in.Members {
		m, at := &in.Members[i], fmt.Sprintf("Members[%d].", i)
		p.required(at+"ExternalId", !blank(string(m.ExternalID)))
		p.atMost(at+"ExternalId", string(m.ExternalID), 300)
		if m.Deleted {
			continue
		}
		staying++
		if blank(m.Email) {
			p.add(at+"Email", "Email is required for enabled members.")
			continue
		}
		m.Email = p.email(at+"Email", m.Email)
	}
	for i, g := range in.Groups {
		at := fmt.Sprintf("Groups[%d].", i)
		p.required(at+"Name", !blank(g.Name))
		p.atMost(at+"Name", g.Name, 100)
		p.required(at+"ExternalId", !blank(string(g.ExternalID)))
		p.atMost(at+"ExternalId", string(g.ExternalID), 300)
	}
	if err := p.err(); err != nil {
		return err
	}
	if !in.LargeImport && (len(in.Groups) > maxImport || staying > maxImport) {
		return errTooMuch
	}
	return nil
}

// importDirectory brings members and groups in step with a directory: all of it or, on an error, nothing.
func importDirectory(r *request) (any, error) {
	in, err := decode[importModel](r.body)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, r.org.change(func(t *tx) error {
		d := directory{tx: t, in: in, seats: r.seats}
		if err := d.load(); err != nil {
			return err
		}
		for _, step := range []func() error{d.remove, d.link, d.invite, d.importGroups} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
}

// directory is an import that is being carried out.
type directory struct {
	*tx
	in    *importModel
	seats int
	// Members with an external id are governed by the directory. Nothing keeps external ids unique, so known may
	// have less of them.
	governed []*member
	known    map[string]*member
	plain    map[string]*member // by address, those without an external id
}

func (d *directory) load() error {
	d.known, d.plain = map[string]*member{}, map[string]*member{}
	for m, err := range d.allMembers() {
		switch {
		case err != nil:
			return err
		case m.ExternalID != nil:
			d.governed = append(d.governed, m)
			d.known[*m.ExternalID] = m
		default:
			d.plain[m.Email] = m
		}
	}
	return nil
}

// remove deletes members that the directory deleted and, when it overwrites, those it does not name. Owners stay.
func (d *directory) remove() error {
	named := map[string]bool{}
	gone := map[string]bool{}
	for _, m := range d.in.Members {
		if m.Deleted {
			gone[string(m.ExternalID)] = true
		} else {
			named[string(m.ExternalID)] = true
		}
	}
	for _, m := range d.governed {
		id := *m.ExternalID
		if m.Type == roleOwner || !gone[id] && (!*d.in.OverwriteExisting || named[id]) {
			continue
		}
		delete(d.known, id)
		if err := d.removeMember(m); err != nil {
			return err
		}
	}
	return nil
}

// link gives its external id to a member who has none and whose address is the imported one.
func (d *directory) link() error {
	for _, i := range d.in.Members {
		m := d.plain[i.Email]
		if i.Deleted || m == nil || d.known[string(i.ExternalID)] != nil {
			continue
		}
		old, id := *m, string(i.ExternalID)
		m.ExternalID = &id
		if err := d.putMember(m, &old); err != nil {
			return err
		}
		delete(d.plain, i.Email)
		d.known[id] = m
	}
	return nil
}

// invite adds those whose external ids are new. An address that is a member already is passed over without a word,
// even when its external id differs.
func (d *directory) invite() error {
	st := statusInvited
	if d.in.InviteUsersAfterProvisioning != nil && !*d.in.InviteUsersAfterProvisioning {
		st = statusStaged
	}
	for _, i := range d.in.Members {
		id := string(i.ExternalID)
		if _, taken := d.memberWithEmail(i.Email); i.Deleted || taken || d.known[id] != nil {
			continue
		}
		if st.takesSeat() {
			if err := d.oneSeat(d.seats); err != nil {
				return err
			}
		}
		m := newMember(i.Email, st, roleUser)
		m.ExternalID = &id
		if err := d.putMember(m, nil); err != nil {
			return err
		}
		d.known[id] = m
	}
	return nil
}

// importGroups creates or renames groups by external id, never by name, and replaces their members.
func (d *directory) importGroups() error {
	groups := map[string]*group{}
	for g, err := range d.allGroups() {
		if err != nil {
			return err
		}
		if g.ExternalID != nil {
			groups[*g.ExternalID] = g
		}
	}
	for _, i := range d.in.Groups {
		id := string(i.ExternalID)
		g := groups[id]
		if g == nil {
			g = newGroup()
			g.ExternalID = &id
			groups[id] = g
		}
		if g.Name != i.Name {
			g.Name = i.Name
			if err := d.putGroup(g); err != nil {
				return err
			}
		}
		var members []guid
		for _, external := range i.MemberExternalIDs {
			if m := d.known[string(external)]; m != nil {
				members = append(members, m.ID)
			}
		}
		if err := d.relate(groupSide, g.ID, members); err != nil {
			return err
		}
	}
	return nil
}
