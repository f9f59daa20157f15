package celrule

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFurtherRulesAreBounded holds that no rule is asked once as many have
// matched as are kept.
func TestFurtherRulesAreBounded(t *testing.T) {
	var rules []Rule
	for i := range maxMore + 1 {
		rules = append(rules, Rule{Name: fmt.Sprint("r", i), When: `span.status == "ERROR"`, Continue: true})
	}
	rules = append(rules, Rule{Name: "fails", When: "int(span.name) > 1"})
	set := mustCompile(t, rules)
	sp := checkout().Snapshot()
	want := Match{Verdict: Matched, More: []int{1, 2, 3, 4, 5, 6, 7, 8}}
	require.Equal(t, want, set.Match(sp))
	require.Equal(t, want, set.MatchPlain(sp))
	require.Zero(t, set.Stats(maxMore+1).Errors)
	for i := range maxMore + 1 {
		require.EqualValues(t, 1, set.Stats(i).Matches)
	}
}

// TestSwitchedOffIsShared holds that a rule that is switched off matches
// nothing in all sets that have it, is not one that a span passed, and that
// each of these sets tells.
func TestSwitchedOffIsShared(t *testing.T) {
	rules := []Rule{{Name: "open", When: "span.name.size() == 1"}, {Name: "simple", When: `span.status == "ERROR"`}}
	old := mustCompile(t, rules[:1])
	next, err := old.Compile(rules, nil)
	require.NoError(t, err)
	sp := checkout().Snapshot()
	require.Equal(t, Match{Verdict: Passed}, old.Match(sp))
	for range maxOverruns + 3 {
		old.rules[0].failed(fmt.Errorf("%w: as a test", errOverrun))
	}
	require.Equal(t, Match{Rule: -1}, old.Match(sp))
	require.Equal(t, []int{0}, old.SwitchedOff())
	require.Equal(t, []int{0}, next.SwitchedOff())
	require.Equal(t, Match{Verdict: Matched, Rule: 1}, next.Match(sp))

	without, err := next.Compile(rules[1:], nil)
	require.NoError(t, err)
	require.Empty(t, without.SwitchedOff())
	require.Empty(t, mustCompile(t, rules).SwitchedOff(), "a set that takes nothing over starts anew")
}

// TestSetsSideBySide holds that a set and one that took over its rules can be
// used at once, while resources are prepared for both.
func TestSetsSideBySide(t *testing.T) {
	rules := someRules(50)
	rules = append(rules, Rule{Name: "errors", When: `span.status == "ERROR" && resource.attributes["service.name"] == "checkout"`})
	old := mustCompile(t, rules)
	sp := checkout().Snapshot()
	rules[0].Title = "changed"
	next, err := old.Compile(rules, nil)
	require.NoError(t, err)
	const times = 200
	var wg sync.WaitGroup
	for _, set := range []*Set{old, next} {
		wg.Go(func() {
			for range times {
				assert.Equal(t, Match{Verdict: Matched, Rule: 50}, set.Match(sp))
			}
		})
		wg.Go(func() {
			for range times {
				set.Prepare(checkout().Resource)
				set.Stats(50)
				set.SwitchedOff()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 2*times, next.Stats(50).Matches)
}
