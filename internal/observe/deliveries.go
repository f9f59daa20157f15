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
	wait    func(sink, class string, took time.Duration)
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

// Wait records how long a delivery was due before it was claimed, by how much it
// matters.
func (d *Deliveries) Wait(sink, class string, took time.Duration) {
	d.mu.Lock()
	record := d.wait
	d.mu.Unlock()
	if record != nil {
		record(sink, class, max(took, 0))
	}
}

// OnLatency sets who is told of latencies.
func (d *Deliveries) OnLatency(record func(sink string, took time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latency = record
}

// OnWait sets who is told of waits.
func (d *Deliveries) OnWait(record func(sink, class string, took time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wait = record
}

// Counts returns a copy of the numbers.
func (d *Deliveries) Counts() map[DeliveryKey]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}

// Limit is how it stands with an account that calls of sinks count against.
type Limit struct {
	Account   string
	Sinks     []string  // of this process, in order
	State     string    // one of LimitStates
	Until     time.Time // no call is made before; zero if calls are made
	PerMinute float64   // calls, in the long run, at the pace that is kept
	Told      bool      // Remaining is known
	Remaining int64     // calls that the system said are left
}

// LimitStates are what an account is in: calls are made; or none, because the system
// asked for a pause, or because calls failed in a row; or one alone, to see.
var LimitStates = []string{"closed", "limited", "broken", "half_open"}
