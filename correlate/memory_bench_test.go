package correlate_test

import (
	"testing"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func() correlate.Store { return new(correlate.Memory) })
}
