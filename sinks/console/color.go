package console

import (
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"

	"github.com/spanticket/spanticket/sinks"
)

// Color says when a [Sink] uses colour.
type Color uint8

const (
	// Auto uses colour when the writer is a terminal, unless NO_COLOR is set
	// (see https://no-color.org) or TERM is dumb. On Windows it asks for WT_SESSION
	// or TERM too, because the older console shows escape sequences as they are.
	Auto Color = iota
	// Always uses colour, whatever the writer and the environment.
	Always
	// Never uses no colour.
	Never
)

func (c Color) on(w io.Writer) bool {
	switch c {
	case Always:
		return true
	case Never:
		return false
	}
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	if runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" && os.Getenv("TERM") == "" {
		return false
	}
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Select Graphic Rendition parameters, ECMA-48 section 8.3.117.
const (
	bold    = "1"
	red     = "31"
	boldRed = "1;31"
	green   = "1;32"
	yellow  = "33"
	magenta = "1;35"
	cyan    = "36"
)

var eventColor = map[sinks.Event]string{
	sinks.EventResolved: green,
	sinks.EventReopened: magenta,
}

func severityColor(severity string) string {
	switch severity {
	case "critical":
		return boldRed
	case "error":
		return red
	case "warning":
		return yellow
	case "info":
		return cyan
	}
	return bold
}

// paint writes s, in colour where there is colour.
func (s *Sink) paint(b *strings.Builder, sgr, text string) {
	if !s.color || sgr == "" {
		b.WriteString(text)
		return
	}
	b.WriteString("\x1b[" + sgr + "m" + text + "\x1b[0m")
}
