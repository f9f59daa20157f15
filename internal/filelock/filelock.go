// Package filelock opens files that one process at a time has open.
package filelock

import (
	"errors"
	"os"
)

// ErrBusy is returned by [Open] when another process has the file.
var ErrBusy = errors.New("another process has it")

// Open opens a file for reading and writing, and makes it if it is not there. Nobody
// else gets it from Open until it is closed; the system closes it when the process
// ends, however it ends. The error is ErrBusy, [errors.ErrUnsupported] where the system
// has no locks, or the system's.
func Open(path string) (*os.File, error) { return open(path) }
