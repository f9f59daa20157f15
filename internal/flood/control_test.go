package flood

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

var start = time.Date(2026, 3, 14, 9, 26, 0, 0, time.UTC)

// admit does what coalesce does with an occurrence.
func admit(c *Control, id, operation, rule string, now time.Time) correlate.Fold {
	if _, ok := c.Knows(id); ok {
		return ""
	}
	fold := c.Admit(id, operation, rule, now)
	if fold == "" {
		c.Known(id, "")
	}
	return fold
}

func TestAdmit(t *testing.T) {
	limits := Limits{Operation: Rate{Minute: 3, Hour: 5}, Rule: Rate{Minute: 6, Hour: 100}, Floods: 2}
	type step struct {
		after     time.Duration // since the step before
		id        string
		operation string
		want      correlate.Fold
	}
	many := func(n int, s step) (out []step) {
		for i := range n {
			s.id = "id " + s.operation + strconv.Itoa(i)
			out = append(out, s)
		}
		return out
	}
	for _, tt := range []struct {
		rule  string
		steps []step
	}{
		{"a few new signatures have problems", many(3, step{operation: "a"})},
		{"what is beyond them is counted with the operation", append(many(3, step{operation: "a"}), step{id: "new", operation: "a", want: correlate.FoldOperation}, step{id: "other", operation: "b"})},
		{"those that are known go on", append(many(3, step{operation: "a"}), step{id: "new", operation: "a", want: correlate.FoldOperation}, step{id: "id a0", operation: "a"})},
		{"a minute later there is room for new ones", append(many(3, step{operation: "a"}), step{after: time.Minute, id: "new", operation: "a"})},
		{"an hour has a bound of its own", append(many(5, step{after: time.Minute, operation: "a"}), step{after: time.Minute, id: "new", operation: "a", want: correlate.FoldOperation})},
		{"the next hour is another", append(many(5, step{after: time.Minute, operation: "a"}), step{after: time.Hour, id: "new", operation: "a"})},
		{"operations that vary are those of the rule", append(append(many(3, step{operation: "a"}), many(3, step{operation: "b"})...), step{id: "new", operation: "c", want: correlate.FoldRule}, step{id: "newer", operation: "d", want: correlate.FoldRule})},
		{"what goes on for a while does not end", append(append(many(3, step{operation: "a"}), step{id: "new", operation: "a", want: correlate.FoldOperation}),
			step{after: 9 * time.Minute, id: "new 2", operation: "a", want: correlate.FoldOperation}, step{after: 9 * time.Minute, id: "new 3", operation: "a", want: correlate.FoldOperation})},
		{"it is over when nothing new came for a while", append(append(many(3, step{operation: "a"}), step{id: "new", operation: "a", want: correlate.FoldOperation}), step{after: 10 * time.Minute, id: "new", operation: "a"})},
		{"a clock that is set back does not keep it", append(append(many(3, step{operation: "a"}), step{id: "new", operation: "a", want: correlate.FoldOperation}), step{after: -time.Hour, id: "new", operation: "a"})},
		{"floods are bounded: more of them are of the rule", []step{
			{id: "1", operation: "a"}, {id: "2", operation: "a"}, {id: "3", operation: "a"}, {id: "4", operation: "a", want: correlate.FoldOperation},
			{after: time.Minute, id: "5", operation: "b"}, {id: "6", operation: "b"}, {id: "7", operation: "b"}, {id: "8", operation: "b", want: correlate.FoldOperation},
			{after: time.Minute, id: "9", operation: "c"}, {id: "10", operation: "c"}, {id: "11", operation: "c"}, {id: "12", operation: "c", want: correlate.FoldRule},
			{id: "13", operation: "d", want: correlate.FoldRule},
		}},
	} {
		c, now := New(limits), start
		for i, s := range tt.steps {
			now = now.Add(s.after)
			require.Equal(t, s.want, admit(c, s.id, s.operation, "rule", now), "%s: step %d", tt.rule, i)
		}
	}
}

// What comes often enough leaves the flood, once, and is known from then on.
func TestWhatIsFrequentLeaves(t *testing.T) {
	c := New(Limits{Operation: Rate{Minute: 1}})
	require.Empty(t, admit(c, "first", "a", "rule", start))
	var folded int
	for i := range 1000 {
		require.Equal(t, correlate.FoldOperation, admit(c, "one of many "+strconv.Itoa(i), "a", "rule", start))
		if admit(c, "often", "a", "rule", start) != "" {
			folded++
		}
	}
	require.Equal(t, promoteAt-1, folded)
	_, ok := c.Knows("often")
	require.True(t, ok)
}

// Whatever comes, what is kept is bounded in number.
func TestControlIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{
			Operation: Rate{Minute: rapid.IntRange(1, 4).Draw(t, "minute")}, Rule: Rate{Minute: rapid.IntRange(1, 9).Draw(t, "of rule")},
			Floods: rapid.IntRange(1, 3).Draw(t, "floods"), Groups: rapid.IntRange(1, 5).Draw(t, "groups"), Known: rapid.IntRange(1, 9).Draw(t, "known"),
		}
		c, now := New(l), start
		for range rapid.IntRange(0, 300).Draw(t, "occurrences") {
			now = now.Add(time.Duration(rapid.IntRange(-20, 100).Draw(t, "passes")) * time.Second)
			n := func(what string, most int) string { return strconv.Itoa(rapid.IntRange(0, most).Draw(t, what)) }
			admit(c, n("id", 50), n("operation", 9), n("rule", 9), now)
			require.LessOrEqual(t, c.Floods(), 2*l.Floods)
			require.LessOrEqual(t, len(c.operations.counts), l.Groups)
			require.LessOrEqual(t, len(c.rules.counts), l.Groups)
			require.LessOrEqual(t, c.known.len(), l.Known)
		}
	})
}
