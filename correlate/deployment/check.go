package deployment

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spanticket/spanticket/redact"
)

// Bounds of what is taken, in bytes. What identifies is refused beyond them, what
// describes is cut, and a command or URL is left out: half of one does something else.
const (
	maxIdentity = 256
	maxText     = 512
	maxCommand  = 1 << 10
	maxURL      = 2 << 10
	maxLinks    = 8
)

const (
	// maxAhead is how far the clock of whoever tells may be ahead.
	maxAhead = 5 * time.Minute
	// defaultKeep is how long a deployment is kept, and how old it may be when it is told.
	defaultKeep = 30 * 24 * time.Hour
)

// InvalidError says why a deployment was not taken: it would not be with the next
// attempt either.
type InvalidError struct {
	Field string // such as "version"
	Why   string // what is wrong, and what to do; holds nothing of the value
}

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("deployment: %s: %s", e.Field, e.Why)
}

// ErrTooMany is returned for a deployment beyond those that are taken in a
// minute: it may be told again later.
var ErrTooMany = errors.New("deployment: too many were told within a minute")

// ErrNoHistory says that the store forgets with the process, so that no version
// can be known to be new.
var ErrNoHistory = errors.New("deployment: the store is in memory, so that it is not known what ran before: use a durable or a shared one")

// check returns the deployment as it may be stored: complete, bounded, clean and
// redacted. The error is an [*InvalidError].
func check(d Deployment, r *redact.Redactor, keep time.Duration, now time.Time) (Deployment, error) {
	if d.Time.IsZero() {
		d.Time = now // when it was told is the best that is known
	}
	switch age := now.Sub(d.Time); {
	case age < -maxAhead:
		return d, &InvalidError{Field: "time", Why: fmt.Sprintf("is %s in the future: set the clock of who tells it", (-age).Round(time.Second))}
	case age > keep:
		return d, &InvalidError{Field: "time", Why: fmt.Sprintf("is %d days ago, and %d are kept", int(age.Hours()/24), int(keep.Hours()/24))}
	}
	d.Time, d.Done, d.Undone = stored(d.Time), stored(d.Done), stored(d.Undone)
	if !d.Done.IsZero() && (d.Done.Before(d.Time) || d.Done.Sub(now) > maxAhead) {
		return d, &InvalidError{Field: "done", Why: "is before the beginning, or in the future"}
	}
	d.Status = cmp.Or(d.Status, Succeeded)
	if _, ok := ParseStatus(string(d.Status)); !ok {
		return d, &InvalidError{Field: "status", Why: "is not known: use started, succeeded, failed, rolled_back or removed"}
	}
	if d.Scope.Service == "" {
		return d, &InvalidError{Field: "service", Why: "is missing: name the service as its service.name does"}
	}
	if d.Version == "" && d.Revision == "" && d.ID == "" && d.Name == "" && d.Status != Removed {
		return d, &InvalidError{Field: "version", Why: "is missing, and so are revision, id and name: give one of them"}
	}
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"service", &d.Scope.Service}, {"namespace", &d.Scope.Namespace}, {"environment", &d.Scope.Environment},
		{"version", &d.Version}, {"revision", &d.Revision}, {"id", &d.ID}, {"region", &d.Region}, {"source", &d.Source},
	} {
		if len(*f.value) > maxIdentity {
			return d, &InvalidError{Field: f.name, Why: fmt.Sprintf("has %d bytes, and at most %d are taken", len(*f.value), maxIdentity)}
		}
		*f.value = clean(r, *f.value, maxIdentity)
	}
	if d.Scope.Service == "" {
		return d, &InvalidError{Field: "service", Why: "has no character that can be shown"}
	}
	d.Name, d.By = clean(r, d.Name, maxText), clean(r, d.By, maxText)
	d.Changelog = cleanURL(r, d.Changelog)
	d.Rollback = command(r, d.Rollback)
	d.Previous = "" // histories find out by themselves
	var links []Link
	for _, l := range d.Links {
		if u := cleanURL(r, l.URL); u != "" && len(links) < maxLinks {
			links = append(links, Link{Name: cmp.Or(clean(r, l.Name, maxText), "link"), URL: u})
		}
	}
	d.Links = links
	return d, nil
}

// stored returns a time as it comes back from a store.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0).Truncate(time.Millisecond)
}

// clean returns a text redacted, in one line, without what cannot be seen, and
// cut.
func clean(r *redact.Redactor, s string, limit int) string {
	if s == "" {
		return ""
	}
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\r' || c == '\t':
			return ' '
		case hidden(c):
			return -1
		}
		return c
	}, r.Text(strings.ToValidUTF8(s, "\uFFFD"))) // some secrets are known by their lines
	s = strings.TrimSpace(r.Text(s)) // and others hide behind what does not show; before it is cut: half a secret is known for none
	for len(s) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// hidden reports whether a character changes how others look, or does not show.
func hidden(c rune) bool { return unicode.Is(unicode.C, c) || c == '\u2028' || c == '\u2029' }

// command returns a command redacted, or nothing if it is too long or holds what does
// not show: people copy what they see.
func command(r *redact.Redactor, s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxCommand || !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return hidden(c) && c != '\n' && c != '\t' }) {
		return ""
	}
	return r.Text(s)
}

// cleanURL returns an http(s) URL without user information, redacted, or nothing.
func cleanURL(r *redact.Redactor, s string) string {
	if len(s) > maxURL || strings.ContainsFunc(s, func(c rune) bool { return hidden(c) || c == ' ' || c == '<' || c == '>' || c == '"' }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	u.User = nil
	return r.Text(u.String())
}
