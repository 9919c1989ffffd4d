// Package rows is what the stand-in servers of the tests have in common: rows in memory, which a test looks at from outside.
package rows

import "sync"

// Copies are copies of all rows, made while nobody changes them. What a row has in common with its copy, as lists, own
// makes the copy's own; it may be nil.
func Copies[T any](mu sync.Locker, rows *[]*T, own func(*T)) (all []T) {
	mu.Lock()
	defer mu.Unlock()
	for _, row := range *rows {
		c := *row
		if own != nil {
			own(&c)
		}
		all = append(all, c)
	}
	return all
}
