package fleet

import (
	"bytes"
	"context"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Remember is for how long the marks of a deleted record are kept, so that a writer
// whose answer was lost finds its own.
const Remember = 10 * time.Minute

// Stored is what is stored under a key.
type Stored struct {
	Record correlate.Record
	Found  bool   // the record is there, and has not expired
	Marks  []byte // of the record, also of one that is gone
	Leased bool   // for a settlement: its lease is in force
}

// same reports whether writing next would change nothing.
func (s Stored) same(next correlate.Record) bool {
	if !s.Found || next.Data == nil {
		return !s.Found && next.Data == nil
	}
	return s.Record.Version == next.Version && s.Record.Expires.Equal(next.Expires) && bytes.Equal(s.Record.Data, next.Data)
}

// Settlement is the end of a claim, in the step of a write.
type Settlement struct {
	Delivery correlate.Delivery
	Outcome  correlate.Outcome
}

// Write is what is to be written in one step, if the marks of the record are still
// those that were read.
type Write struct {
	Key   correlate.Key
	Was   Stored
	Next  correlate.Record // without data it is deleted
	Add   []correlate.Delivery
	End   *Settlement // nil if it is none
	Marks []byte      // of the record from then on
}

// Server is what the updates of a shared store need of it.
type Server struct {
	// Read returns what is stored and, for a settlement, whether its lease is in force.
	Read func(context.Context, correlate.Key, *Settlement) (Stored, error)
	// Write reports whether it has written. If not, another one was faster, and nothing has
	// changed.
	Write func(context.Context, Write) (bool, error)
	// Refused reports whether an error of Write says that nothing has changed. What
	// became of others is looked for.
	Refused func(error) bool
	// Patience is for how long.
	Patience time.Duration
	// Lull is told of what this process queues and settles.
	Lull *Lull
}

// Updates makes the updates and settlements of a shared store: it reads, and compares
// and sets until nobody was in between. It may be used concurrently.
type Updates struct {
	server Server
	writer *Writer
	turns  Turns
}

// NewUpdates returns what makes the updates of a store in one process.
func NewUpdates(s Server) *Updates { return &Updates{server: s, writer: NewWriter()} }

// Update is [correlate.Store.Update].
func (u *Updates) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	return u.update(ctx, key, fn, nil)
}

// Settle is [correlate.Store.Settle].
func (u *Updates) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if fn == nil {
		fn = func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
			return cur, nil, nil
		}
	}
	return u.update(ctx, d.Key, fn, &Settlement{d, o})
}

func (u *Updates) update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc, end *Settlement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := u.turns.Take(ctx, key)
	if err != nil {
		return err
	}
	defer done()

	mark := u.writer.Next()
	var doubt Doubt
	for attempt := 0; ; attempt++ {
		was, err := u.server.Read(ctx, key, end)
		switch {
		case err == nil:
		case !doubt.Any():
			return err
		default:
			if err := doubt.Pause(ctx, attempt); err != nil {
				return err
			}
			continue
		}
		if mark.In(was.Marks) {
			u.server.Lull.Wake(key.Scope)
			return nil
		}
		if end != nil && !was.Leased {
			return correlate.ErrLeaseLost
		}
		next, add, err := fn(was.Record, was.Found)
		if err != nil {
			return err
		}
		if end == nil && len(add) == 0 && was.same(next) {
			return nil
		}
		written, err := u.server.Write(ctx, Write{Key: key, Was: was, Next: next, Add: add, End: end, Marks: mark.Add(was.Marks)})
		pause := 0
		switch {
		case written:
			if len(add) > 0 || end != nil {
				u.server.Lull.Wake(key.Scope)
			}
			return nil
		case err == nil: // somebody else was faster
		case !doubt.Any() && u.server.Refused(err):
			return err
		default:
			doubt.Rise(err, u.server.Patience)
			pause = attempt
		}
		if err := doubt.Pause(ctx, pause); err != nil {
			return err
		}
	}
}
