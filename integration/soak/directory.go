// Package soak plays a directory in which people and groups come, change and go at random, the provisioning job that
// brings all of it to an organization as Microsoft Entra ID does, and everything that can go wrong on the way. Whatever
// went wrong, the organization must be as the directory is once there is peace and one more cycle was run.
//
// All that is random comes from one seed, so that what was found can be repeated.
package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Person is somebody of the directory.
type Person struct {
	ExternalID, UserName, Mail, Name string

	Active bool // false: disabled, or not in scope any more
	Gone   bool // deleted for good

	link
	told   *said // what was acknowledged of the person; nil where nobody knows
	joined bool  // it was once acknowledged that the person is active
	lost   bool  // deleted, and never found: it was asked for, and there was no answer
}

// said is what the provider says of a person.
type said struct {
	userName, name string
	active         bool
}

// link is what the job remembers of a resource. A job reads and writes it under its lock.
type link struct {
	id      string // the id in the organization, as SCIM shows it
	tried   bool   // something was asked for that may have created it
	removed bool   // it was deleted, and that was acknowledged
}

// Group is a group of the directory.
type Group struct {
	ExternalID, Name string

	Gone    bool
	Members map[*Person]bool

	link
	toldName string
	told     map[*Person]membership
}

// membership is what is known of somebody's place in a group.
type membership int

const (
	out    membership = iota
	in                // acknowledged
	unsure            // asked for, and not acknowledged
)

// Directory is what the organization shall be like.
type Directory struct {
	People []*Person
	Groups []*Group

	// AddressesStay tells that the organization keeps somebody's address when only the userName is changed that was the
	// address.
	AddressesStay bool

	rng   *rand.Rand
	count int
}

// NewDirectory returns an empty directory that changes by the generator.
func NewDirectory(rng *rand.Rand) *Directory { return &Directory{rng: rng} }

// The most that a directory has at a time; small, so that changes of the same people meet.
const (
	mostPeople = 8
	mostGroups = 3
)

// Change changes something, and returns what it was.
func (d *Directory) Change() string {
	for {
		if what := d.changes()[d.rng.IntN(12)](); what != "" {
			return what
		}
	}
}

func (d *Directory) changes() [12]func() string {
	return [...]func() string{
		d.join, d.join, d.rehire, d.toggle, d.toggle, d.leave, d.rename,
		d.regroup, d.regroup, d.regroup, d.group, d.renameGroup,
	}
}

func (d *Directory) next() int { d.count++; return d.count }

func (d *Directory) join() string {
	if len(d.present()) >= mostPeople {
		return ""
	}
	n := d.next()
	p := &Person{
		ExternalID: fmt.Sprintf("x%d", n), Mail: fmt.Sprintf("p%d@example.com", n), Name: fmt.Sprintf("Person %d", n),
		Active: d.rng.IntN(10) < 7,
	}
	if p.UserName = p.Mail; d.rng.IntN(2) == 0 {
		p.UserName = fmt.Sprintf("u%d@corp.example", n)
	}
	d.People = append(d.People, p)
	return fmt.Sprintf("%s joins as %s, active %v", p.Mail, p.UserName, p.Active)
}

// rehire brings somebody back who was deleted: a new person of the directory with the same address, and perhaps the same
// name.
func (d *Directory) rehire() string {
	left := d.pick(func(p *Person) bool { return p.removed && !d.has(p.Mail) })
	if left == nil || len(d.present()) >= mostPeople {
		return ""
	}
	n := d.next()
	p := &Person{ExternalID: fmt.Sprintf("x%d", n), UserName: left.UserName, Mail: left.Mail, Name: left.Name, Active: true}
	if d.rng.IntN(2) == 0 {
		p.ExternalID = left.ExternalID
	}
	d.People = append(d.People, p)
	return fmt.Sprintf("%s is hired again as %s, %s", p.Mail, p.UserName, p.ExternalID)
}

func (d *Directory) toggle() string {
	p := d.pick(func(p *Person) bool { return !p.Gone })
	if p == nil {
		return ""
	}
	p.Active = !p.Active
	return fmt.Sprintf("%s: active %v", p.Mail, p.Active)
}

func (d *Directory) leave() string {
	p := d.pick(func(p *Person) bool { return !p.Gone })
	if p == nil {
		return ""
	}
	p.Gone, p.Active = true, false
	for _, g := range d.Groups {
		delete(g.Members, p)
	}
	return p.Mail + " is deleted"
}

// rename changes what somebody is called. Only who is linked has another userName from one day to the next: nobody could
// be found whose creation was not answered.
func (d *Directory) rename() string {
	p := d.pick(func(p *Person) bool { return !p.Gone && p.id != "" })
	if p == nil {
		return ""
	}
	n := d.next()
	p.Name = fmt.Sprintf("Person %d", n)
	if d.rng.IntN(2) == 0 && (d.AddressesStay || p.UserName != p.Mail) {
		p.UserName = fmt.Sprintf("u%d@corp.example", n)
	}
	return fmt.Sprintf("%s is called %s, %s", p.Mail, p.UserName, p.Name)
}

func (d *Directory) regroup() string {
	p, g := d.pick(func(p *Person) bool { return !p.Gone }), d.pickGroup()
	if p == nil || g == nil {
		return ""
	}
	if g.Members[p] {
		delete(g.Members, p)
		return fmt.Sprintf("%s leaves %s", p.Mail, g.Name)
	}
	g.Members[p] = true
	return fmt.Sprintf("%s enters %s", p.Mail, g.Name)
}

// group makes a group, or deletes one.
func (d *Directory) group() string {
	if g := d.pickGroup(); g != nil && d.rng.IntN(4) == 0 {
		g.Gone = true
		return g.Name + " is deleted"
	}
	n := 0
	for _, g := range d.Groups {
		if !g.Gone {
			n++
		}
	}
	if n >= mostGroups {
		return ""
	}
	n = d.next()
	g := &Group{ExternalID: fmt.Sprintf("g%d", n), Name: fmt.Sprintf("Group-%d", n), Members: map[*Person]bool{}, told: map[*Person]membership{}}
	d.Groups = append(d.Groups, g)
	return g.Name + " is made"
}

func (d *Directory) renameGroup() string {
	g := d.pickGroup()
	if g == nil || g.id == "" {
		return ""
	}
	was := g.Name
	g.Name = fmt.Sprintf("Group-%d", d.next())
	return was + " is called " + g.Name
}

// present are those whom an organization may still have.
func (d *Directory) present() []*Person {
	return slices.DeleteFunc(slices.Clone(d.People), func(p *Person) bool { return p.removed })
}

func (d *Directory) has(mail string) bool {
	return slices.ContainsFunc(d.present(), func(p *Person) bool { return p.Mail == mail })
}

func (d *Directory) pick(ok func(*Person) bool) *Person {
	some := slices.DeleteFunc(slices.Clone(d.People), func(p *Person) bool { return !ok(p) })
	if len(some) == 0 {
		return nil
	}
	return some[d.rng.IntN(len(some))]
}

func (d *Directory) pickGroup() *Group {
	some := slices.DeleteFunc(slices.Clone(d.Groups), func(g *Group) bool { return g.Gone })
	if len(some) == 0 {
		return nil
	}
	return some[d.rng.IntN(len(some))]
}
