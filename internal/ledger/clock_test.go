package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// The clock of a host is set forward and back: by hand, when it wakes, or by a
// service that has lost its mind.
func TestWhateverTheClockDoesAllIsCounted(t *testing.T) {
	for _, test := range []struct {
		rule  string
		jumps []time.Duration
	}{
		{"forward", []time.Duration{24 * time.Hour}},
		{"back", []time.Duration{-24 * time.Hour}},
		{"forward and back", []time.Duration{24 * time.Hour, -24 * time.Hour}},
		{"back and forward", []time.Duration{-24 * time.Hour, 24 * time.Hour}},
		{"again and again", []time.Duration{time.Minute, -2 * time.Minute, time.Hour, -time.Hour, -time.Second}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			store := new(correlate.Memory)
			b := open(t, store, celrule.Rule{}, "jira")
			total := int64(0)
			count := func(n int) {
				total += int64(n)
				b.apply(b.batch(n))
				_, err := b.Sweep(t.Context(), b.now)
				require.NoError(t, err)
				due(t, store, b.now, "jira")
			}
			count(3)
			for _, jump := range test.jumps {
				b.now = b.now.Add(jump)
				for range 3 {
					count(3)
					b.now = b.now.Add(time.Second)
				}
			}
			p := b.problem(b.batch(1).Key())
			require.Equal(t, total, p.Count)
			require.Equal(t, correlate.Open, p.State, "it goes on")
			require.Equal(t, 1, b.Open())
			sum := int64(0)
			for _, n := range b.Counters.Decisions() {
				sum += n
			}
			require.Equal(t, total, sum)

			// As the clock is now, or was once, it is over some time.
			b.now = b.now.Add(49 * time.Hour)
			_, err := b.Sweep(t.Context(), b.now)
			require.NoError(t, err)
			require.Equal(t, correlate.Resolved, b.problem(b.batch(1).Key()).State)
		})
	}
}

func TestABudgetThatWasFullBeforeTheClockWasSetBack(t *testing.T) {
	b := open(t, new(correlate.Memory), celrule.Rule{Budget: 1}, "jira")
	named := func(name string) func(*correlate.Occurrence) {
		return func(o *correlate.Occurrence) { o.Operation = name }
	}
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1, named("GET /a"))))
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(1, named("GET /b"))))
	b.now = b.now.Add(-24 * time.Hour)
	require.Equal(t, correlate.ChangeHeld, b.apply(b.batch(1, named("GET /c"))))
	b.now = b.now.Add(time.Hour)
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1, named("GET /d"))), "an hour later there are tickets again")
}
