// Package jsonl is a sink that appends tickets to a file, one JSON object a
// line (https://jsonlines.org), for log shippers, scripts and tests.
//
// A line is an object with two members:
//
//	time    when the line was written, RFC 3339 in UTC
//	ticket  the [sinks.Ticket], whose "event" says what happened
//
// Every change of a ticket is a further line. Readers skip a line that is not
// valid JSON: a crash can leave one that was cut short.
package jsonl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spanticket/spanticket/sinks"
)

// Config says which file a [Sink] writes, and how much of it is kept.
type Config struct {
	// Path is the file to append to. Its directory must exist; the file is made
	// with mode 0600. It belongs to one process and one Sink: point a log
	// shipper at it, but let nothing else write or rotate it. Required.
	Path string

	// MaxBytes is the size in bytes past which a line starts a new file. A file
	// grows beyond it by a single line that is larger.
	//
	// Defaults to 64 MiB.
	MaxBytes int64

	// MaxFiles is how many full files are kept beside Path, as Path.1 (the
	// newest), Path.2 and so on. The oldest is deleted for a new one.
	//
	// Defaults to 5.
	MaxFiles int
}

// Sink appends tickets to a file. It is a [sinks.Updater] and a [sinks.Finder],
// so that a crash between a line and its receipt does not write the ticket
// twice; File itself does not look for the key.
//
// Each line is on the disk (fsync) before the call returns, which costs
// milliseconds on most disks: the price of a sink that can be trusted, and the
// bound on how many tickets a second it takes. A write cannot be interrupted: ctx
// ends only the wait for one's turn.
//
// A Sink may be used concurrently. It fails as [sinks.Transient] when the disk
// is full or broken, as [sinks.Unknown] when a line may or may not have reached
// the disk, and as [sinks.Rejected] when a ticket cannot be JSON.
type Sink struct {
	path     string
	maxBytes int64
	maxFiles int

	turn   chan struct{} // a mutex that a context can leave; it guards what follows
	file   file          // nil after a failed rotation, until the next call
	closed bool
}

// file is what the sink needs of an *os.File.
type file interface {
	Write([]byte) (int, error)
	ReadAt([]byte, int64) (int, error)
	Stat() (os.FileInfo, error)
	Sync() error
	Truncate(int64) error
	Close() error
}

// line is one line of the file.
type line struct {
	Time   time.Time    `json:"time"`
	Ticket sinks.Ticket `json:"ticket"`
}

// New opens the file that c names, or makes it. It returns every problem of c
// at once.
func New(c Config) (*Sink, error) {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("jsonl: Config.Path is empty: name the file to append to"))
	}
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("jsonl: Config.MaxBytes is %d: give a size in bytes, or 0 for 64 MiB", c.MaxBytes))
	}
	if c.MaxFiles < 0 {
		errs = append(errs, fmt.Errorf("jsonl: Config.MaxFiles is %d: give a number of files, or 0 for 5", c.MaxFiles))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = 5
	}
	if c.Path == "" {
		return nil, errors.Join(errs...)
	}
	path, err := filepath.Abs(c.Path) // the working directory may change
	if err != nil {
		errs = append(errs, fmt.Errorf("jsonl: Config.Path: %w", err))
		return nil, errors.Join(errs...)
	}
	s := &Sink{path: path, maxBytes: c.MaxBytes, maxFiles: c.MaxFiles, turn: make(chan struct{}, 1)}
	if err := s.open(); err != nil {
		errs = append(errs, fmt.Errorf("jsonl: Config.Path: %w", err))
	}
	if len(errs) > 0 {
		if s.file != nil {
			errs = append(errs, s.file.Close())
		}
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// File appends the ticket. The receipt's ID is the key.
func (s *Sink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if err := s.write(ctx, t); err != nil {
		return sinks.Receipt{}, err
	}
	return sinks.Receipt{ID: t.Key}, nil
}

// Update appends the ticket as it is now, and returns r.
func (s *Sink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return r, s.write(ctx, t)
}

// Close closes the file once a write under way has ended. Later calls of the
// other methods fail. A second Close does nothing.
func (s *Sink) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.closed = true
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

func (s *Sink) write(ctx context.Context, t sinks.Ticket) error {
	data, err := json.Marshal(line{Time: time.Now().UTC(), Ticket: t})
	if err != nil {
		return failed(sinks.Rejected, "write ticket "+t.Key, err)
	}
	if err := s.enter(ctx); err != nil {
		return failed(sinks.Transient, "write ticket "+t.Key, err)
	}
	defer s.leave()
	if reason, err := s.append(append(data, '\n')); err != nil {
		return failed(reason, "write ticket "+t.Key+" to "+s.path, err)
	}
	return nil
}

// enter takes the turn, or fails when ctx ends first or the sink is closed.
func (s *Sink) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.closed {
		s.leave()
		return errors.New("the sink is closed")
	}
	return nil
}

func (s *Sink) leave() { <-s.turn }

func failed(r sinks.Reason, what string, err error) error {
	return &sinks.Error{Reason: r, Err: fmt.Errorf("jsonl: %s: %w", what, err)}
}
