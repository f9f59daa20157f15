package sinks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// Quota is what a system said of how many calls it still takes. Its zero value
// says nothing.
type Quota struct {
	Of        string        // what the system calls it, where it has several; may be empty
	Limit     int           // calls in a window; 0 means that it was not said
	Remaining int           // of them left until Reset
	Reset     time.Duration // in how long there are more, counted from the answer; 0 or less: the rest says nothing
}

type quotaKey struct{}

// ReportQuota tells the engine what the answer to a call said of its quota, on
// success as on failure; [QuotaOf] reads it from the answer's headers. ctx is that
// of the call. Report only a quota that each call of the sink uses: the engine counts
// on between two answers. Without an engine it does nothing.
func ReportQuota(ctx context.Context, q Quota) {
	if tell, ok := ctx.Value(quotaKey{}).(func(Quota)); ok && q.Reset > 0 {
		tell(q)
	}
}

// OnQuota returns a context for a call that gives what the sink reports to tell,
// from any goroutine. It is for engines, and for tests of sinks.
func OnQuota(ctx context.Context, tell func(Quota)) context.Context {
	return context.WithValue(ctx, quotaKey{}, tell)
}

// Accounted is implemented by sinks whose calls count against a limit that others
// share: other sinks with the same credential, other engines of the fleet. Sinks whose
// accounts have the same ID get one limit between them and, on a store that
// processes share, so does the fleet. Without it each sink of each process is an
// account of its own.
type Accounted interface {
	// Account returns the same value whenever it is called.
	Account() Account
}

// Account says whose limits the calls of a sink count against.
type Account struct {
	// ID names the credential or, where the limits are its own, the endpoint. It is
	// stored and shown, so it is never the secret itself: see [AccountID]. At most 128
	// bytes, of printable ASCII without a space.
	ID string
	// Rates are limits that the system documents and its answers do not tell. The
	// engine stays below them. May be empty.
	Rates []Rate
}

// Rate is a number of calls that is not exceeded in any span of time so long.
type Rate struct {
	Calls int
	Per   time.Duration
}

// AccountID makes an [Account.ID] of the system's name or URL, of which it takes the
// host, and of what tells the credential from others: its name or, if it has none,
// itself, of which 48 bits of a hash are taken. A password that can be guessed can
// be told from them; give the user's name in its place.
func AccountID(system, credential string) string {
	if u, err := url.Parse(system); err == nil && u.Host != "" {
		system = u.Host
	}
	system = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, system)
	sum := sha256.Sum256([]byte("spanticket account\x00" + system + "\x00" + credential))
	return system[:min(len(system), 100)] + "-" + hex.EncodeToString(sum[:6])
}
