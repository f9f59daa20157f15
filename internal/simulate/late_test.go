package simulate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHistoriesThatFailed keeps the histories that once broke a promise.
func TestHistoriesThatFailed(t *testing.T) {
	for rule, steps := range map[string][]step{
		"a delivery that was claimed before the problem was resolved, and is sent after": {
			{Kind: occur}, {Kind: apply}, {Kind: claim, Engine: 2}, {Kind: wait, N: 5}, {Kind: deliver, Engine: 2, N: 1},
		},
		"a receipt that comes while the end of its problem is being passed over": {
			{Kind: occur, Engine: 2}, {Kind: apply, Engine: 2}, {Kind: claim, Engine: 1}, {Kind: deliver, Engine: 1, N: 1}, {Kind: wait, N: 5},
		},
		"an answer that was lost, of a batch that was held, and is asked for when its problem is over": {
			{Kind: occur, Engine: 2, Problem: 1}, {Kind: deploy}, {Kind: occur, Engine: 2}, {Kind: apply, Engine: 2}, {Kind: apply, Engine: 2, Fault: unheard}, {Kind: wait, N: 5}, {Kind: sweep}, {Kind: apply, Engine: 2},
		},
		"a ticket that was filed without the store by a clock that was wrong, before a deployment keeps its problem waiting": {
			{Kind: skew, Engine: 1, N: 3}, {Kind: alone, Engine: 1}, {Kind: deploy},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld()
			w.run(steps)
			w.calm()
			w.settled(true)
			w.calm()
			w.settled(false)
			require.Empty(t, strings.Join(w.wrong, "\n"))
		})
	}
}
