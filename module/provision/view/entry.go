package view

import (
	"cmp"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
)

// An Entry is what is kept in memory of one item of the upstream: enough to answer lists and to find a resource, without
// the item itself. Its exported fields do not change once it is in a table.
type Entry struct {
	ID        string  // the upstream's id
	Key       string  // what paths name the item by; empty where that is the id
	SCIM      doc.Doc // the item as a resource, without schemas and meta
	Word      uint8   // of the membership's state: an index into States
	Protected bool    // whether the provider is not to see or change it
	Inactive  bool    // whether it is a user without access

	hash  uint64 // of the item as the upstream showed it; 0 where that is not known
	place uint64 // in the order of lists; the view's own, under its lock
	asked Asked  // when what it says was asked for; the view's own, under its lock
}

// States are the words of [plan.States] behind an empty one: a byte each instead of a string, for every member.
var States = append([]string{""}, plan.States()...)

// Resource returns the entry as a tree of its own.
func (e *Entry) Resource() *doc.Node { return doc.Tree(e.SCIM.Value()) }

// State returns how far the membership has come; it is empty where the mapping does not say.
func (e *Entry) State() string { return States[e.Word] }

// Name returns what paths name the item by.
func (e *Entry) Name() string { return cmp.Or(e.Key, e.ID) }
