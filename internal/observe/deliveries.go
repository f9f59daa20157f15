package observe

import (
	"maps"
	"sync"
	"time"
)

// DeliveryKey says which deliveries a number counts.
type DeliveryKey struct {
	Sink      string
	Operation string
	Outcome   string
}

// Deliveries counts what became of deliveries. It is safe for concurrent use.
type Deliveries struct {
	mu      sync.Mutex
	counts  map[DeliveryKey]int64
	latency func(sink string, took time.Duration)
}

// Count counts one attempt.
func (d *Deliveries) Count(sink, operation, outcome string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[DeliveryKey]int64{}
	}
	d.counts[DeliveryKey{sink, operation, outcome}]++
}

// Latency records how long it took from the end of a span until the sink had
// accepted its ticket.
func (d *Deliveries) Latency(sink string, took time.Duration) {
	d.mu.Lock()
	record := d.latency
	d.mu.Unlock()
	if record != nil {
		record(sink, took)
	}
}

// OnLatency sets who is told of latencies.
func (d *Deliveries) OnLatency(record func(sink string, took time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latency = record
}

// Counts returns a copy of the numbers.
func (d *Deliveries) Counts() map[DeliveryKey]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}
