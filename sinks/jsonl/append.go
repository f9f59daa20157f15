package jsonl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/spanticket/spanticket/sinks"
)

// append writes data, a whole line, to the end of the file and the disk. When
// it fails, it takes back what it wrote.
func (s *Sink) append(data []byte) (sinks.Reason, error) {
	size, err := s.room(int64(len(data)))
	if err != nil {
		return sinks.Transient, err
	}
	// What a crash cut short must not swallow this line: end it first. One look
	// at the disk's cache costs nothing beside the fsync.
	if last := []byte{'\n'}; size > 0 {
		if _, err := s.file.ReadAt(last, size-1); err != nil {
			return sinks.Transient, err
		}
		if last[0] != '\n' {
			data = append([]byte{'\n'}, data...)
		}
	}
	n, err := s.file.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		// What cannot be taken back is an unfinished line, which the next write ends.
		return sinks.Transient, errors.Join(err, s.file.Truncate(size))
	}
	if err := s.file.Sync(); err != nil {
		if cut := s.file.Truncate(size); cut != nil {
			return sinks.Unknown, errors.Join(err, cut)
		}
		return sinks.Transient, err
	}
	return 0, nil
}

// room makes sure that a file is open which may grow by n bytes, and returns
// its size.
func (s *Sink) room(n int64) (int64, error) {
	if s.file == nil {
		if err := s.open(); err != nil {
			return 0, err
		}
	}
	size, err := s.size()
	if err != nil || size == 0 || size+n <= s.maxBytes {
		return size, err
	}
	if err := s.rotate(); err != nil {
		return 0, fmt.Errorf("rotate: %w", err)
	}
	return s.size()
}

func (s *Sink) size() (int64, error) {
	info, err := s.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// appended is a file opened for appending.
type appended struct{ *os.File }

// Truncate also works on Windows, where a handle for appending may not truncate.
func (f appended) Truncate(size int64) error {
	if runtime.GOOS == "windows" {
		return os.Truncate(f.Name(), size)
	}
	return f.File.Truncate(size)
}

// open opens the file for appending, or makes it.
func (s *Sink) open() error {
	// A device or a pipe has no size, cannot be renamed, and may block.
	info, err := os.Stat(s.path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: name a file, or use another sink", s.path)
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: make the directory first", err)
	}
	if err != nil {
		return err
	}
	if err := s.syncDir(); err != nil {
		return errors.Join(err, f.Close())
	}
	s.file = appended{f}
	return nil
}

// syncDir makes what was made and renamed in the directory outlive a power
// failure. Windows has no such call, and does not need it.
func (s *Sink) syncDir() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems have none
	}
	return errors.Join(err, d.Close())
}
