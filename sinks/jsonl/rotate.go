package jsonl

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// rotate moves the full file to Path.1, what was there to Path.2 and so on, and
// opens a new one. Only the oldest file is ever replaced, and only when every
// number is taken. A crash after any step leaves every line in some file: the
// renames run from the oldest to the newest and are atomic, each is on the disk
// before the next, and the number that a crash leaves free is used again.
func (s *Sink) rotate() error {
	free := 1
	for ; free < s.maxFiles; free++ {
		_, err := os.Lstat(s.numbered(free))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
	}
	// Windows does not rename an open file.
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return err
	}
	for n := free; n > 0; n-- {
		if err := os.Rename(s.numbered(n-1), s.numbered(n)); err != nil {
			return err
		}
		if err := s.syncDir(); err != nil {
			return err
		}
	}
	return s.open()
}

// numbered returns the name of a kept file; 0 is the one that grows.
func (s *Sink) numbered(n int) string {
	if n == 0 {
		return s.path
	}
	return s.path + "." + strconv.Itoa(n)
}
