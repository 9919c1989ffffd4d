//go:build !unix

package organization

import "os"

func giveUp(f *os.File) error { return f.Close() }
