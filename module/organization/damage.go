package organization

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// errPanic is what a panic becomes.
var errPanic = errors.New("panic")

// safely runs a function that touches the file. A page that is damaged, or that is not there any more, makes bbolt panic or
// the memory that is mapped to it fault: both are an error for whoever asked, and not the end of the process.
func safely(run func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, v, debug.Stack())
		}
	}()
	return run()
}

// damaged says of a panic while the file is opened what it means: where it came from is of no use to whoever reads it.
func damaged(err error) error {
	if errors.Is(err, errPanic) {
		what, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("the file is damaged: %s", what)
	}
	return err
}

// verify reads the whole file once. What is damaged is better found now than when a list shows it, or a change is written
// over it.
func verify(db *bolt.DB) error {
	return db.View(func(b *bolt.Tx) error {
		info, err := os.Stat(db.Path())
		if err != nil {
			return err
		}
		if info.Size() < b.Size() {
			return fmt.Errorf("the file is truncated: it has %d bytes of %d", info.Size(), b.Size())
		}
		err = b.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			if err := verifyBucket(name, bucket); err != nil {
				return fmt.Errorf("the file is damaged: bucket %q: %w", name, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		var found error
		for err := range b.Check() { // to its end, or its goroutine would wait for ever
			if found == nil {
				found = fmt.Errorf("the file is damaged: %w", err)
			}
		}
		return found
	})
}

func verifyBucket(name []byte, b *bolt.Bucket) error {
	items := bytes.Equal(name, bucketMembers) || bytes.Equal(name, bucketGroups)
	var last []byte
	cursor := b.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		switch {
		case last != nil && bytes.Compare(last, k) >= 0:
			return errors.New("its keys are in no order")
		case items && !json.Valid(v):
			return fmt.Errorf("item %x is no JSON", k)
		}
		last = k
	}
	return nil
}
