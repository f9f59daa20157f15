package journal

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spanticket/spanticket/internal/filelock"
)

// maxFiles bounds the processes that share a path.
const maxFiles = 64

// Open opens the journal at a path, which must be in a folder that exists. owner
// names the service: the journals of others are left alone.
//
// One process has a file at a time. Where many share the path, as replicas on a
// common volume do, each takes the first that is free: path, path.1, path.2 and so
// on. So the files are as many as there were processes at once, and what a process
// has left is found by the next one that starts: Open takes over the records of all
// files that nobody has.
func Open(path, owner string) (*Journal, error) {
	id := ownerID(owner)
	var j *Journal
	var strangers []string
	for i := range maxFiles {
		name := numbered(path, i)
		if j != nil {
			if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := j.takeOver(name, id); errors.Is(err, errForeign) {
				strangers = append(strangers, name)
			}
			continue
		}
		f, records, err := open(name, id)
		switch {
		case err == nil:
			j = start(f, name, records)
		case errors.Is(err, errForeign):
			if len(records) > 0 {
				strangers = append(strangers, name)
			}
		case !isBusy(err):
			return nil, &OpenError{name, err}
		}
	}
	if j == nil {
		return nil, &OpenError{path, fmt.Errorf("%d others share it already", maxFiles)}
	}
	j.strangers = strangers
	return j, nil
}

func numbered(path string, i int) string {
	if i == 0 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, i)
}

func ownerID(owner string) [ownerSize]byte {
	sum := sha256.Sum256([]byte(owner))
	return [ownerSize]byte(sum[:ownerSize])
}

// open locks a file, makes it a journal if it is new, and reads it.
func open(name string, id [ownerSize]byte) (_ *os.File, _ []found, err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, nil, errNone // or opening it might wait
	}
	f, err := filelock.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	b, err := io.ReadAll(io.LimitReader(f, fileSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading: %w", err)
	}
	owner, fresh, ok := parseHeader(b[:min(len(b), headerSize)])
	records := parse(b)
	switch {
	case !ok && len(records) == 0, len(b) > fileSize:
		return nil, nil, errNone
	case ok && !fresh && owner != id:
		return nil, records, errForeign
	}
	if err := lay(f, b, id); err != nil {
		return nil, nil, fmt.Errorf("writing: %w", err)
	}
	return f, records, nil
}

// lay writes the header and all that is missing of the file, so that there is room
// on the disk for whatever is written later.
func lay(f io.WriterAt, b []byte, id [ownerSize]byte) error {
	header := appendHeader(nil, id)
	if len(b) < headerSize || !slices.Equal(b[:headerSize], header) {
		if _, err := f.WriteAt(header, 0); err != nil {
			return err
		}
	}
	if from := max(len(b), headerSize); from < fileSize {
		_, err := f.WriteAt(make([]byte, fileSize-from), int64(from))
		return err
	}
	return nil
}

// takeOver moves what a process has left in another file into this one, as far as
// there is room. What cannot be taken over now stays for the next process that
// starts.
func (j *Journal) takeOver(name string, id [ownerSize]byte) error {
	f, records, err := open(name, id)
	if errors.Is(err, errForeign) && len(records) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	slices.SortFunc(records, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range records {
		e, err := j.Put(r.record)
		if err != nil {
			j.Release(e)
			return err
		}
		if _, err := f.WriteAt(noRecord, headerSize+int64(r.slot)*slotSize); err != nil {
			j.Release(e) // or it would be taken over again and again
			return err
		}
		j.taken = append(j.taken, Record{e, slices.Clone(r.record)})
	}
	return nil
}
