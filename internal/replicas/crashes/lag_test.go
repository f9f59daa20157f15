//go:build linux

package crashes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/internal/replicas/tracker"
)

const (
	// lag is how old what the search of a tracker finds is.
	lag = 2 * time.Second
	// soon is how long a double may stand.
	soon = 10 * time.Second
	// burst is how many processes are killed one after the other, before one lives.
	burst = 5
)

// doubled returns the tickets of a failure that has more than one, if there is one.
func (m *matrix) doubled() []tracker.Issue {
	for _, issues := range m.tracker.Standing() {
		if len(issues) > 1 {
			return issues
		}
	}
	return nil
}

// stood returns how long a double has stood at a time, since it was filed, a process
// was killed, or the tracker failed a call about it.
func (m *matrix) stood(i tracker.Issue, until time.Time) time.Duration {
	since := i.Filed
	if i.Failed.After(since) {
		since = i.Failed
	}
	for _, at := range m.killed {
		if at.After(since) && at.Before(until) {
			since = at
		}
	}
	return until.Sub(since)
}

// TestLaggingSearch: where a search does not find yet what was filed, there are
// doubles, which are closed within ten seconds of being filed. Whoever was to do so
// may be killed, and the tracker may fail the calls that do it, of which one in eight
// fails here: the seconds count from the last time. How many take longer in all is said.
func TestLaggingSearch(t *testing.T) {
	t.Parallel()
	for _, row := range stores {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := row.open(t)
			o.Lease = 500 * time.Millisecond
			m := newMatrix(t, o, true, tracker.Faults{Lost: 60, Failed: 60, Late: 60, Delay: 100 * time.Millisecond, Lag: lag})
			for k := range *lagged {
				m.crash(points[k%len(points)])
				if k%burst < burst-1 {
					continue
				}
				p := m.start(24)
				began := time.Now()
				for doubled := m.doubled(); doubled != nil || time.Since(began) < soon-2*time.Second; doubled = m.doubled() {
					if doubled != nil && m.stood(doubled[1], time.Now()) > soon {
						p.kill()
						<-p.gone
						require.Fail(t, "a double is not closed", "%+v\n%+v\n%s", doubled, m.problems()[doubled[0].Key[len("spt:"):]], &p.log)
					}
					time.Sleep(50 * time.Millisecond)
				}
				p.kill()
				m.bury(p)
			}
			m.finish()
			m.judge()

			var longest, inAll time.Duration
			late, unharmed := 0, 0 // those beyond soon in all, and those that nothing kept from being closed
			for _, i := range m.tracker.Issues() {
				if !i.Duplicate {
					continue
				}
				stood := m.stood(i, i.Closed)
				require.LessOrEqual(t, stood, soon, "%+v stood for %v", i, stood)
				longest, inAll = max(longest, stood), max(inAll, i.Closed.Sub(i.Filed))
				if i.Closed.Sub(i.Filed) > soon {
					late++
				}
				if stood == i.Closed.Sub(i.Filed) {
					unharmed++
				}
			}
			if *lagged >= 2*burst {
				require.NotZero(t, longest, "there were no doubles")
			}
			t.Logf("%d times killed: %v; %d doubles were closed, the last after %v; %d of them had no kill and no failed call between, and %d took longer in all, at most %v",
				len(m.killed), m.caught, m.tracker.Duplicates(), longest, unharmed, late, inAll)
		})
	}
}
