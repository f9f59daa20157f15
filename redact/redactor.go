// Package redact removes secrets and personal data from text and from whole
// documents, before they are stored or leave the process.
//
// It looks for secrets of known shape (tokens of well-known services, private
// keys, JSON Web Tokens, payment cards, account numbers, e-mail addresses) and
// for values whose name gives them away (password=..., Authorization: ...,
// https://user:password@host). What it removes it replaces by
// "[REDACTED:kind]", and by REDACTED within a URL, so that the URL stays one.
//
// Trace and span IDs, UUIDs, revisions, versions, module paths, file names and
// stack traces stay as they are.
package redact

import (
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

const (
	// maxText is the longest text that is returned, in bytes.
	maxText = 1 << 20
	// margin is dropped from the end of a text that was cut: a secret shorter
	// than this that the cut split goes with it.
	margin = 16 << 10
	// maxPasses bounds how often a text is scanned again because the last scan
	// changed it. Two are usual.
	maxPasses = 8

	cutMark    = "[cut]"
	failedMark = markPrefix + "failed]"
)

// Redactor removes secrets and personal data. The zero value is ready to use.
//
// Its methods may be called concurrently, as long as its fields do not change.
// Each is deterministic, takes time linear in its input, and is idempotent:
// redacting what was redacted changes nothing.
type Redactor struct {
	// Keys are further names whose values are secret, such as "tenant.pin".
	// Case and the separators '.', '_', '-', '/' and ' ' do not count, and a
	// name that ends in one of them matches too: "tenant.pin" covers
	// "tenantPin" and "app.tenant_pin". Defaults to none besides the built-in
	// ones.
	Keys []string
	// Kinds are further kinds of secrets. Defaults to none besides the built-in
	// ones.
	Kinds []Kind
	// Personal says what becomes of personal data. Defaults to what its zero
	// value says.
	Personal Personal
	// Secrets returns the host's own secrets, which are redacted by their value:
	// wherever they stand, also in base64, hexadecimal and percent-encoded, and
	// the beginning or the end of 8 bytes or more that a cut has left of one.
	// Values of less than 6 bytes are not looked for. It is called once, before
	// the first use; if it fails, every text is withheld (see [Redactor.Ready]).
	// Defaults to none. [SecretsFrom] reads variables and files.
	Secrets func() ([]string, error)
	// Harmless are the SHA-256 sums, in hexadecimal, of values that look like
	// secrets and are none, such as the keys of a test system. Such a value stays
	// where it is all of a find. Defaults to none.
	Harmless []string
	// TokenKey returns the key of a hash, at least 16 random bytes, of which each
	// mark then has a part, as in "[REDACTED:card:7f3a]": so that people see that two
	// are the same, without seeing what. It is called once. Defaults to none.
	TokenKey func() []byte

	of    *Redactor         // that does the work, if this one reports
	found func(kind string) // see Reporting

	planned  atomic.Pointer[plan]
	once     sync.Once
	given    atomic.Pointer[given]
	givenErr error
}

// plan returns what to look for. It panics if a kind of the host's is not right:
// what is not known cannot be found.
func (r *Redactor) plan() *plan {
	if r.of != nil {
		return r.of.plan()
	}
	if len(r.Kinds) == 0 && len(r.Keys) == 0 {
		return builtin()
	}
	if p := r.planned.Load(); p != nil {
		return p
	}
	own := make([]*ownKind, len(r.Kinds))
	for n, k := range r.Kinds {
		o, err := k.ready()
		if err != nil {
			panic(err)
		}
		own[n] = o
	}
	p := newPlan(own, r.Keys)
	r.planned.Store(p)
	return p
}

// Text returns s with the secrets and e-mail addresses in it replaced. A text
// without any is returned as it is, without an allocation.
//
// Texts beyond 1 MiB are cut, and end in "[cut]". If a detector panics, the
// result is "[REDACTED:failed]" and nothing of s.
func (r *Redactor) Text(s string) (redacted string) {
	defer r.failClosed(&redacted)
	return r.text(s)
}

// Value returns the value of an attribute, header or variable of the given
// name: replaced as a whole when the name stands for a secret or for personal
// data (such as db.password, http.request.header.authorization, user.email or
// client.address), and otherwise as by [Redactor.Text].
func (r *Redactor) Value(key, value string) (redacted string) {
	defer r.failClosed(&redacted)
	return r.value(r.kindOf(key), value)
}

// value redacts what belongs to a name of the given kind; the kind of an
// innocent name is empty.
func (r *Redactor) value(kind, s string) string {
	if s == "" || markLen(s) == len(s) {
		return s
	}
	if kind == "" || kind == kindWeak && !isWeakSecret(s) || r.use().isHarmless(s) {
		return r.text(s)
	}
	switch kind {
	case kindSQL:
		return r.settled(r.text(s), sqlText) // a token that lost the digits in it is known for none
	case kindPath:
		return r.settled(s, pathText)
	}
	switch r.Personal.policy(kind) {
	case Keep:
		return r.text(s)
	case Mask:
		r.tell(markKindOf(kind))
		return r.redacted(maskPart(kind, s))
	}
	r.tell(markKindOf(kind))
	return r.replacement(kind, s)
}

// redacted is Text that panics, and tells nobody.
func (r *Redactor) redacted(s string) string {
	split := len(s) > maxText
	if split {
		s = s[:maxText]
	}
	s = r.settle(s)
	if split || len(s) > maxText {
		s = r.settle(truncate(s, min(len(s), maxText)-margin) + cutMark)
	}
	return s
}

// settled returns s without what first takes away, and what is to be redacted
// then, until there is neither.
func (r *Redactor) settled(s string, first func(string) string) string {
	for range maxPasses {
		s = r.text(first(s))
		if first(s) == s {
			return s
		}
	}
	return failedMark
}

// settle scans s until there is nothing left to replace: what stands beside a
// replaced secret may read differently without it. It gives up, and with it
// the text, on input made to go on for long.
func (r *Redactor) settle(s string) string { return r.settleTrail(s, nil) }

func (r *Redactor) settleTrail(s string, t *trail) string {
	has := traitsOf(s)
	// What was broken is put together first: a part may look like all of it.
	if has.soft {
		s = r.unescaped(s, t)
	}
	if has.breaks {
		s, has.breaks = r.wrapped(s, true, t)
	}
	for range maxPasses {
		next := r.scan(r.own(s, t), t)
		if next == s {
			next = r.truncated(r.looked(s, has, t), t)
			if next == s && has.escapes {
				next = r.unescaped(s, t)
			}
			if next == s {
				return s
			}
		}
		s = next
	}
	return failedMark
}

// looked returns s, which has the given traits, without what is a secret when it
// is decoded or put together.
func (r *Redactor) looked(s string, has traits, t *trail) string {
	if has.blanks {
		s = r.forms(s, t)
	}
	s = r.octets(r.encoded(s, 1, t), 1, t)
	if has.breaks {
		s, _ = r.wrapped(s, false, t)
	}
	return s
}

// truncate returns at most the first n bytes of s, and no part of a rune or of
// a mark.
func truncate(s string, n int) string {
	if n <= 0 {
		return ""
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	for i := max(0, n-maxMark); i < n; i++ {
		if i+markLen(s[i:]) > n {
			return s[:i]
		}
	}
	return s[:n]
}

func (r *Redactor) failClosed(s *string) {
	if recover() != nil {
		*s = failedMark
		r.tell("failed")
	}
}

const (
	markPrefix = "[REDACTED:"
	// oldMarkPrefix begins the marks of earlier versions, which stand in what is
	// stored.
	oldMarkPrefix = "[redacted: "
	maxMark       = 64 // bytes; far beyond the longest kind
)

var markPrefixes = []string{markPrefix, oldMarkPrefix}

// mark returns what replaces a secret of the given kind: lower-case letters,
// digits and '-'.
func mark(kind string) string { return markPrefix + kind + "]" }

// markLen returns the length of the mark that s begins with, or 0.
func markLen(s string) int {
	if s == "" || s[0] != markPrefix[0] {
		return 0 // inlined: many bytes are asked
	}
	return wholeMarkLen(s)
}

func wholeMarkLen(s string) int {
	i := len(markPrefix)
	if !strings.HasPrefix(s, markPrefix) {
		if i = len(oldMarkPrefix); !strings.HasPrefix(s, oldMarkPrefix) {
			return 0
		}
	}
	for start := i; i < min(len(s), maxMark); i++ {
		switch c := s[i]; {
		case c == ']' && i > start:
			return i + 1
		case c != ' ' && c != '-' && c != ':' && !isLower(c) && !isDigit(c):
			return 0
		}
	}
	return 0
}
