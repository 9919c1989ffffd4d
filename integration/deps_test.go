package integration

import (
	_ "github.com/elimity-com/scim"
	_ "github.com/google/go-cmp/cmp"
	_ "go.uber.org/goleak"
	_ "pgregory.net/rapid"
)
