package gitleaks

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/zricethezav/gitleaks/v8/config"
)

// allowlist says of some finds that they are no secrets.
type allowlist struct {
	target string // what the expressions are tried on: "match", "line", or "" for the secret
	// and says that both an expression and a stop word must say so, where there are
	// such.
	and bool
	// regexes are the expressions, words the stop words; nil if there are none. They
	// are compiled when first needed.
	regexes func(target string) bool
	words   func(secret string) bool
}

// newAllowlist returns an allowlist; files is how many paths and commits it has.
func newAllowlist(condition, target string, regexes, words []string, files int) (*allowlist, error) {
	a := &allowlist{target: target}
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
	if _, err := syntax.Parse(joined(regexes), syntax.Perl); err != nil {
		return nil, fmt.Errorf("an allowlist: its regexes, which gitleaks joins: %w", err)
	}
	if a.and && files > 0 { // which no text has
		return a, nil
	}
	if len(regexes) > 0 {
		a.regexes = anyOf(regexes)
	}
	if len(words) > 0 {
		list := sync.OnceValue(func() *config.Allowlist {
			l := &config.Allowlist{StopWords: words}
			if err := l.Validate(); err != nil {
				panic(err) // it is not empty
			}
			return l
		})
		a.words = func(secret string) bool {
			has, _ := list().ContainsStopWord(secret)
			return has
		}
	}
	return a, nil
}

// joined returns one expression for all, as gitleaks joins them: a flag that one
// begins with holds for those that follow.
func joined(exprs []string) string { return `(?:` + strings.Join(exprs, `|`) + `)` }

// anyOf returns a function that reports whether any of the expressions matches a
// part of a text.
func anyOf(exprs []string) func(text string) bool {
	all := joined(exprs)
	quick := sync.OnceValue(func() *automaton { return newAutomaton(anywhere(all)) })
	re := lazily(all)
	return func(text string) bool {
		found, _ := quick().run(text, 0, len(text))
		return found == yes || found == unknown && re().MatchString(text)
	}
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
	secret := f.text[f.from:f.to]
	target := secret
	switch a.target {
	case "match":
		target = f.text[f.begin:f.end]
	case "line":
		target = f.line()
	}
	if a.and {
		return (a.regexes != nil || a.words != nil) && (a.words == nil || a.words(secret)) && (a.regexes == nil || a.regexes(target))
	}
	return a.regexes != nil && a.regexes(target) || a.words != nil && a.words(secret)
}
