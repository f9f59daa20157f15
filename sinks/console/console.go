// Package console is a sink for people: it writes tickets to a terminal, or to
// any other [io.Writer], as plain text.
package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spanticket/spanticket/sinks"
)

// Config says where and how a [Sink] writes. The zero value works.
type Config struct {
	// Writer receives each ticket in one Write call, one call at a time. The
	// caller keeps it and closes it.
	//
	// Defaults to [os.Stdout].
	Writer io.Writer

	// Color says whether severities and states are coloured.
	//
	// Defaults to [Auto].
	Color Color
}

// Sink writes tickets for people. It is a [sinks.Updater]: a change is written
// as two lines, not as the whole ticket again.
//
// A key that is filed again is written again. The text of a ticket cannot
// control the terminal: control characters stand as Go escapes.
//
// A Sink may be used concurrently. A call that waits for its turn returns when
// its context ends; a Write that blocks cannot be interrupted and holds up the
// calls behind it. Every failure is [sinks.Transient].
type Sink struct {
	w     io.Writer
	color bool
	turn  chan struct{} // a mutex that a context can leave
}

// New returns a sink that writes as c says.
func New(c Config) *Sink {
	if c.Writer == nil {
		c.Writer = os.Stdout
	}
	return &Sink{w: c.Writer, color: c.Color.on(c.Writer), turn: make(chan struct{}, 1)}
}

// File writes the whole ticket: a line with its severity, state and title, and
// then [sinks.Ticket.Text], and an empty line. The receipt's ID is the key.
func (s *Sink) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	var b strings.Builder
	s.header(&b, t)
	for line := range strings.Lines(t.Text()) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	b.WriteByte('\n')
	if err := s.write(ctx, t.Key, b.String()); err != nil {
		return sinks.Receipt{}, err
	}
	return sinks.Receipt{ID: t.Key}, nil
}

// Update writes the ticket's first line again, and a second line with its
// count, age and key. It returns r.
func (s *Sink) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	var b strings.Builder
	s.header(&b, t)
	fmt.Fprintf(&b, "  %d since %s", t.Count, t.FirstSeen.UTC().Format(time.RFC3339))
	if t.State == sinks.Resolved && !t.ResolvedAt.IsZero() {
		fmt.Fprintf(&b, ", resolved at %s", t.ResolvedAt.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(&b, ", key %s\n\n", printable(t.Key))
	return r, s.write(ctx, t.Key, b.String())
}

// header writes the line that people scan for. What ended or returned is in
// capitals, so that it stands out without colour too.
func (s *Sink) header(b *strings.Builder, t sinks.Ticket) {
	word := string(t.State)
	switch t.Event {
	case sinks.EventUpdated:
		word = "updated"
	case sinks.EventResolved, sinks.EventReopened:
		word = strings.ToUpper(string(t.Event))
	}
	s.paint(b, severityColor(t.Severity), "["+printable(t.Severity)+"]")
	b.WriteByte(' ')
	s.paint(b, eventColor[t.Event], printable(word))
	b.WriteString(": ")
	s.paint(b, bold, printable(t.Title))
	b.WriteByte('\n')
}

func (s *Sink) write(ctx context.Context, key, text string) error {
	failed := func(err error) error {
		return &sinks.Error{Reason: sinks.Transient, Err: fmt.Errorf("console: write ticket %s: %w", printable(key), err)}
	}
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return failed(ctx.Err())
	}
	defer func() { <-s.turn }()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return failed(err)
	}
	return nil
}

// printable keeps s on one line and its control characters out of the terminal.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
