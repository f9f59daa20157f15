package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

var (
	// ErrLocked says that another process has the file, or another Store of
	// this one.
	ErrLocked = errors.New("another process has the store")
	// ErrDiskFull says that there is no room on the disk, or in a quota. Nothing
	// was changed. What was tried works again when there is room.
	ErrDiskFull = errors.New("the disk is full")
	// ErrReadOnly says that the file, its folder or the disk cannot be written
	// to. Nothing was changed.
	ErrReadOnly = errors.New("the store cannot be written to")
	// ErrNewer says that a newer version of this package has written the file,
	// and that this one must not write to it.
	ErrNewer = errors.New("a newer program has written the store")
	// ErrForeign says that the file is the database of another program.
	ErrForeign = errors.New("the file is no store")
	// ErrUnknown says that a change was written but that the disk failed to
	// confirm it: it may stand or not.
	ErrUnknown = errors.New("the disk did not confirm a change")
	// ErrDamaged says that the file turned out to be damaged while it was in
	// use, so that nothing was changed. The next call repairs it.
	ErrDamaged = errors.New("the store is damaged")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("the store is closed")
)

// advice says what to do about an error.
var advice = map[error]string{
	ErrLocked:   "end it, or give each its own path",
	ErrDiskFull: "make room, or move the store to another disk",
	ErrReadOnly: "give the process a path that it may write to",
	ErrNewer:    "run a newer program, or move the file away",
	ErrForeign:  "give the store a path of its own",
	ErrUnknown:  "look after the disk",
}

// failure makes an error that says what was done to which file, which of the
// errors above it is, and what to do.
func failure(doing, path string, err error) error {
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	kind := kindOf(err)
	switch {
	case kind == nil:
		return fmt.Errorf("boltstore: %s %s: %w", doing, path, err)
	case err == kind:
		return fmt.Errorf("boltstore: %s %s: %w: %s", doing, path, kind, advice[kind])
	case errors.Is(err, kind) && advice[kind] == "":
		return fmt.Errorf("boltstore: %s %s: %w", doing, path, err)
	case errors.Is(err, kind):
		return fmt.Errorf("boltstore: %s %s: %w: %s", doing, path, err, advice[kind])
	}
	return fmt.Errorf("boltstore: %s %s: %w: %s: %w", doing, path, kind, advice[kind], err)
}

// kindOf returns which of the errors above err is, or nil.
func kindOf(err error) error {
	for _, kind := range []error{ErrLocked, ErrDiskFull, ErrReadOnly, ErrNewer, ErrForeign, ErrUnknown, ErrDamaged} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	switch {
	case means(err, fullErrors):
		return ErrDiskFull
	case errors.Is(err, fs.ErrPermission), means(err, readOnlyErrors):
		return ErrReadOnly
	}
	return nil
}

// means reports whether err is one of the errors of the system. The database
// keeps the text alone of some.
func means(err error, errs []syscall.Errno) bool {
	for _, e := range errs {
		if errors.Is(err, e) || strings.HasSuffix(err.Error(), ": "+e.Error()) {
			return true
		}
	}
	return false
}
