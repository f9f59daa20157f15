package observe

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanticket/spanticket/correlate"
)

func TestCountersAddUp(t *testing.T) {
	c := NewCounters()
	require.Empty(t, c.Decisions())
	require.Empty(t, c.Dropped())
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			for n := range 1000 {
				failing := n%10 == 0
				c.Seen(byte(i*31+n), failing)
				if !failing {
					continue
				}
				all := append(correlate.Decided(), correlate.Dropped()...)
				c.Add(all[n/10%len(all)], 1)
			}
		})
	}
	workers.Wait()
	require.Equal(t, int64(8000), c.Spans())
	require.Equal(t, int64(7200), c.Healthy())
	require.Len(t, c.Decisions(), len(correlate.Decided()))
	require.Len(t, c.Dropped(), len(correlate.Dropped()))
	sum := c.Healthy()
	for _, m := range []map[string]int64{c.Decisions(), c.Dropped()} {
		for _, n := range m {
			sum += n
		}
	}
	require.Equal(t, c.Spans(), sum, "every span is healthy, decided or dropped, once")
}

func TestReasonsAreDistinct(t *testing.T) {
	seen := map[correlate.Reason]bool{}
	for _, r := range append(correlate.Decided(), correlate.Dropped()...) {
		require.False(t, seen[r], r)
		seen[r] = true
		require.Regexp(t, "^[a-z_]+$", string(r))
	}
}

func TestDeliveries(t *testing.T) {
	var d Deliveries
	require.Empty(t, d.Counts())
	d.Latency("a", time.Second) // nobody is told
	d.Count("a", "open", "delivered")
	d.Count("a", "open", "delivered")
	d.Count("b", "open", "parked")
	counts := d.Counts()
	require.Equal(t, map[DeliveryKey]int64{{"a", "open", "delivered"}: 2, {"b", "open", "parked"}: 1}, counts)
	counts[DeliveryKey{"a", "open", "delivered"}] = 7
	require.Equal(t, int64(2), d.Counts()[DeliveryKey{"a", "open", "delivered"}], "a copy is given out")
}

// point is a number of a metric with its attributes, or a histogram's sum.
type point struct {
	name, unit string
	attrs      string
	value      float64
	monotonic  bool
}

func collect(t *testing.T, reader *sdkmetric.ManualReader) (out []point) {
	t.Helper()
	var rm metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &rm))
	encoder := attribute.DefaultEncoder()
	for _, sm := range rm.ScopeMetrics {
		require.Equal(t, "github.com/spanticket/spanticket/autoticket", sm.Scope.Name)
		for _, m := range sm.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				require.Equal(t, metricdata.CumulativeTemporality, data.Temporality)
				for _, p := range data.DataPoints {
					out = append(out, point{m.Name, m.Unit, p.Attributes.Encoded(encoder), float64(p.Value), data.IsMonotonic})
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					out = append(out, point{m.Name, m.Unit, p.Attributes.Encoded(encoder), float64(p.Value), false})
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					out = append(out, point{m.Name, m.Unit, p.Attributes.Encoded(encoder), p.Value, false})
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out = append(out, point{m.Name, m.Unit, p.Attributes.Encoded(encoder), p.Sum, false})
				}
			default:
				t.Fatalf("%s is a %T", m.Name, m.Data)
			}
		}
	}
	return out
}

func TestExport(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	c, d := NewCounters(), new(Deliveries)
	is := func(n int64) func() int64 { return func() int64 { return n } }
	parked := new(Parked)
	parked.Listing(true)(map[string]int64{"jira": 1, "slack": 0})
	parked.Listing(false)(map[string]int64{"jira": 2})
	stop, err := Export(mp, c, d, Gauges{Queue: is(3), QueueCapacity: is(100), Traces: is(2), Problems: is(5), Held: is(4), Parked: parked.Counts,
		Waiting: is(6), Lost: func() time.Time { return time.Now().Add(-time.Hour) }, Rules: func() (int64, int64, int64) { return 7, 8, 9 }, Limits: func() []Limit {
			return []Limit{{Account: "a", State: "limited", PerMinute: 7.5, Told: true, Remaining: 3}, {Account: "b", State: "closed", PerMinute: 60}}
		}})
	require.NoError(t, err)
	for range 10 {
		c.Seen(1, false)
	}
	for range 5 {
		c.Seen(1, true)
	}
	c.Add(correlate.Opened, 1)
	c.Add(correlate.Symptom, 2)
	c.Add(correlate.QueueFull, 1)
	c.Matches.Add(4)
	c.Panics.Add(3)
	c.Reloaded.Add(1)
	c.Refused.Add(2)
	c.Occurrences.Add(1)
	c.Journal.Kept.Add(6)
	c.Journal.RateLimited.Add(5)
	c.Journal.Failed.Add(4)
	c.Journal.Replayed.Add(3)
	c.Suspects.Add("strong")
	d.Count("jira", "open", "delivered")
	d.Latency("jira", 1500*time.Millisecond)
	d.Wait("jira", "open", 2*time.Second)

	require.ElementsMatch(t, []point{
		{"spanticket.spans", "{span}", "spanticket.outcome=healthy,spanticket.reason=", 10, true},
		{"spanticket.spans", "{span}", "spanticket.outcome=decided,spanticket.reason=opened", 1, true},
		{"spanticket.spans", "{span}", "spanticket.outcome=decided,spanticket.reason=symptom", 2, true},
		{"spanticket.spans", "{span}", "spanticket.outcome=dropped,spanticket.reason=queue_full", 1, true},
		{"spanticket.occurrences", "{occurrence}", "", 1, true},
		{"spanticket.matches", "{span}", "", 4, true},
		{"spanticket.deliveries", "{delivery}", "spanticket.operation=open,spanticket.outcome=delivered,spanticket.sink=jira", 1, true},
		{"spanticket.panics", "{panic}", "", 3, true},
		{"spanticket.queue.size", "{span}", "", 3, false},
		{"spanticket.queue.capacity", "{span}", "", 100, false},
		{"spanticket.trace.open", "{trace}", "", 2, false},
		{"spanticket.problem.open", "{problem}", "", 5, false},
		{"spanticket.problem.held", "{problem}", "", 4, false},
		{"spanticket.store.waiting", "{batch}", "", 6, false},
		{"spanticket.store.outage", "s", "", 3600, false},
		{"spanticket.delivery.parked", "{delivery}", "spanticket.sink=jira", 3, false},
		{"spanticket.delivery.parked", "{delivery}", "spanticket.sink=slack", 0, false},
		{"spanticket.rules", "{rule}", "spanticket.state=sound", 7, false},
		{"spanticket.rules", "{rule}", "spanticket.state=failing", 8, false},
		{"spanticket.rules", "{rule}", "spanticket.state=off", 9, false},
		{"spanticket.rules.reloads", "{reload}", "spanticket.outcome=loaded", 1, true},
		{"spanticket.rules.reloads", "{reload}", "spanticket.outcome=refused", 2, true},
		{"spanticket.journal", "{occurrence}", "spanticket.outcome=kept", 6, true},
		{"spanticket.journal", "{occurrence}", "spanticket.outcome=rate_limited", 5, true},
		{"spanticket.journal", "{occurrence}", "spanticket.outcome=failed", 4, true},
		{"spanticket.journal", "{occurrence}", "spanticket.outcome=replayed", 3, true},
		{"spanticket.suspects", "{answer}", "spanticket.class=confirmed", 0, true},
		{"spanticket.suspects", "{answer}", "spanticket.class=strong", 1, true},
		{"spanticket.suspects", "{answer}", "spanticket.class=likely", 0, true},
		{"spanticket.suspects", "{answer}", "spanticket.class=possible", 0, true},
		{"spanticket.suspects", "{answer}", "spanticket.class=none", 0, true},
		{"spanticket.ticket.duration", "s", "spanticket.sink=jira", 1.5, false},
		{"spanticket.delivery.wait", "s", "spanticket.class=open,spanticket.sink=jira", 2, false},
		{"spanticket.limit.rate", "{call}/min", "spanticket.account=a", 7.5, false},
		{"spanticket.limit.rate", "{call}/min", "spanticket.account=b", 60, false},
		{"spanticket.limit.remaining", "{call}", "spanticket.account=a", 3, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=a,spanticket.state=closed", 0, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=a,spanticket.state=limited", 1, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=a,spanticket.state=broken", 0, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=a,spanticket.state=half_open", 0, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=b,spanticket.state=closed", 1, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=b,spanticket.state=limited", 0, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=b,spanticket.state=broken", 0, false},
		{"spanticket.limit.state", "{account}", "spanticket.account=b,spanticket.state=half_open", 0, false},
	}, collect(t, reader))

	require.NoError(t, stop())
	d.Latency("jira", time.Hour)
	d.Wait("jira", "open", time.Hour)
	for _, p := range collect(t, reader) {
		require.Contains(t, []point{
			{"spanticket.ticket.duration", "s", "spanticket.sink=jira", 1.5, false},
			{"spanticket.delivery.wait", "s", "spanticket.class=open,spanticket.sink=jira", 2, false},
		}, p, "nothing is observed any more")
	}
}

// A counter that goes down looks like a restart.
func TestHealthyNeverGoesDown(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	c := NewCounters()
	zero := func() int64 { return 0 }
	stop, err := Export(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), c, new(Deliveries), Gauges{
		Queue: zero, QueueCapacity: zero, Traces: zero, Problems: zero, Held: zero,
		Parked: new(Parked).Counts, Rules: func() (int64, int64, int64) { return 0, 0, 0 },
		Waiting: zero, Lost: func() time.Time { return time.Time{} },
		Limits: func() []Limit { return nil },
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, stop()) }()
	healthy := func() float64 {
		for _, p := range collect(t, reader) {
			if p.attrs == "spanticket.outcome=healthy,spanticket.reason=" {
				return p.value
			}
		}
		t.Fatal("no such point")
		return 0
	}
	c.Seen(1, false)
	c.Seen(1, true) // waits for its decision
	require.Equal(t, 1.0, healthy())
	c.Add(correlate.Opened, 1)
	require.Equal(t, 1.0, healthy())
}
