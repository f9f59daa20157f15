package autoticket_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
)

// A service that is started again and again in a flood has no thousand new problems
// each time: what the runs before had counts.
func TestRestartsInAFlood(t *testing.T) {
	for _, test := range []struct {
		rule string
		runs int
		each int // new signatures
		bolt bool
	}{
		{"each run has a flood", 5, 1500, false},
		{"no run alone would have one", 5, 600, false},
		{"on a file", 5, 300, true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var store correlate.Store = new(correlate.Memory)
				if test.bolt {
					b, err := boltstore.Open(boltstore.Config{Path: filepath.Join(t.TempDir(), "store")})
					require.NoError(t, err)
					defer func() { require.NoError(t, b.Close()) }()
					store = b
				}
				for run := range test.runs {
					engine, tracer := start(t, autoticket.Config{Store: store})
					for i := range test.each {
						fail(tracer, "GET /orders", "no such order: "+words(run*test.each+i))
					}
					time.Sleep(time.Second)
					require.NoError(t, engine.ForceFlush(t.Context()))
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					_ = engine.Shutdown(ctx) // what is left to deliver is the next one's
					cancel()
				}
				var problems int
				var count int64
				for _, p := range stored(t, store) {
					if p.Report == "" {
						count += p.Count
						problems++
					}
				}
				require.Equal(t, int64(test.runs*test.each), count)
				require.LessOrEqual(t, problems, 1001, "a thousand a minute, and the flood")
			})
		})
	}
}
