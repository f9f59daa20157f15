package redact

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Kind is a kind of secret that the host knows and this package does not.
type Kind struct {
	// Name is what the mark says: lower-case letters, digits and '-', at most 40.
	Name string
	// Keywords say where to look: where one of them stands, in any case. At least
	// one, of two bytes or more, and ASCII. The rarer they are in ordinary text, the faster.
	Keywords []string
	// Pattern is a regular expression (RE2). It is tried on the text from 256
	// bytes before a keyword to 4 KiB behind it. What its first group matched is
	// replaced, or, if it has none, all.
	Pattern string
	// Find is tried instead of Pattern, if it is set, where a keyword begins at
	// text[at]. It returns what to replace, text[from:to], or zeros. It must not
	// look further than a fixed distance, and may be called concurrently. A panic
	// withholds the text.
	Find func(text string, at int) (from, to int)
}

const (
	maxKindName = 40
	ownBefore   = 256
	ownBehind   = 4 << 10
)

// ownKind is a Kind made ready.
type ownKind struct {
	Kind
	pattern func() *regexp.Regexp // compiled when first needed
}

// ready returns k made ready. The error says what is wrong with it.
func (k Kind) ready() (*ownKind, error) {
	o := &ownKind{Kind: k}
	if k.Name == "" || len(k.Name) > maxKindName || strings.Trim(k.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("redact: the kind %q: a name has lower-case letters, digits and '-', at most %d", k.Name, maxKindName)
	}
	if len(k.Keywords) == 0 {
		return nil, fmt.Errorf("redact: the kind %s has no keyword: give a word that stands wherever it is to be found", k.Name)
	}
	for _, w := range k.Keywords {
		if len(w) < 2 || len(w) > maxBack || strings.ContainsFunc(w, func(c rune) bool { return c >= 0x80 }) {
			return nil, fmt.Errorf("redact: the kind %s: the keyword %q is not ASCII, or has less than 2 or more than %d bytes", k.Name, w, maxBack)
		}
	}
	if k.Find != nil {
		return o, nil
	}
	if k.Pattern == "" {
		return nil, errors.New("redact: the kind " + k.Name + " has neither a Pattern nor a Find")
	}
	o.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(k.Pattern) })
	return o, nil
}

// match finds the kind at its keyword s[at:end].
func (k *ownKind) match(x *scanner, at, end int) (from, to int) {
	if k.Find != nil {
		if from, to = k.Find(x.s, at); from < x.floor || to <= from || to > len(x.s) || to <= at {
			return 0, 0
		}
		return from, to
	}
	begin := max(x.floor, at-ownBefore)
	text := x.s[begin:min(len(x.s), end+ownBehind)]
	for offset := 0; offset < len(text); {
		loc := k.pattern().FindStringSubmatchIndex(text[offset:])
		if loc == nil {
			break
		}
		if len(loc) > 2 && loc[2] >= 0 {
			loc = loc[2:4]
		}
		from, to = begin+offset+loc[0], begin+offset+loc[1]
		if to > at && to > from {
			return from, to
		}
		offset += max(loc[1], 1)
	}
	return 0, 0
}
