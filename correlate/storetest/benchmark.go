package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spanticket/spanticket/correlate"
)

// Benchmark measures how many updates a second a store takes, from one caller
// and from eight at once. Each adds one to a record of 2 KiB, of which there are
// a thousand. open returns an empty store; it is called once a measurement.
//
//	func BenchmarkStore(b *testing.B) {
//		storetest.Benchmark(b, func() correlate.Store { return openStore(b.TempDir()) })
//	}
func Benchmark(b *testing.B, open func() correlate.Store) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			benchmarkUpdate(b, open(), writers)
		})
	}
}

func benchmarkUpdate(b *testing.B, s correlate.Store, writers int) {
	const records, size = 1000, 2 << 10
	var next atomic.Int64
	var first atomic.Pointer[error]
	update := func() bool {
		i := next.Add(1)
		if i > int64(b.N) {
			return false
		}
		key := correlate.Key{
			Scope: correlate.Scope{Namespace: "shop", Service: "checkout", Environment: "production"},
			Kind:  correlate.KindProblem,
			// As signatures do, they lie all over the store.
			ID: fmt.Sprintf("v2%016x", uint64(i%records)*0x9E3779B97F4A7C15),
		}
		err := s.Update(context.Background(), key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
			data := make([]byte, size)
			copy(data, cur.Data)
			binary.LittleEndian.PutUint64(data, binary.LittleEndian.Uint64(data)+1)
			return correlate.Record{Version: 1, Data: data}, nil, nil
		})
		if err != nil {
			first.CompareAndSwap(nil, &err)
		}
		return err == nil
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for update() {
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
	if err := first.Load(); err != nil {
		b.Fatalf("Update = %v", *err)
	}
}
