package grouping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Group is some messages, and how the other side has them.
type Group struct {
	Name  string
	Size  int            // messages
	Parts map[string]int // messages by their group on the other side
	First int            // index of its first message
}

// Table has the groups of both sides by name.
type Table struct {
	True      map[string]*Group
	Predicted map[string]*Group
}

// Cross counts which messages are in which group. Both slices name the group of
// each message, in the same order; it panics if one is longer.
func Cross(truth, predicted []string) Table {
	if len(truth) != len(predicted) {
		panic(fmt.Sprintf("grouping: %d predictions for %d messages", len(predicted), len(truth)))
	}
	t := Table{True: map[string]*Group{}, Predicted: map[string]*Group{}}
	for i := range truth {
		count(t.True, truth[i], predicted[i], i)
		count(t.Predicted, predicted[i], truth[i], i)
	}
	return t
}

func count(groups map[string]*Group, name, other string, i int) {
	g := groups[name]
	if g == nil {
		g = &Group{Name: name, Parts: map[string]int{}, First: i}
		groups[name] = g
	}
	g.Size++
	g.Parts[other]++
}

// Exact reports whether a true group was predicted as it is.
func (t Table) Exact(g *Group) bool {
	if len(g.Parts) != 1 {
		return false
	}
	for name := range g.Parts {
		return t.Predicted[name].Size == g.Size
	}
	return false
}

// Worst returns the n true groups that cost the most accuracy: the largest of
// those that were not predicted as they are.
func (t Table) Worst(n int) []*Group {
	var lost []*Group
	for _, g := range t.True {
		if !t.Exact(g) {
			lost = append(lost, g)
		}
	}
	slices.SortFunc(lost, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.First, b.First))
	})
	return lost[:min(max(n, 0), len(lost))]
}

// Largest returns the names of the parts, the largest first.
func (g *Group) Largest() []string {
	return slices.SortedFunc(maps.Keys(g.Parts), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.Parts[b], g.Parts[a]), cmp.Compare(a, b))
	})
}
