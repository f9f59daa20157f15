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
	"time"

	"github.com/spanticket/spanticket/internal/filelock"
)

// maxFiles bounds the processes that share a path.
const maxFiles = 64

// maxOpen is how long Open waits for the disk.
const maxOpen = 5 * time.Second

// Open opens the journal at a path, which must be in a folder that exists. owner
// names the service: the journals of others are left alone. It returns ErrStalled if
// the disk stalls for five seconds.
//
// One process has a file at a time. Where many share the path, as replicas on a
// common volume do, each takes the first that is free: path, path.1, path.2 and so
// on. So the files are as many as there were processes at once, and what a process
// has left is found by the next one that starts: Open takes over the records of all
// files that nobody has.
func Open(path, owner string) (*Journal, error) { return openWithin(maxOpen, path, owner) }

func openWithin(most time.Duration, path, owner string) (*Journal, error) {
	type outcome struct {
		j   *Journal
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		j, err := openFirst(path, owner)
		done <- outcome{j, err}
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.j, o.err
	case <-timer.C:
		go func() {
			if o := <-done; o.j != nil {
				_ = o.j.Close() // what is in it is for the next process
			}
		}()
		return nil, &OpenError{path, ErrStalled}
	}
}

// openFirst opens the first file that is free, and takes over the others.
func openFirst(path, owner string) (*Journal, error) {
	id := ownerID(owner)
	var j *Journal
	var strangers, unreadable []string
	for i := range maxFiles {
		name := numbered(path, i)
		if j != nil {
			if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
				continue
			}
			switch err := j.takeOver(name, id); {
			case errors.Is(err, errForeign):
				strangers = append(strangers, name)
			case errors.Is(err, errDamaged):
				unreadable = append(unreadable, name)
			}
			continue
		}
		f, in, err := open(name, id)
		switch {
		case err == nil:
			j = start(f, name, in.records)
			j.damaged = len(in.damaged)
		case errors.Is(err, errForeign):
			if len(in.records) > 0 {
				strangers = append(strangers, name)
			}
		case errors.Is(err, errDamaged):
			unreadable = append(unreadable, name) // which must not cost every journal to come
		case !isBusy(err):
			return nil, &OpenError{name, err}
		}
	}
	if j == nil {
		return nil, &OpenError{path, fmt.Errorf("%d others share it already", maxFiles)}
	}
	j.strangers, j.unreadable = strangers, unreadable
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

// content is what a file holds.
type content struct {
	records []found
	damaged []int // slots
}

// open locks a file, makes it a journal if it is new, and reads it. Of what is
// damaged the slots are freed.
func open(name string, id [ownerSize]byte) (_ *os.File, in content, err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, in, errNone // or opening it might wait
	}
	f, err := filelock.Open(name)
	if err != nil {
		return nil, in, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	b, err := io.ReadAll(io.LimitReader(f, fileSize+1))
	if err != nil {
		return nil, in, fmt.Errorf("%w: %w", errDamaged, err)
	}
	owner, fresh, ok := parseHeader(b[:min(len(b), headerSize)])
	in.records, in.damaged = parse(b)
	switch {
	case len(b) > fileSize, !ok && len(in.records) == 0 && len(b) < fileSize:
		return nil, in, errNone
	case !ok && len(in.records) == 0:
		return nil, in, errDamaged // or a file of another kind
	case ok && !fresh && owner != id:
		return nil, in, errForeign
	}
	if err := lay(f, b, id); err != nil {
		if len(b) == 0 {
			_ = f.Truncate(0) // whoever shares a full disk can use the room
		}
		return nil, in, fmt.Errorf("%w; it needs %d bytes", err, fileSize)
	}
	for _, slot := range in.damaged {
		if _, err := f.WriteAt(noRecord, slotAt(slot)); err != nil {
			return nil, in, err
		}
	}
	return f, in, nil
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
	f, in, err := open(name, id)
	if errors.Is(err, errForeign) && len(in.records) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	j.damaged += len(in.damaged)
	slices.SortFunc(in.records, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range in.records {
		e, err := j.Put(r.record)
		if err != nil {
			j.Release(e)
			return err
		}
		if _, err := f.WriteAt(noRecord, slotAt(r.slot)); err != nil {
			j.Release(e) // or it would be taken over again and again
			return err
		}
		j.taken = append(j.taken, Record{e, slices.Clone(r.record)})
	}
	return nil
}
