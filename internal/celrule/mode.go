package celrule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Mode says what a rule does about the problems that it finds.
type Mode struct {
	Kind    ModeKind
	Percent float64       // of signatures that are filed, above 0 and below 100; of Canary
	Expires time.Duration // of Draft
}

// ModeKind is what a mode is called.
type ModeKind string

const (
	Live   ModeKind = "live"   // files tickets
	Shadow ModeKind = "shadow" // decides and records, files nothing
	Canary ModeKind = "canary" // is live for some signatures, and shadow for the others
	Draft  ModeKind = "draft"  // files what somebody approves
	Off    ModeKind = "off"    // is checked, and then left out of the set
)

// ModeKinds returns all kinds.
func ModeKinds() []string {
	return []string{string(Live), string(Draft), string(Shadow), string(Canary), string(Off)}
}

const defaultExpiry = 7 * 24 * time.Hour

// ParseMode reads a mode: its kind, and after a colon the percentage of a
// canary ("canary: 10%") or the time after which a draft that nobody approved
// is dropped ("draft: 3d", which defaults to 7 days).
func ParseMode(s string) (Mode, error) {
	kind, value, ok := strings.Cut(s, ":")
	m := Mode{Kind: ModeKind(strings.TrimSpace(kind))}
	value = strings.TrimSpace(value)
	switch m.Kind {
	case Canary:
		percent, isPercent := strings.CutSuffix(value, "%")
		n, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if !isPercent || err != nil || !(n > 0 && n < 100) {
			return m, fmt.Errorf("a canary needs a percentage above 0 and below 100, as in canary: 10%%")
		}
		m.Percent = n
	case Draft:
		m.Expires = defaultExpiry
		if !ok {
			return m, nil
		}
		d, err := ParseDuration(value)
		if err != nil || d <= 0 {
			return m, fmt.Errorf("it must say after which time a draft is dropped, as in draft: 3d")
		}
		m.Expires = d
	case Live, Shadow, Off:
		if ok {
			return m, fmt.Errorf("the mode %s takes no value", m.Kind)
		}
	default:
		return m, fmt.Errorf("there is no mode %q", kind)
	}
	return m, nil
}

// ParseDuration is [time.ParseDuration] with days: 7d, 1d12h.
func ParseDuration(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || rest == "" {
		return time.Duration(n) * 24 * time.Hour, err
	}
	t, err := time.ParseDuration(rest)
	return time.Duration(n)*24*time.Hour + t, err
}
