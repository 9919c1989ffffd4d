package filter

import "iter"

// Walk visits every comparison of the filter from left to right, those inside brackets included, whose attributes are
// named relative to the element there.
func Walk(f Filter, visit func(*Compare)) {
	switch f := f.(type) {
	case *And:
		Walk(f.Left, visit)
		Walk(f.Right, visit)
	case *Or:
		Walk(f.Left, visit)
		Walk(f.Right, visit)
	case *Not:
		Walk(f.Filter, visit)
	case *ValuePath:
		Walk(f.Filter, visit)
	case *Compare:
		visit(f)
	}
}

// Attributes walks over the attributes that the filter looks at, from left to right; those inside brackets come as
// sub-attributes of the one before the brackets.
func Attributes(f Filter) iter.Seq[Attr] {
	return func(yield func(Attr) bool) { attributes(f, Attr{}, yield) }
}

func attributes(f Filter, outer Attr, yield func(Attr) bool) bool {
	whole := func(a Attr) Attr {
		if outer.Name == "" {
			return a
		}
		return Attr{outer.URI, outer.Name, a.Name}
	}
	switch f := f.(type) {
	case *And:
		return attributes(f.Left, outer, yield) && attributes(f.Right, outer, yield)
	case *Or:
		return attributes(f.Left, outer, yield) && attributes(f.Right, outer, yield)
	case *Not:
		return attributes(f.Filter, outer, yield)
	case *ValuePath:
		return attributes(f.Filter, f.Attr, yield)
	case *Compare:
		return yield(whole(f.Attr))
	case *Present:
		return yield(whole(f.Attr))
	}
	return true
}

// Terms walks over the terms that a filter joins by "and", from left to right; over the filter itself where it is
// anything else. All of them hold where the filter holds.
func Terms(f Filter) iter.Seq[Filter] {
	return func(yield func(Filter) bool) { terms(f, yield) }
}

func terms(f Filter, yield func(Filter) bool) bool {
	if and, ok := f.(*And); ok {
		return terms(and.Left, yield) && terms(and.Right, yield)
	}
	return yield(f)
}
