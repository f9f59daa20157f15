package ledger

import (
	"slices"

	"github.com/spanticket/spanticket/correlate"
)

// Waits reports whether a delivery is parked for a sink, or waits for one that is
// not among those that there are.
func Waits(f correlate.Filing, sinks []string) bool {
	return f.Parked != nil || len(f.Pending) > 0 && !slices.Contains(sinks, f.Sink)
}

// noneParked returns counts by sink that stand at zero.
func (l *Ledger) noneParked() map[string]int64 {
	n := make(map[string]int64, len(l.Sinks))
	for _, name := range l.Sinks {
		n[name] = 0
	}
	return n
}

func (l *Ledger) countParked(n map[string]int64, p correlate.Problem) {
	for _, f := range p.Filings {
		if Waits(f, l.Sinks) {
			n[f.Sink]++
		}
	}
}
