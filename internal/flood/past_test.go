package flood

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func TestLearn(t *testing.T) {
	limits := Limits{Operation: Rate{Minute: 3, Hour: 5}, Rule: Rate{Minute: 6, Hour: 100}, Floods: 2}
	was := func(id string, ago time.Duration) Past {
		return Past{ID: id, Operation: "op", Rule: "rule", First: start.Add(-ago), Last: start, Open: true}
	}
	flood := func(id string, fold correlate.Fold, ago time.Duration) Past {
		return Past{ID: id, Fold: fold, First: start.Add(-time.Hour), Last: start.Add(-ago), Open: true}
	}
	over := flood("op", correlate.FoldOperation, 0)
	over.Open = false
	for _, tt := range []struct {
		rule string
		past []Past
		want []correlate.Fold // of new signatures
	}{
		{"nothing", nil, []correlate.Fold{"", "", "", correlate.FoldOperation}},
		{"what was new in this minute counts", []Past{was("a", 0), was("b", 0)}, []correlate.Fold{"", correlate.FoldOperation}},
		{"once", []Past{was("a", 0), was("a", 0), was("a", 0)}, []correlate.Fold{"", "", correlate.FoldOperation}},
		{"so does what was new in this hour", []Past{was("a", time.Minute), was("b", 2*time.Minute), was("c", 3*time.Minute), was("d", 4*time.Minute)}, []correlate.Fold{"", correlate.FoldOperation}},
		{"in any order", []Past{was("d", 4*time.Minute), was("a", 0), was("c", 3*time.Minute), was("b", 0)}, []correlate.Fold{"", correlate.FoldOperation}},
		{"but not what was before", []Past{was("a", time.Hour), was("b", 2*time.Hour), was("c", time.Hour), was("d", 25*time.Hour)}, []correlate.Fold{"", "", "", correlate.FoldOperation}},
		{"a flood goes on", []Past{flood("op", correlate.FoldOperation, 9*time.Minute)}, []correlate.Fold{correlate.FoldOperation}},
		{"of a rule, too", []Past{flood("rule", correlate.FoldRule, 9*time.Minute)}, []correlate.Fold{correlate.FoldRule}},
		{"if it was not quiet for long", []Past{flood("op", correlate.FoldOperation, 10*time.Minute)}, []correlate.Fold{"", "", "", correlate.FoldOperation}},
		{"or is over", []Past{over}, []correlate.Fold{"", "", "", correlate.FoldOperation}},
		{"the flood of another operation says nothing", []Past{flood("another", correlate.FoldOperation, 0)}, []correlate.Fold{"", "", "", correlate.FoldOperation}},
	} {
		c := New(limits)
		for _, p := range tt.past {
			c.Learn(p)
		}
		for i, want := range tt.want {
			require.Equal(t, want, admit(c, "new "+strconv.Itoa(i), "op", "rule", start), "%s: %d", tt.rule, i)
		}
	}
}

// A process that is started again and again lets through no more new signatures in an
// hour than one that goes on, if the store tells what there is before they come; and
// what it keeps is bounded.
func TestRestartsLetNoMoreThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{
			Operation: Rate{Minute: rapid.IntRange(1, 4).Draw(t, "minute"), Hour: rapid.IntRange(3, 9).Draw(t, "hour")}, Rule: Rate{Minute: rapid.IntRange(1, 9).Draw(t, "of rule")},
			Floods: rapid.IntRange(1, 3).Draw(t, "floods"), Groups: 20,
		}
		c, now := New(l), start.Truncate(time.Hour)
		stored := map[string]Past{}
		var hour int64
		fresh := map[string]int{} // by operation
		for i := range rapid.IntRange(0, 200).Draw(t, "occurrences") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "passes")) * time.Second)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				c = New(l)
				for _, id := range rapid.Permutation(slices.Sorted(maps.Keys(stored))).Draw(t, "order") {
					c.Learn(stored[id])
				}
			}
			if h := now.Unix() / 3600; h != hour {
				hour, fresh = h, map[string]int{}
			}
			op := strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "operation"))
			id := "new " + strconv.Itoa(i)
			switch fold := admit(c, id, op, "rule", now); fold {
			case "":
				stored[id] = Past{ID: id, Operation: op, Rule: "rule", First: now, Last: now, Open: true}
				fresh[op]++
				require.LessOrEqual(t, fresh[op], l.Operation.Hour)
			case correlate.FoldOperation:
				stored[op] = Past{ID: op, Fold: fold, First: now, Last: now, Open: true}
			case correlate.FoldRule:
				stored["rule"] = Past{ID: "rule", Fold: fold, First: now, Last: now, Open: true}
			}
			require.LessOrEqual(t, c.Floods(), 2*l.Floods)
			require.LessOrEqual(t, len(c.operations.counts), l.Groups)
		}
	})
}
