package prometheus

import "time"

// Reason says why a question has no answer.
type Reason string

const (
	Unreachable  Reason = "unreachable"  // no connection, no answer in time, 408, 429, 5xx
	Unauthorized Reason = "unauthorized" // 401, 403, 407, or Config.Header failed
	Refused      Reason = "refused"      // the server does not take the query: 400, 422, and other answers but 2xx
	Malformed    Reason = "malformed"    // the answer is not that of Prometheus, or too large
	Incomplete   Reason = "incomplete"   // the answer came with a warning
	NoCount      Reason = "no_count"     // the answer is not one number: another type, several series, NaN, infinite, negative, more than 2^50
	Unasked      Reason = "unasked"      // too many queries at once, too long a name, or a template that fails
	Paused       Reason = "paused"       // so many failed before that the server is left alone for a while
)

// Error says why a question has no answer. Its text has neither credentials nor
// more of the URL than the host; of what the server says it has a short part, redacted.
type Error struct {
	Reason Reason
	Err    error

	pause time.Duration // for which the server asks to be left alone
}

// Error implements error.
func (e *Error) Error() string { return "prometheus: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ofServer reports whether the failure is of the server, and not of one query.
func (e *Error) ofServer() bool {
	return e.Reason == Unreachable || e.Reason == Unauthorized || e.Reason == Malformed
}
