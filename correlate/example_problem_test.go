package correlate_test

import (
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// A problem opens when its threshold is reached, resolves when it was quiet,
// and reopens when the threshold is reached again.
func ExampleProblem() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var p correlate.Problem
	observe := func(at time.Time, count int64) {
		var change correlate.Change
		p, change = p.Observe(correlate.Batch{
			Scope:     correlate.Scope{Service: "checkout"},
			Signature: correlate.Signature{ID: "v1akxi6f66xv7gvidhazzxivu2pw"},
			Rule:      "checkout-errors",
			Threshold: correlate.Threshold{Count: 5, Within: time.Minute},
			Quiet:     30 * time.Minute,
			Count:     count,
			First:     at,
			Last:      at,
			Sample:    correlate.Sample{Time: at, Operation: "POST /orders"},
		}, at)
		fmt.Println(at.Format(time.TimeOnly), change, p.State, p.Count)
	}
	quieten := func(at time.Time) {
		var change correlate.Change
		p, change = p.Quieten(at)
		fmt.Println(at.Format(time.TimeOnly), change, p.State, p.Count)
	}
	observe(noon, 3)
	observe(noon.Add(20*time.Second), 2)
	observe(noon.Add(21*time.Second), 40)
	observe(noon.Add(6*time.Minute), 900)
	quieten(p.ResolvesAt())
	observe(noon.Add(time.Hour), 1)
	observe(noon.Add(time.Hour+time.Second), 4)
	// Output:
	// 12:00:00 below_threshold watching 3
	// 12:00:20 opened open 5
	// 12:00:21 deduplicated open 45
	// 12:06:00 updated open 945
	// 12:36:00 resolved resolved 945
	// 13:00:00 below_threshold resolved 946
	// 13:00:01 reopened open 950
}
