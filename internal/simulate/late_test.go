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
