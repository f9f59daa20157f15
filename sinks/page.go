package sinks

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// page collects the text. Everything that comes from a ticket goes through
// clean on its way in.
type page struct{ strings.Builder }

func (p *page) heading(s string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(s)
	p.WriteByte('\n')
}

// labelWidth is where the values of the summary start.
const labelWidth = len("Last seen: ")

func (p *page) label(s string) {
	p.WriteString(s)
	p.WriteByte(':')
	p.WriteString(strings.Repeat(" ", labelWidth-len(s)-1))
}

// field writes a labelled value on one line, so that a search for it finds it.
func (p *page) field(label, value string) {
	if value == "" {
		return
	}
	p.label(label)
	p.WriteString(clean(value, ""))
	p.WriteByte('\n')
}

// item writes a value depth columns in, and its further lines below it.
func (p *page) item(depth int, value string) { p.block(depth, depth+4, value) }

// block writes the first line of a value depth columns in, and the others hang
// columns in.
func (p *page) block(depth, hang int, value string) {
	p.WriteString(strings.Repeat(" ", depth))
	p.WriteString(clean(strings.TrimRightFunc(value, unicode.IsSpace), "\n"+strings.Repeat(" ", hang)))
	p.WriteByte('\n')
}

// clean returns s with newline in place of each line end, and with an escape
// in place of each character that could act on the reader's screen. An empty
// newline keeps s on one line.
func clean(s, newline string) string {
	if !strings.ContainsFunc(s, acts) {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	if newline != "" {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\n' && newline != "" && strings.HasPrefix(s[i+1:], "\n"):
			b.WriteByte('\n') // no blanks at the end of a line
		case r == '\n' && newline != "":
			b.WriteString(newline)
		case acts(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// acts reports whether r moves the cursor, ends a line or reorders it.
func acts(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Bidi_Control, r)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// often says n, and how many that is a minute, an hour or a day.
func often(n int64, during time.Duration) string {
	s := strconv.FormatInt(n, 10)
	if n < 2 || during < time.Minute {
		return s
	}
	rate, per := float64(n)/during.Minutes(), "a minute"
	if rate < 1 {
		rate, per = rate*60, "an hour"
	}
	if rate < 1 {
		rate, per = rate*24, "a day"
	}
	digits := 0
	if rate < 10 {
		digits = 1
	}
	return s + ", about " + strings.TrimSuffix(strconv.FormatFloat(rate, 'f', digits, 64), ".0") + " " + per
}

// human rounds d to what a reader can use: 12µs, 340ms, 1.2s, 15m29s, 3h12m, 5d4h.
func human(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		d = d.Round(time.Second)
	case d < day:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Hour)
		return strconv.FormatInt(int64(d/day), 10) + "d" + strconv.FormatInt(int64(d%day/time.Hour), 10) + "h"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// join joins the parts that are not empty.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// prefixed returns prefix and s, or nothing for an empty s.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
