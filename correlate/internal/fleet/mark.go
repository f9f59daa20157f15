package fleet

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
)

const (
	markSize = 16
	// maxMarks is of how many writers a record keeps the last mark: more than
	// the replicas of a service, so that a writer that was cut off for a while
	// still finds its own.
	maxMarks = 64
)

// Mark names one update of one writer. A store writes it with the record, in
// the same step. When the answer to a commit is lost the writer looks for its
// mark: an update that is repeated although it took effect would count twice.
type Mark [markSize]byte

// Writer makes marks. It may be used concurrently; the updates of one record
// must not overlap, see [Turns].
type Writer struct {
	id [8]byte
	n  atomic.Uint64
}

// NewWriter returns a writer unlike any other, in this process or elsewhere.
func NewWriter() *Writer {
	w := new(Writer)
	_, _ = rand.Read(w.id[:]) // never fails
	return w
}

// Next returns the mark of the next update.
func (w *Writer) Next() Mark {
	var m Mark
	copy(m[:8], w.id[:])
	binary.BigEndian.PutUint64(m[8:], w.n.Add(1))
	return m
}

// In reports whether the update took effect, by the marks of its record.
func (m Mark) In(marks []byte) bool {
	for ; len(marks) >= markSize; marks = marks[markSize:] {
		if bytes.Equal(marks[:markSize], m[:]) {
			return true
		}
	}
	return false
}

// Add returns the marks of a record after the update: of each writer the last,
// the newest at the end, at most 64 of them. They are different after each
// update, and so serve as the record's revision, too. marks is not changed.
func (m Mark) Add(marks []byte) []byte {
	out := make([]byte, 0, len(marks)+markSize)
	for ; len(marks) >= markSize; marks = marks[markSize:] {
		if !bytes.Equal(marks[:8], m[:8]) {
			out = append(out, marks[:markSize]...)
		}
	}
	out = append(out, m[:]...)
	return out[max(0, len(out)-maxMarks*markSize):]
}
