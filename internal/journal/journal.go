// Package journal keeps small records in a file, where they survive the end of
// the process, however it comes: SIGKILL, a panic, os.Exit. A record is there when
// [Journal.Put] has returned, and until it is released.
//
// The file has a fixed size and is written all over when it is made, so that a
// disk that fills up later is no concern. Records have slots of their own, of which
// each is free or holds one, with a checksum. What was torn or damaged is passed
// over. Nothing is synced: the page cache belongs to the system and outlives the
// process. A power cut may take records with it, and harms nothing else.
//
// It writes by system call, on a goroutine of its own, and not through a mapping of
// the file. A store to a mapped page can fault, and wait for the disk: the runtime
// takes the goroutine for one that runs, and stops the whole process at its next
// garbage collection. A goroutine in a system call holds nobody up, and errors are
// errors instead of signals.
package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spanticket/spanticket/internal/filelock"
)

// Errors of [Journal.Put].
var (
	ErrFull    = errors.New("journal: full: nothing has been released for long")
	ErrStalled = errors.New("journal: the disk stalls")
	ErrClosed  = errors.New("journal: closed")
)

// maxClose is how long Close waits for what is to be written.
const maxClose = time.Second

// maxSeq leaves more numbers than a journal can use up.
const maxSeq = 1 << 62

// Entry identifies a record in a journal. Zero is none.
type Entry uint64

// Record is what an earlier process has left.
type Record struct {
	Entry Entry
	Data  []byte
}

// Journal is an open file. Its methods may be called concurrently.
type Journal struct {
	file   file
	path   string
	wake   chan struct{}
	closed chan struct{} // when the file is

	// What was found when it was opened.
	taken      []Record
	damaged    int
	strangers  []string
	unreadable []string

	mu       sync.Mutex
	queue    []*write
	free     []int         // slots, the one that was free longest first
	held     map[Entry]int // slots in use
	seq      uint64
	patience patience
	stalled  bool
	closing  bool
}

// file is what a journal needs of one.
type file interface {
	io.WriterAt
	io.Closer
}

// write is one change of the file. Only the goroutine that carries it out writes.
type write struct {
	slot  int
	bytes []byte
	frees bool
	entry Entry      // if it does not free
	done  chan error // told of the outcome; nil if nobody asks
	began time.Time  // from when on somebody waits
	wait  time.Duration
	over  bool
}

// start begins to write to a file that holds records.
func start(f file, path string, records []found) *Journal {
	j := &Journal{file: f, path: path, wake: make(chan struct{}, 1), closed: make(chan struct{}), held: map[Entry]int{}}
	used := map[int]bool{}
	slices.SortStableFunc(records, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range records {
		e := Entry(r.seq)
		if _, twice := j.held[e]; twice || e == 0 || r.seq > maxSeq {
			continue // nobody has written it; the slot is free
		}
		used[r.slot] = true
		j.held[e], j.seq = r.slot, r.seq
		j.taken = append(j.taken, Record{e, slices.Clone(r.record)})
	}
	for i := range slots {
		if !used[i] {
			j.free = append(j.free, i)
		}
	}
	go j.run()
	return j
}

// Path returns the name of the file.
func (j *Journal) Path() string { return j.path }

// Records returns what was in the file when it was opened, oldest first. It stays
// there until it is released.
func (j *Journal) Records() []Record { return j.taken }

// Damaged returns how many records were passed over when the journal was opened,
// because they are damaged: a part of them was never written, or has changed since.
func (j *Journal) Damaged() int { return j.damaged }

// Unreadable returns the files at the path of which nothing can be told, when the
// journal was opened: they are damaged all over, or no journals.
func (j *Journal) Unreadable() []string { return j.unreadable }

// Strangers returns the files at the path that hold records of another service, or
// of this one under another name, and that nobody had when the journal was opened.
func (j *Journal) Strangers() []string { return j.strangers }

// Put writes a record, of 1 to MaxRecord bytes, and returns when it is safe from
// the end of the process. It waits for the disk no longer than 250 milliseconds, and
// not at all while a write stalls that somebody has waited for. Where the disk is slow
// again and again, somebody waits in a tenth of the time, or for a millisecond each.
// With ErrStalled the record may be in the file later on, and the entry is to be
// released.
func (j *Journal) Put(record []byte) (Entry, error) {
	if len(record) == 0 || len(record) > MaxRecord {
		return 0, fmt.Errorf("journal: a record of %d bytes: it must be 1 to %d", len(record), MaxRecord)
	}
	w, err := j.begin(record)
	if err != nil {
		return 0, err
	}
	timer := time.NewTimer(w.wait)
	defer timer.Stop()
	select {
	case err = <-w.done:
		j.waited(w)
	case <-timer.C:
		if !j.waited(w) {
			return w.entry, ErrStalled
		}
		err = <-w.done
	}
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return w.entry, nil
}

// begin gives a record a slot, and has it written.
func (j *Journal) begin(record []byte) (*write, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closing:
		return nil, ErrClosed
	case j.stalled:
		return nil, ErrStalled
	case len(j.free) == 0:
		return nil, ErrFull
	}
	j.seq++
	now := time.Now()
	w := &write{slot: j.free[0], entry: Entry(j.seq), done: make(chan error, 1), began: now, wait: j.patience.left(now)}
	w.bytes = appendSlot(make([]byte, 0, slotHead+len(record)), j.seq, record)
	j.free = j.free[1:]
	j.held[w.entry] = w.slot
	j.push(w)
	return w, nil
}

// waited is told that somebody waits for a write no more, and reports whether it is
// over.
func (j *Journal) waited(w *write) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.patience.spend(w.began, time.Now())
	j.stalled = j.stalled || !w.over
	return w.over
}

func (j *Journal) push(w *write) {
	j.queue = append(j.queue, w)
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// noRecord is the head of a slot that is free. It is zero all over, so that what
// a torn write leaves is not taken for the record that was there before.
var noRecord = make([]byte, slotHead)

// Release frees records that are needed no more. It does not wait.
func (j *Journal) Release(entries ...Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range entries {
		slot, ok := j.held[e]
		if !ok {
			continue
		}
		delete(j.held, e)
		j.push(&write{slot: slot, bytes: noRecord, frees: true})
	}
}

// Len returns how many records are held.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.held)
}

// run carries out writes, in the order in which they were asked for.
func (j *Journal) run() {
	defer close(j.closed)
	defer j.file.Close()
	for {
		j.mu.Lock()
		queue, closing := j.queue, j.closing
		j.queue = nil
		j.mu.Unlock()
		for _, w := range queue {
			at := slotAt(w.slot)
			_, err := j.file.WriteAt(w.bytes, at)
			if err != nil && !w.frees {
				_, _ = j.file.WriteAt(noRecord, at) // it may be there all the same
			}
			j.finish(w, err)
		}
		if len(queue) > 0 {
			continue
		}
		if closing {
			return
		}
		<-j.wake
	}
}

func (j *Journal) finish(w *write, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w.over, j.stalled = true, false
	switch {
	case w.frees:
		// If that failed, the record is there until the slot is used again.
		j.free = append(j.free, w.slot)
	case err != nil:
		if _, ok := j.held[w.entry]; ok { // it was not released meanwhile
			delete(j.held, w.entry)
			j.free = append(j.free, w.slot)
		}
	}
	if w.done != nil {
		w.done <- err
	}
}

// Close ends the journal. What was released by now is gone from the file, unless
// the disk stalls for a second.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closing = true
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
	timer := time.NewTimer(maxClose)
	defer timer.Stop()
	select {
	case <-j.closed:
		return nil
	case <-timer.C:
		return fmt.Errorf("journal: closing %s: %w", j.path, ErrStalled)
	}
}

// OpenError says why there is no journal.
type OpenError struct {
	Path string
	Err  error
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("journal: %s: %v", e.Path, e.Err)
}

func (e *OpenError) Unwrap() error { return e.Err }

// isBusy reports whether another process, or another journal of this one, has the
// file.
func isBusy(err error) bool { return errors.Is(err, filelock.ErrBusy) }

var (
	errForeign = errors.New("it is the journal of another service")
	errNone    = errors.New("it is no journal, and is left as it is")
	// errDamaged is of a file that may be a journal of which nothing can be told.
	errDamaged = errors.New("it cannot be read")
)

var _ file = (*os.File)(nil)
