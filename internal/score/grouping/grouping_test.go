package grouping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		rule             string
		truth, predicted string
		want             Score
	}{
		{"names do not matter, members do", "a a b c", "3 3 1 2",
			Score{Messages: 4, True: 3, Predicted: 3, GA: 1, FGA: 1, PF1: 1, Precision: 1, Recall: 1}},
		{"a group that is split is wrong in whole", "a a a a b b", "1 1 1 2 3 3",
			// Pairs: 6+1 true, 3+1 predicted, 4 both.
			Score{Messages: 6, True: 2, Predicted: 3, GA: 2. / 6, FGA: 0.4, PF1: 2 * (4. / 7) / (1 + 4./7), Precision: 1, Recall: 4. / 7, Split: 4. / 6}},
		{"groups that are merged are both wrong", "a a a b c c", "1 1 1 1 2 2",
			// Pairs: 3+1 true, 6+1 predicted, 4 both.
			Score{Messages: 6, True: 3, Predicted: 2, GA: 2. / 6, FGA: 0.4, PF1: 2 * (4. / 7) / (1 + 4./7), Precision: 4. / 7, Recall: 1, Merged: 4. / 6}},
		{"split and merged at once", "a a b b", "1 2 2 3",
			Score{Messages: 4, True: 2, Predicted: 3, Merged: 0.5, Split: 1}},
		{"without pairs precision and recall are whole", "a b", "1 2",
			Score{Messages: 2, True: 2, Predicted: 2, GA: 1, FGA: 1, PF1: 1, Precision: 1, Recall: 1}},
		{"no pair was put together", "a a", "1 2",
			Score{Messages: 2, True: 1, Predicted: 2, Precision: 1, Split: 1}},
		{"nothing at all", "", "", Score{PF1: 1, Precision: 1, Recall: 1}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			require.Equal(t, test.want, Compare(strings.Fields(test.truth), strings.Fields(test.predicted)))
		})
	}
	require.PanicsWithValue(t, "grouping: 1 predictions for 2 messages", func() { Compare([]string{"a", "b"}, []string{"1"}) })
}

// The same measures by their definitions, over all pairs and sets.
func TestCompareIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "messages")
		groups := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), n, n)
		truth, predicted := groups.Draw(t, "truth"), groups.Draw(t, "predicted")
		accurate, merged, split, both, puts, should := 0, 0, 0, 0, 0, 0
		for i := range n {
			exact, mixed, parted := true, false, false
			for j := range n {
				same, put := truth[i] == truth[j], predicted[i] == predicted[j]
				exact = exact && same == put
				parted = parted || same && !put
				for k := range n {
					mixed = mixed || predicted[k] == predicted[i] && predicted[j] == predicted[i] && truth[j] != truth[k]
				}
				if i < j {
					if same && put {
						both++
					}
					if put {
						puts++
					}
					if same {
						should++
					}
				}
			}
			for count, yes := range map[*int]bool{&accurate: exact, &merged: mixed, &split: parted} {
				if yes {
					*count++
				}
			}
		}
		got := Compare(truth, predicted)
		require.InDelta(t, float64(accurate)/float64(n), got.GA, 1e-12)
		require.InDelta(t, float64(merged)/float64(n), got.Merged, 1e-12)
		require.InDelta(t, float64(split)/float64(n), got.Split, 1e-12)
		require.InDelta(t, got.Precision*float64(puts), float64(both), 1e-9)
		require.InDelta(t, got.Recall*float64(should), float64(both), 1e-9)
	})
}

func TestWorst(t *testing.T) {
	table := Cross(strings.Fields("a b b c c c d d d d"), strings.Fields("1 1 1 2 3 3 4 4 4 4"))
	var names []string
	for _, g := range table.Worst(9) {
		names = append(names, g.Name)
	}
	require.Equal(t, []string{"c", "b", "a"}, names, "the largest that is not exact first")
	require.Len(t, table.Worst(1), 1)
	require.Empty(t, table.Worst(-1))
	require.Equal(t, []string{"3", "2"}, table.True["c"].Largest())
	require.Equal(t, []string{"b", "a"}, table.Predicted["1"].Largest())
}
