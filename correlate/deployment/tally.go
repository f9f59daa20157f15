package deployment

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// failedWeighs is how many calls a failure weighs, when it is chosen which
// operations are counted apart: what is asked for are those that fail.
const failedWeighs = 50

// tally is what was counted of one version of a service: operations, and all
// those for which there was no room as one. The sum of them is what was counted,
// whatever becomes one.
type tally struct {
	version      string
	since, until time.Time // between which it was counted
	operations   map[string]series
	others       series
	all          series

	rest  rest
	rests map[string]rest // of operations
}

func newTally(version string) *tally {
	return &tally{version: version, operations: map[string]series{}}
}

// add counts calls of an operation, or of others if it has no name.
func (t *tally) add(operation string, from, to time.Time, n Count) {
	c := cellOf(from, n)
	if operation == "" {
		t.others = t.others.add(c)
	} else {
		t.operations[operation] = t.operations[operation].add(c)
	}
	t.all = t.all.add(c)
	t.spans(from, to)
}

func (t *tally) spans(from, to time.Time) {
	t.since, t.until = earliest(t.since, from), latest(t.until, to)
}

// plus adds what was counted elsewhere.
func (t *tally) plus(other *tally) {
	for name, s := range other.operations {
		t.operations[name] = t.operations[name].plus(s)
	}
	t.others, t.all = t.others.plus(other.others), t.all.plus(other.all)
	t.spans(other.since, other.until)
	t.rest = t.rest.and(other.rest)
	for name, r := range other.rests {
		t.keep(name, t.rests[name].and(r))
	}
}

func (t *tally) keep(operation string, r rest) {
	if len(r) == 0 {
		return
	}
	if t.rests == nil {
		t.rests = map[string]rest{}
	}
	t.rests[operation] = r
}

// clone returns a tally that can be changed without this one.
func (t *tally) clone() *tally {
	c := *t
	c.operations, c.rests = make(map[string]series, len(t.operations)), maps.Clone(t.rests)
	for name, s := range t.operations {
		c.operations[name] = slices.Clip(s)
	}
	c.others, c.all = slices.Clip(t.others), slices.Clip(t.all)
	return &c
}

// age forgets what is too old, and how exactly the time of what is old was known.
func (t *tally) age(now time.Time) {
	for name, s := range t.operations {
		if s = s.aged(now); len(s) == 0 {
			delete(t.operations, name)
			delete(t.rests, name)
		} else {
			t.operations[name] = s
		}
	}
	t.others, t.all = t.others.aged(now), t.all.aged(now)
	t.since = latest(t.since, now.Add(-keepCounts))
}

// fold keeps so many operations apart, those that failed and were called most, and takes the rest
// as one.
func (t *tally) fold(most int) {
	if len(t.operations) <= most {
		return
	}
	weights := make(map[string]int64, len(t.operations))
	for name, s := range t.operations {
		n := s.sum()
		weights[name] = n.Total + failedWeighs*n.Failed
	}
	names := slices.SortedFunc(maps.Keys(weights), func(a, b string) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), strings.Compare(a, b))
	})
	for _, name := range names[max(most, 0):] {
		t.others = t.others.plus(t.operations[name])
		delete(t.operations, name)
		delete(t.rests, name)
	}
}

// cells returns how many there are.
func (t *tally) cells() int {
	n := len(t.others) + len(t.all)
	for _, s := range t.operations {
		n += len(s)
	}
	return n
}

// of returns what was counted of an operation from some time on. It reports false if some of
// that may be among the others.
func (t *tally) of(operation string, from time.Time) (series, bool) {
	s, apart := t.operations[operation]
	if len(t.others) == 0 {
		return s, true
	}
	i, _ := slices.BinarySearchFunc(t.others, from, func(c cell, at time.Time) int { return c.start().Add(c.minutes()).Compare(at.Add(1)) })
	if i == len(t.others) {
		return s, true
	}
	return s, apart && s[0].key <= t.others[i].key
}
