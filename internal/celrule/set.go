package celrule

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// maxErrorText is how much is kept of what a failed evaluation says, in bytes.
const maxErrorText = 300

// Set is a compiled, immutable list of rules. It is safe for concurrent use.
type Set struct {
	rules     []*rule
	general   indexes // of spans whose resource is not prepared
	resources resources

	// switchedOff counts the rules that were switched off, of this set and of
	// those that share rules with it.
	switchedOff *atomic.Int64
}

// newSet returns a set of compiled rules, ready for spans of any resource.
func newSet(rules []*rule) *Set {
	s := &Set{rules: rules, switchedOff: new(atomic.Int64)}
	s.general.build(rules, nil)
	return s
}

// rule is a compiled rule, and what it did so far.
type rule struct {
	Rule
	when, unless                   *expression // unless may be nil
	signature                      *expression // nil if it is made of components
	severity, title, team, runbook text
	labels, sinks                  []text
	mode                           Mode
	inlined                        int // nodes that came from definitions

	matches, errors, overruns atomic.Int64
	lastError                 atomic.Pointer[string]
	switchedOff               *atomic.Int64 // of its sets
}

// maxOverruns is how many evaluations of a rule may exceed their limits before
// it is switched off. They have cost the host less than a tenth of a second.
const maxOverruns = 8

func (r *rule) off() bool { return r.overruns.Load() >= maxOverruns }

// Verdict says how a span left a Set.
type Verdict int

const (
	NoRule   Verdict = iota // no rule's condition can hold
	Passed                  // one might have held, but CEL says that it does not, or failed
	Excluded                // the condition of a rule holds, but so does its unless; and no other rule matches
	Matched
)

// Match is what a Set makes of a span.
type Match struct {
	Verdict Verdict
	Rule    int // the first rule that the verdict is about; -1 if there is none
	// More are the further rules that matched, where Rule and those before each
	// of them go on.
	More []int
}

// maxMore bounds the further rules that take a span.
const maxMore = 8

// Stats counts what a rule did.
type Stats struct {
	Matches   int64
	Errors    int64  // evaluations that failed
	LastError string // of the newest that did; may be empty
	Overruns  int64  // evaluations that exceeded a limit
	Off       bool   // the rule was switched off
}

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.rules) }

// Rule returns a rule as it was written, with the defaults of its threshold,
// quiet period and mode.
func (s *Set) Rule(i int) Rule { return s.rules[i].Rule }

// Minds reports whether a rule counts operations too that their caller gave up.
func (s *Set) Minds(i int) bool {
	return s.rules[i].Canceled || s.Slow(i)
}

// Slow reports whether a rule asks for how long a span took.
func (s *Set) Slow(i int) bool { return s.rules[i].when != nil && s.rules[i].when.duration }

// Mode returns the mode of a rule.
func (s *Set) Mode(i int) Mode { return s.rules[i].mode }

// Stats returns what a rule did so far.
func (s *Set) Stats(i int) Stats {
	r := s.rules[i]
	stats := Stats{Matches: r.matches.Load(), Errors: r.errors.Load(), Overruns: r.overruns.Load(), Off: r.off()}
	if last := r.lastError.Load(); last != nil {
		stats.LastError = *last
	}
	return stats
}

// Match returns the first rule that the span matches and, if that goes on, the
// further ones. It never panics and takes no lock. A rule that fails is one that
// does not match.
func (s *Set) Match(sp sdktrace.ReadOnlySpan) Match { return s.MatchStatus(sp, sp.Status().Code) }

// MatchStatus is Match for a caller that has read the span's status already:
// each look at a span of the SDK costs.
func (s *Set) MatchStatus(sp sdktrace.ReadOnlySpan, code codes.Code) Match {
	m := Match{Rule: -1}
	x := s.indexOf(sp, code)
	p := newProbe(sp)
	var room [64]int32
	last := int32(-1)
	for _, c := range x.candidates(&p, room[:0]) {
		if c == last {
			continue
		}
		last = c
		f := &x.rules[c]
		when := f.when.eval(&p)
		if when == no {
			continue
		}
		r := s.rules[f.rule]
		if r.off() {
			continue
		}
		v := r.decide(sp, when, f.unless.eval(&p))
		if v == NoRule {
			v = Passed
		}
		if m.add(f.rule, v, r.Continue) {
			break
		}
	}
	if m.Verdict == Matched {
		s.rules[m.Rule].matches.Add(1)
		for _, i := range m.More {
			s.rules[i].matches.Add(1)
		}
	}
	return m
}

// MatchPlain is Match without the index and without the conditions: it asks CEL
// about every rule, in order, and counts no matches. It is what Match is tested
// and measured against. It does not tell Passed from NoRule.
func (s *Set) MatchPlain(sp sdktrace.ReadOnlySpan) Match {
	m := Match{Rule: -1}
	for i, r := range s.rules {
		unless := unknown
		if r.unless == nil {
			unless = no
		}
		if m.add(i, r.decide(sp, unknown, unless), r.Continue) {
			break
		}
	}
	return m
}

// add takes in what a rule says, and reports whether that is final.
func (m *Match) add(rule int, v Verdict, goesOn bool) bool {
	switch {
	case v > m.Verdict:
		m.Verdict, m.Rule = v, rule
	case v == Matched && len(m.More) < maxMore:
		m.More = append(m.More, rule)
	}
	return v == Matched && (!goesOn || len(m.More) == maxMore)
}

// decide asks CEL for what is not known yet of the rule's conditions.
func (r *rule) decide(sp sdktrace.ReadOnlySpan, when, unless tri) (verdict Verdict) {
	if r.off() {
		return NoRule
	}
	if when != unknown && unless != unknown {
		return verdictOf(when == yes, unless == yes)
	}
	v := viewSpan(sp)
	defer v.release()
	defer func() {
		if p := recover(); p != nil {
			r.failed(fmt.Errorf("panic: %v", p))
			verdict = NoRule
		}
	}()
	holds, err := when == yes, error(nil)
	if when == unknown {
		if holds, err = r.when.holds(v); err != nil {
			r.failed(err)
			return NoRule
		}
	}
	excluded := unless == yes
	if holds && unless == unknown {
		if excluded, err = r.unless.holds(v); err != nil {
			r.failed(err)
			return NoRule
		}
	}
	return verdictOf(holds, excluded)
}

func verdictOf(when, unless bool) Verdict {
	switch {
	case !when:
		return NoRule
	case unless:
		return Excluded
	}
	return Matched
}

// failed counts an evaluation that failed.
func (r *rule) failed(err error) {
	text := err.Error()
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "")
	}
	r.errors.Add(1)
	r.lastError.Store(&text)
	if errors.Is(err, errOverrun) && r.overruns.Add(1) == maxOverruns {
		r.switchedOff.Add(1)
	}
}

// SwitchedOff returns the rules that were switched off because they exceeded
// the limits of an evaluation too often: they match no span any more. While
// there are none it costs one load.
func (s *Set) SwitchedOff() []int {
	if s.switchedOff.Load() == 0 {
		return nil
	}
	var off []int
	for i, r := range s.rules {
		if r.off() {
			off = append(off, i)
		}
	}
	return off
}

// Cost returns what the conditions of a rule may cost, in CEL's units, for a
// span that has the largest values that are likely.
func (s *Set) Cost(i int) uint64 {
	cost := s.rules[i].when.cost
	if u := s.rules[i].unless; u != nil {
		cost += u.cost
	}
	return cost
}

// Owner returns the team of a rule, and the sinks that it files in, as far as
// they are plain text.
func (s *Set) Owner(i int) (team string, sinks []string) {
	r := s.rules[i]
	for _, t := range r.sinks {
		if t.plain != "" {
			sinks = append(sinks, t.plain)
		}
	}
	return r.team.plain, sinks
}
