package correlate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestReasons(t *testing.T) {
	seen := map[correlate.Reason]bool{}
	for _, r := range append(append(correlate.Decided(), correlate.Dropped()...), correlate.Origin) {
		require.Regexp(t, "^[a-z_]+$", string(r))
		require.False(t, seen[r], r)
		require.NotEmpty(t, r.Meaning(), r)
		seen[r] = true
	}
	require.Empty(t, correlate.Reason("other").Meaning())
}
