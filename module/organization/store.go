package organization

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockTimeout is how long to wait for another process to let go of the file: long enough for a restart in
	// which the old process is still saying goodbye, short enough for a clear error.
	lockTimeout = 5 * time.Second

	// format is the number of the layout of the file. A file with another number is refused rather than guessed at.
	format = "1"
)

var errClosed = errors.New("the store is closed")

// store is one organization on disk. Readers run at any time, each on a consistent state; writers go through one
// committer (commit.go).
type store struct {
	db      *bolt.DB
	members *listCache
	groups  *listCache

	changes chan *pendingWrite
	closing chan struct{}
	stopped chan struct{}
}

// canonicalPath makes one path of all paths of a file, so that two handlers that spell it differently share it. The
// file need not exist yet, its folder is created.
func canonicalPath(file string) (string, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(file); err == nil {
		return target, nil
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(file))
	return filepath.Join(dir, filepath.Base(file)), err
}

// openStore opens the file, and creates it when it does not exist.
func openStore(file string) (*store, error) {
	_, statErr := os.Stat(file) //nolint:gosec // the operator names the file
	db, err := openFile(file)
	if err != nil {
		return nil, err
	}
	err = safely(func() error {
		if err := verify(db); err != nil {
			return err
		}
		return db.Update(prepare)
	})
	if err == nil && os.IsNotExist(statErr) {
		err = syncDir(filepath.Dir(file))
	}
	if err != nil {
		return nil, errors.Join(damaged(err), db.Close())
	}
	s := &store{
		db:      db,
		members: newListCache(bucketMembers),
		groups:  newListCache(bucketGroups),
		changes: make(chan *pendingWrite),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go s.commitLoop()
	return s, nil
}

// openFile opens the file as a database, and gives it free again where that fails.
func openFile(file string) (db *bolt.DB, err error) {
	var opened *os.File
	options := &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType}
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		opened, err = os.OpenFile(name, flag, mode) //nolint:gosec // the operator names the file
		return opened, err
	}
	err = safely(func() (err error) {
		db, err = bolt.Open(file, 0o600, options)
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, errors.New("another process has it open; an organization belongs to one process at a time")
	case errors.Is(err, errPanic): // bbolt has not closed it
		return nil, errors.Join(damaged(err), giveUp(opened))
	}
	return db, err
}

// prepare makes the buckets, and checks that the file is one of ours.
func prepare(b *bolt.Tx) error {
	meta := b.Bucket(bucketMeta)
	if meta == nil {
		if k, _ := b.Cursor().First(); k != nil {
			return errors.New("this file is a database of something else")
		}
		var err error
		if meta, err = b.CreateBucket(bucketMeta); err != nil {
			return err
		}
		if err := meta.Put(keyFormat, []byte(format)); err != nil {
			return err
		}
	}
	if got := string(meta.Get(keyFormat)); got != format {
		return fmt.Errorf("this file has format %q, this version reads format %q", got, format)
	}
	for _, name := range buckets {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the name of a new file as durable as its content.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// close waits for the change that is being written, refuses the others, and closes the file.
func (s *store) close() error {
	close(s.closing)
	<-s.stopped
	return s.db.Close()
}

// view runs a function on a consistent state of the organization.
func (s *store) view(run func(*tx) error) error {
	return safely(func() error { return s.db.View(func(b *bolt.Tx) error { return run(s.begin(b)) }) })
}
