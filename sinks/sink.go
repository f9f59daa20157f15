package sinks

import "context"

// Sink files tickets in one external system. It is the one method that a
// team's own sink must have; [Finder], [Deduper], [Updater], [Keyed], [Limited] and
// [Accounted] are optional and found once, when the engine is made, by [As].
//
// Rules for implementations:
//
//   - File may be called concurrently with itself and with the optional
//     methods, and it may be called again with the same [Ticket.Key] when an
//     earlier outcome is unknown.
//   - It never retries: the engine's outbox does, under its rate limit.
//   - It returns when ctx ends. The engine sets a deadline on every call and
//     abandons a call that outlives it.
//   - It may keep nothing of the ticket: slices and maps belong to the caller.
//   - What went wrong is said with [*Error]; any other error counts as
//     [Transient]. An error must not carry a credential.
//   - A panic is caught by the engine and counts as a transient failure.
//
// A sink's name is given where it is registered, because deliveries outlive
// the process.
type Sink interface {
	// File creates the ticket and says what the system gave back. A sink whose
	// system knows Ticket.Key must return the existing ticket, not a second one.
	File(ctx context.Context, t Ticket) (Receipt, error)
}

// Finder is implemented by sinks that can look a ticket up. The engine asks
// before it files again after an [Unknown] outcome.
type Finder interface {
	// Find returns the receipt of the ticket with this [Ticket.Key]. When there
	// is none it returns false and no error.
	Find(ctx context.Context, key string) (Receipt, bool, error)
}

// Deduper is implemented by sinks that find tickets by a search, where two engines
// may file one at the same time: neither sees the other's yet. The engine asks some
// seconds after it has filed. A system that knows [Ticket.Key] itself has no use for
// it.
type Deduper interface {
	// Dedupe closes the tickets with this [Ticket.Key] as duplicates of the oldest,
	// and returns the receipt of that one. When there is none it returns false and no
	// error.
	Dedupe(ctx context.Context, key string) (Receipt, bool, error)
}

// Updater is implemented by sinks that can change a ticket they have filed.
//
// Without it, later changes are kept but not sent, and a problem that returns
// after its resolution files a new ticket that names the old one.
type Updater interface {
	// Update brings the ticket up to date: counts, evidence, and its state,
	// which [Ticket.Event] says was updated, resolved or reopened. It returns
	// the receipt to use from now on, usually the one it was given.
	Update(ctx context.Context, r Receipt, t Ticket) (Receipt, error)
}

// Keyed is implemented by sinks whose system takes [Ticket.Key] as the identity of a
// ticket for as long as that is open, as PagerDuty does its deduplication key and
// Alertmanager its labels: filing twice is filing once, whoever does it. A sink may
// say so when its system itself holds to all of this:
//
//   - File with the key of a ticket that is open leaves that one ticket, and returns
//     its receipt, also when several engines file at the same time.
//   - File with the key of a ticket that is closed leaves one that is open, the old
//     one or another, and from then on the key stands for that.
//   - Update changes the ticket that the key stands for, whatever receipt it is given.
//     To resolve one that is resolved is no error.
//
// A search before each filing is not enough: two engines may search at the same time.
//
// The engine goes on filing in such a sink while its store is out of reach, if it is
// an Updater too: the keys of a sink without are numbered by the returns of a
// problem, which only the store knows. It never parks a ticket because nobody knows
// whether it was filed.
type Keyed interface {
	// Keyed does nothing: to have it says it all.
	Keyed()
}

// Limited is implemented by sinks whose system bounds the size of a ticket.
// The engine cuts by structure before it calls the sink: oldest evidence
// first, then stack traces, then long values. Whatever the limits, a ticket meets
// them and has a title; from 2,000 characters of text on none has to end early.
type Limited interface {
	Limits() Limits
}

// Limits bounds a ticket. Zero means no bound.
type Limits struct {
	Title int // characters of [Ticket.Title]
	Body  int // characters of [Ticket.Text]
}

// Receipt is what an external system gave back for a ticket.
type Receipt struct {
	// ID is the system's own identifier, for example an issue number. It is
	// never empty: a sink whose system gives none returns [Ticket.Key].
	// It is stored and shown as it is, so it must not let anyone in.
	ID string `json:"id"`
	// URL is where people read the ticket: http or https. It may be empty. The
	// engine takes user information and secret parameters out of it before it is
	// stored, so a sink finds its ticket by ID.
	URL string `json:"url,omitempty"`
}

// As finds a capability of s: it returns the first value of type T among s
// and what its Unwrap methods lead to, so that a wrapper need not repeat the
// optional methods of what it wraps. Compare [net/http.ResponseController].
func As[T any](s Sink) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		u, ok := s.(interface{ Unwrap() Sink })
		if !ok {
			break
		}
		s = u.Unwrap()
	}
	var zero T
	return zero, false
}
