package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// open checks the file, repairs or makes it, and opens it.
func (c *committer) open() error {
	loss, err := c.prepare()
	if err != nil {
		return err
	}
	if loss != nil {
		c.tell(loss)
	}
	if c.db, err = c.openDB(c.config.Path, false); err != nil {
		return err
	}
	return c.load()
}

// prepare leaves a file at the path that is sound.
func (c *committer) prepare() (*Loss, error) {
	path := c.config.Path
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.build(func(db *bolt.DB) error {
			_, _, err := copyAll(db, strings.NewReader(""), 0)
			return err
		}, "")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no regular file", ErrForeign)
	}
	wrong, err := check(f, info.Size())
	if wrong == nil && c.suspect {
		wrong = errIndex
	}
	if err != nil || wrong == nil {
		return nil, err
	}
	loss := &Loss{Path: path, Err: wrong, LostRecords: -1, LostDeliveries: -1}
	loss.Aside = path + damagedMark + time.Now().UTC().Format("20060102T150405.000")
	err = c.build(func(db *bolt.DB) error {
		kept, held, err := copyAll(db, f, info.Size())
		loss.Records, loss.Deliveries = kept.records, kept.deliveries
		if held != nil {
			loss.LostRecords = max(0, held.records-kept.records)
			loss.LostDeliveries = max(0, held.deliveries-kept.deliveries)
		}
		return errors.Join(err, f.Close()) // or Windows would not replace it
	}, loss.Aside)
	if err != nil {
		return nil, err
	}
	c.suspect = false
	return loss, nil
}

// build makes a file beside the path and, when it is on the disk, puts it in
// place; what is there goes aside.
func (c *committer) build(fill func(*bolt.DB) error, aside string) error {
	path, fresh := c.config.Path, c.config.Path+".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := c.openDB(fresh, true)
	if err != nil {
		return err
	}
	if err = fill(db); err == nil {
		err = db.Sync()
	}
	if err = errors.Join(err, db.Close()); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	c.file = nil
	if aside != "" {
		// A second name first: there is a file at the path at any time.
		if os.Link(path, aside) != nil {
			if err := os.Rename(path, aside); err != nil {
				return err
			}
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	if aside != "" {
		prune(path)
	}
	return syncFolder(filepath.Dir(path))
}

const (
	damagedMark = ".damaged-"
	keepDamaged = 3
)

// prune removes all but the newest damaged files.
func prune(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path)) // in order of names, and so of time
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), filepath.Base(path)+damagedMark)
	})
	for _, e := range entries[:max(0, len(entries)-keepDamaged)] {
		_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
	}
}

// syncFolder brings the names in a folder to the disk.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which cannot, and need not
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// openDB opens a database and notes its file. One that is being built is not on
// the disk before it is told to.
func (c *committer) openDB(path string, building bool) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:        time.Second,
		FreelistType:   bolt.FreelistMapType,
		NoSync:         building,
		NoGrowSync:     building,
		NoFreelistSync: false, // what a salvage goes by
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			c.file = f
			return f, err
		},
	})
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	return db, err
}

// load reads the state of the open file.
func (c *committer) load() error {
	return c.db.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(headerBucket.name()).Get(stateKey)
		fields, err := unseal(headerBucket, stateKey, v)
		if err != nil {
			return err
		}
		c.state, err = parseState(fields)
		return err
	})
}

// tell says what is lost. What the host's function does harms nobody else.
func (c *committer) tell(l *Loss) {
	defer func() { _ = recover() }()
	c.config.Lost(l)
}
