package observe

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParked(t *testing.T) {
	var p Parked
	require.Empty(t, p.Counts())
	p.Add(true, "jira", 2)
	p.Add(false, "jira", 1)
	p.Add(false, "slack", 1)
	require.Equal(t, map[string]int64{"jira": 3, "slack": 1}, p.Counts())
	p.Add(false, "slack", -1)
	p.Add(false, "slack", -1)
	require.Equal(t, map[string]int64{"jira": 3, "slack": 0}, p.Counts(), "there are never fewer than none")
	p.Listing(true)(map[string]int64{"pager": 4})
	require.Equal(t, map[string]int64{"jira": 1, "slack": 0, "pager": 4}, p.Counts(), "what is listed is what there is")
	p.Listing(false)(nil)
	require.Equal(t, map[string]int64{"jira": 0, "slack": 0, "pager": 4}, p.Counts())
}

func TestWhatIsParkedWhileItIsListedCounts(t *testing.T) {
	var p Parked
	listed := p.Listing(true)
	p.Add(true, "jira", 1)
	listed(map[string]int64{"jira": 0})
	require.Equal(t, map[string]int64{"jira": 1}, p.Counts())
}

func TestParkedIsBounded(t *testing.T) {
	var p Parked
	for i := range 1000 {
		p.Add(true, fmt.Sprint("sink ", i), 1)
	}
	require.Len(t, p.Counts(), maxParkedSinks+1)
	require.Equal(t, int64(1000-maxParkedSinks), p.Counts()[otherSinks])
}
