package autoticket

import (
	"sync"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/redact"
)

// meter gives what the gate counts to the counts of the fleet. It is safe for concurrent
// use.
type meter struct {
	counts *deployment.Counts
	began  time.Time // when this process began to count; zero is unknown

	mu      sync.Mutex
	convert capture.Converter
}

// newMeter returns a meter of what a gate counts. clock tells the time of what is counted; a
// replay has one of its own. It must be there before the gate's traffic advances.
func newMeter(t *capture.Traffic, convert capture.Converter, store correlate.Store, forgets bool, r *redact.Redactor, began time.Time, clock func() time.Time) *meter {
	m := &meter{began: began, convert: convert}
	m.counts = deployment.NewCounts(deployment.CountsConfig{
		Store: store, Forgets: forgets, Redactor: r,
		Open: func() []deployment.Traffic { return m.traffic(t.Open(), clock()) },
	})
	t.Tell = func(minutes []capture.Minute) { m.counts.Add(m.traffic(minutes, clock())...) }
	return m
}

// traffic returns whose minutes are which.
func (m *meter) traffic(minutes []capture.Minute, now time.Time) []deployment.Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]deployment.Traffic, 0, len(minutes))
	for _, c := range minutes {
		if c.Resource == nil { // of more releases than are told apart
			continue
		}
		t := deployment.Traffic{
			Operation: c.Operation, From: later(c.Start, m.began), To: c.Start.Add(time.Minute),
			Count: deployment.Count{Total: c.Share.Requests, Failed: c.Share.Failed},
		}
		t.Scope, t.Version = m.convert.Release(c.Resource)
		if now.Before(t.To) {
			t.To = later(now, t.From)
		}
		out = append(out, t)
	}
	return out
}
