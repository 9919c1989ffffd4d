package mapping

// Error is a mistake in a mapping.
type Error struct {
	Where  string // the place in the definition, such as user.create[0].edits[1]; empty for the whole of it
	Reason string // one line, lower case
}

func (e *Error) Error() string {
	if e.Where == "" {
		return "mapping: " + e.Reason
	}
	return "mapping: " + e.Where + ": " + e.Reason
}
