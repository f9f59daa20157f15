package correlate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// Where few traces are exported, the evidence keeps one that was: the newest.
func TestEvidenceKeepsWhatWasExported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p correlate.Problem
		var newest time.Time // of those exported
		for i, exported := range rapid.SliceOfN(rapid.Bool(), 1, 30).Draw(t, "exported") {
			b := policyBatch(policyStart.Add(time.Duration(i)*time.Second), 1)
			if b.Sample.Exported = exported; exported {
				newest = b.Sample.Time
			}
			p, _ = p.Observe(b, b.Last)

			require.LessOrEqual(t, len(p.Samples), 4)
			require.Equal(t, b.Sample.Time, p.Newest().Time)
			require.Equal(t, policyStart, p.Samples[0].Time)
			var got time.Time
			for j, s := range p.Samples {
				require.True(t, j == 0 || p.Samples[j-1].Time.Before(s.Time), "by arrival")
				if s.Exported {
					got = s.Time
				}
			}
			require.Equal(t, newest, got)
		}
	})
}
