package autoticket

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// What is remembered of a storm is bounded in number and in bytes, however much each
// failure holds; of what there is no room for the kin is known.
func TestCrowdsAreBounded(t *testing.T) {
	for _, test := range []struct {
		rule  string
		bytes int // of a stack
		kin   int
	}{
		{"many looks", 0, 10},
		{"much of each", 1 << 20, 10},
		{"much of each, and no two are kin", 1 << 20, 10_000},
		{"more than there is room for", 32 << 20, 10_000},
	} {
		var c crowds
		stack := strings.Repeat(" ", test.bytes)
		for i := range 10_000 {
			o := &correlate.Occurrence{Operation: fmt.Sprint("op ", i%test.kin), Exception: correlate.Exception{Type: "T", Message: fmt.Sprint("message ", i), Stacktrace: stack}}
			c.note(capture.Stand{Look: uint64(i + 1), Kin: uint64(i%test.kin + 1)}, o, source{})
		}
		held := map[*correlate.Occurrence]bool{nil: true}
		bytes := 0
		for _, of := range []map[uint64]crowd{c.alike, c.kin} {
			for _, crowd := range of {
				if !held[crowd.occurrence] {
					held[crowd.occurrence] = true
					bytes += coalesce.SizeOf(crowd.occurrence)
				}
			}
		}
		require.Equal(t, c.bytes, bytes, test.rule)
		require.LessOrEqual(t, bytes, maxCrowdBytes, test.rule)
		require.Len(t, c.kin, min(test.kin, maxCrowds), test.rule)
		require.Len(t, c.alike, maxLooks, test.rule)
		for _, kin := range c.kin {
			require.NotNil(t, kin.occurrence, test.rule)
		}
	}
}
