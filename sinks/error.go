package sinks

import (
	"errors"
	"fmt"
	"time"
)

// Reason says what the engine should do about a failed call.
type Reason uint8

const (
	// Transient: it may work later. The engine backs off and tries again.
	Transient Reason = iota
	// RateLimited: the system asks for a pause. The engine holds every call for
	// the same account ([Accounted]) until [Error.RetryAfter] has passed, or until
	// the reported quota ([ReportQuota]) that is used up starts again. Without
	// either it waits a minute at least, longer each time, and goes on more slowly.
	RateLimited
	// Rejected: the system will never take this ticket. The delivery is parked.
	Rejected
	// Unauthorized: the credential does not work. The delivery waits and the
	// operator is told.
	Unauthorized
	// Unknown: the ticket was sent and no answer came. The engine asks [Finder]
	// before it files again; without one it parks or sends again, as configured.
	Unknown
)

// String returns the reason as it stands in metrics, logs and tickets.
func (r Reason) String() string {
	switch r {
	case Transient:
		return "transient"
	case RateLimited:
		return "rate_limited"
	case Rejected:
		return "rejected"
	case Unauthorized:
		return "unauthorized"
	case Unknown:
		return "unknown"
	default:
		return fmt.Sprintf("reason(%d)", uint8(r))
	}
}

// Error is the one type with which a sink says what went wrong.
type Error struct {
	Reason     Reason
	RetryAfter time.Duration // the pause that the system asked for; 0 when it named none
	Err        error         // the cause; it must not carry a credential
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Reason.String()
	if e.RetryAfter > 0 {
		s += " (retry after " + e.RetryAfter.String() + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason in err's chain and the pause it asks for. An
// error that holds no [*Error] is [Transient].
func ReasonOf(err error) (Reason, time.Duration) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason, e.RetryAfter
	}
	return Transient, 0
}
