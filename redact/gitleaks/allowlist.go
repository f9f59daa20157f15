package gitleaks

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/zricethezav/gitleaks/v8/config"
)

// allowlist says of some finds that they are no secrets.
type allowlist struct {
	target  string // what the expressions are tried on: "match", "line", or "" for the secret
	regexes []string
	// and says that both an expression and a stop word must say so, where there are
	// such.
	and   bool
	list  func() *config.Allowlist // compiled when first needed
	words bool
}

// newAllowlist returns an allowlist, or nil if it cannot allow a text: files is
// how many paths and commits it has.
func newAllowlist(condition, target string, regexes, words []string, files int) (*allowlist, error) {
	a := &allowlist{target: target, regexes: regexes, words: len(words) > 0}
	switch strings.ToUpper(condition) {
	case "AND", "&&":
		a.and = true
	case "", "OR", "||":
	default:
		return nil, fmt.Errorf("an allowlist: the condition %q is neither \"AND\" nor \"OR\"", condition)
	}
	switch target {
	case "secret":
		a.target = ""
	case "", "match", "line":
	default:
		return nil, fmt.Errorf("an allowlist: the regexTarget %q is none of \"secret\", \"match\" and \"line\"", target)
	}
	if len(regexes) == 0 && len(words) == 0 && files == 0 {
		return nil, errors.New("an allowlist is empty: give it regexes, stopwords, paths or commits")
	}
	for _, expr := range regexes {
		if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
			return nil, fmt.Errorf("an allowlist: a regex: %w", err)
		}
	}
	if a.and && files > 0 { // which no text has
		a.regexes, a.words = nil, false
		return a, nil
	}
	a.list = sync.OnceValue(func() *config.Allowlist {
		l := &config.Allowlist{StopWords: words}
		for _, expr := range regexes {
			l.Regexes = append(l.Regexes, regexp.MustCompile(expr))
		}
		if l.Validate() != nil { // there is nothing in it
			return nil
		}
		return l
	})
	return a, nil
}

// find is what the expression of a rule matched.
type find struct {
	text       string
	begin, end int // of the match
	from, to   int // of the secret
}

// line returns the lines that the match stands on.
func (f *find) line() string {
	from := strings.LastIndexByte(f.text[:f.begin], '\n') + 1
	to := f.end
	if n := strings.IndexByte(f.text[to:], '\n'); n >= 0 {
		return f.text[from : to+n]
	}
	return f.text[from:]
}

// allows reports whether a says that f is no secret.
func (a *allowlist) allows(f *find) bool {
	if len(a.regexes) == 0 && !a.words {
		return false
	}
	secret := f.text[f.from:f.to]
	target := secret
	switch a.target {
	case "match":
		target = f.text[f.begin:f.end]
	case "line":
		target = f.line()
	}
	l := a.list()
	word, _ := l.ContainsStopWord(secret)
	if a.and {
		return (word || !a.words) && (len(a.regexes) == 0 || l.RegexAllowed(target))
	}
	return word || l.RegexAllowed(target)
}
