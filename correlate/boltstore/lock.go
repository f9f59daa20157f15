package boltstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/internal/filelock"
)

// lock is a file that one process at a time has open. It is not the store
// itself, which may be replaced while others wait for it.
type lock struct{ file *os.File }

const lockEvery = 50 * time.Millisecond

// acquire waits for a lock.
func acquire(path string, timeout time.Duration) (*lock, error) {
	deadline := time.Now().Add(timeout)
	for {
		f, err := filelock.Open(path)
		if errors.Is(err, errors.ErrUnsupported) {
			f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // the database locks its own file
		}
		if err == nil {
			// Who has it is for the message of others.
			_ = f.Truncate(0)
			_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
			return &lock{f}, nil
		}
		if !errors.Is(err, filelock.ErrBusy) {
			return nil, err
		}
		wait := min(lockEvery, time.Until(deadline))
		if wait <= 0 {
			return nil, fmt.Errorf("%w (process %s)", ErrLocked, holder(path))
		}
		time.Sleep(wait)
	}
}

// holder returns the number of the process that has a lock, as it says.
func holder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 20))
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	switch {
	case err != nil:
		return "unknown"
	case pid == os.Getpid():
		return strconv.Itoa(pid) + ", this one"
	}
	return strconv.Itoa(pid)
}

func (l *lock) release() { _ = l.file.Close() }
