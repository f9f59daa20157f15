// Package flood tells a flood of new signatures from problems: beyond a bound
// those of a rule and operation are to be counted as one. What it keeps is
// bounded whatever comes.
package flood

import (
	"hash/fnv"
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Limits are the bounds of what is new. Zero fields have their defaults.
type Limits struct {
	Operation Rate // of one rule and operation; 1,000 a minute and 5,000 an hour
	Rule      Rate // of one rule; 20,000 a minute and 50,000 an hour
	Floods    int  // of each kind that are told apart at a time; 64
	Groups    int  // rules and operations whose new signatures are counted; 16,384 of each
	Known     int  // signatures with problems of their own that are remembered; 131,072
}

// Rate bounds new signatures.
type Rate struct{ Minute, Hour int }

func (l Limits) withDefaults() Limits {
	rate := func(r *Rate, minute, hour int) {
		if r.Minute <= 0 {
			r.Minute = minute
		}
		if r.Hour <= 0 {
			r.Hour = hour
		}
	}
	rate(&l.Operation, 1000, 5000)
	rate(&l.Rule, 20_000, 50_000)
	if l.Floods <= 0 {
		l.Floods = 64
	}
	if l.Groups <= 0 {
		l.Groups = 1 << 14
	}
	if l.Known <= 0 {
		l.Known = maxKnown
	}
	return l
}

const (
	// heavyCounters are the signatures of a flood that are counted one by one: what
	// makes up less than a part in so many of it is not told from the rest.
	heavyCounters = 512
	// A signature of a flood that has come promoteAt times gets a problem of its
	// own; of each flood so many in a minute.
	promoteAt    = 16
	maxPromotion = 16
	// A flood is over when for calm no more new signatures came in any minute than
	// a tenth of what would begin one.
	calm = 10 * time.Minute
)

// Control decides which signatures have problems of their own. It may be used
// concurrently.
type Control struct {
	limits Limits
	known  known

	mu         sync.Mutex
	operations groups
	rules      groups
	swept      int64 // the minute
}

// New returns a control that knows no signature.
func New(l Limits) *Control {
	l = l.withDefaults()
	return &Control{
		limits: l, known: known{most: l.Known},
		operations: groups{limit: l.Operation, most: l.Groups, floods: l.Floods},
		rules:      groups{limit: l.Rule, most: l.Groups, floods: l.Floods},
	}
}

// Known notes that a signature has a problem of its own, and what its ID was by the
// version before.
func (c *Control) Known(id, earlier string) { c.known.add(hash(id), earlier) }

// Past is a problem that the store has.
type Past struct {
	ID, Earlier     string         // of its signature, or of its flood
	Operation, Rule string         // IDs that the floods of its operation and its rule have
	First, Last     time.Time      // when it was seen
	Fold            correlate.Fold // what it is a flood of; "" for a signature
	Open            bool
}

// Learn notes a problem that the store has, of which nobody may hear again. A signature
// is known from then on, and was new when it was first seen, so that a process that is
// started again and again does not have that many new ones each time. A flood goes on.
func (c *Control) Learn(p Past) {
	if !c.known.learn(hash(p.ID), p.Earlier) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p.Fold == "":
		c.operations.past(hash(p.Operation), p.First)
		c.rules.past(hash(p.Rule), p.First)
	case !p.Open:
	case p.Fold == correlate.FoldOperation:
		c.operations.resume(hash(p.ID), p.Last)
	case p.Fold == correlate.FoldRule:
		c.rules.resume(hash(p.ID), p.Last)
	}
}

// Knows reports whether a signature has a problem of its own, and what its ID was by
// the version before.
func (c *Control) Knows(id string) (earlier string, ok bool) { return c.known.touch(hash(id)) }

// Admit decides about an occurrence of a signature that is not known, of a rule and
// operation and of a rule, by the IDs that their floods have. It returns "" for one
// that has a problem of its own from now on, or what it is counted with.
func (c *Control) Admit(id, operation, rule string, now time.Time) correlate.Fold {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	sig, op, of := hash(id), hash(operation), hash(rule)
	for _, g := range []struct {
		in   *groups
		id   uint64
		fold correlate.Fold
	}{{&c.operations, op, correlate.FoldOperation}, {&c.rules, of, correlate.FoldRule}} {
		if f := g.in.flood(g.id, now); f != nil {
			if f.add(sig, now) {
				return ""
			}
			return g.fold
		}
	}
	switch {
	case !c.operations.full(op, now):
	case c.operations.begin(op, sig, now):
		return correlate.FoldOperation
	case c.rules.begin(of, sig, now): // too many operations are flooded
		return correlate.FoldRule
	default:
		return correlate.FoldService
	}
	if c.rules.full(of, now) {
		if c.rules.begin(of, sig, now) {
			return correlate.FoldRule
		}
		return correlate.FoldService
	}
	return ""
}

// sweep forgets what is over, once a minute.
func (c *Control) sweep(now time.Time) {
	if m := minuteOf(now); m != c.swept {
		c.swept = m
		c.operations.sweep(now)
		c.rules.sweep(now)
	}
}

// Floods returns how many floods go on.
func (c *Control) Floods() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.operations.flooded) + len(c.rules.flooded)
}

func hash(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id)) // an ID is a hash itself
	return h.Sum64()
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
