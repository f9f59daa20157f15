//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package journal

import (
	"errors"
	"os"
)

// lock opens nothing: two processes with one file would lose what the other
// writes.
func lock(string) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
