//go:build unix

package organization

import (
	"errors"
	"os"
	"syscall"
)

// giveUp closes a file that bbolt has locked and mapped to memory: the mapping, which is nobody's by now, would keep the
// lock.
func giveUp(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
