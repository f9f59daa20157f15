// Package filewatch notices that files have changed. It polls and hashes: that
// works on every file system, with files that are replaced, and with the
// symbolic links by which Kubernetes swaps the files of a ConfigMap.
package filewatch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Files names files by patterns, as [path.Match] has them.
type Files struct {
	FS       fs.FS // where they are; nil is the operating system's
	Patterns []string
	Max      int64 // bytes that are read of each; defaults to all
}

// Digest returns a hash of the names and contents of the files. It is an error
// if one cannot be read, or a pattern names none.
func (f Files) Digest() (string, error) {
	sum := sha256.New()
	for _, pattern := range f.Patterns {
		names, err := f.glob(pattern)
		if err != nil {
			return "", fmt.Errorf("%s: %w", pattern, err)
		}
		if len(names) == 0 {
			return "", fmt.Errorf("%s: %w", pattern, fs.ErrNotExist)
		}
		for _, name := range names { // sorted
			if err := f.add(sum, name); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (f Files) glob(pattern string) ([]string, error) {
	if f.FS == nil {
		return filepath.Glob(pattern)
	}
	return fs.Glob(f.FS, pattern)
}

// add adds a file, so that no two lists of files have the same hash.
func (f Files) add(sum hash.Hash, name string) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var content io.Reader = file
	if f.Max > 0 {
		content = io.LimitReader(file, f.Max)
	}
	part := sha256.New()
	if _, err := io.Copy(part, content); err != nil {
		return err
	}
	var sizes [16]byte
	binary.BigEndian.PutUint64(sizes[:8], uint64(len(name)))
	binary.BigEndian.PutUint64(sizes[8:], uint64(info.Size()))
	sum.Write(sizes[:])
	sum.Write([]byte(name))
	sum.Write(part.Sum(nil))
	return nil
}

func (f Files) open(name string) (fs.File, error) {
	if f.FS == nil {
		return os.Open(name)
	}
	return f.FS.Open(name)
}

// Watch calls changed whenever the digest, or the error, is another one than it
// was when changed was last called, or than seen at first. What differs at one
// poll is looked at again at the next one, and is taken for changed when it is
// the same then, so that files that are being written are seldom read; but after
// three polls that all differ it is. It returns when ctx ends.
//
// It runs on the caller's goroutine, which is the only one that hangs if the
// file system does.
func Watch(ctx context.Context, every time.Duration, digest func() (string, error), seen string, changed func()) {
	const patience = 3
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, differs := seen, 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := state(digest())
		switch {
		case now == seen:
			differs = 0
		case now == last || differs+1 >= patience:
			seen, differs = now, 0
			changed()
		default:
			differs++
		}
		last = now
	}
}

// state is a digest or an error, as one text.
func state(digest string, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return digest
}
