package capture

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/correlate"
)

// of returns a span of a service's release.
func of(service, version, name string) sdktrace.ReadOnlySpan {
	return span(name, 1, codes.Unset, func(s *tracetest.SpanStub) {
		s.Resource = resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
	})
}

func TestTraffic(t *testing.T) {
	tr := NewTraffic()
	for i := range 10 {
		tr.Count(of("pay", "1", "POST /pay"), byte(i), i%5 == 0)
		tr.Count(of("pay", "2", "POST /pay"), byte(i), false)
		tr.Count(of("pay", "1", "GET /pay"), byte(i), false)
		tr.Count(of("shop", "1", "POST /pay"), byte(i), true)
	}
	require.Equal(t, correlate.Share{Failed: 2, Requests: 20}, tr.Share("pay", "POST /pay"), "all releases of a service together")
	require.Equal(t, correlate.Share{Failed: 0, Requests: 10}, tr.Share("pay", "GET /pay"))
	require.Equal(t, correlate.Share{Failed: 10, Requests: 10}, tr.Share("shop", "POST /pay"))
	require.Zero(t, tr.Share("shop", "GET /pay"))
}

func TestTrafficForgets(t *testing.T) {
	tr := NewTraffic()
	start := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	sp := of("pay", "1", "POST /pay")
	for minute := range 10 {
		tr.Advance(start.Add(time.Duration(minute) * time.Minute))
		for i := range 10 {
			tr.Count(sp, byte(i), minute < 5)
			tr.Advance(start.Add(time.Duration(minute)*time.Minute + time.Duration(i)*time.Second))
		}
	}
	require.Equal(t, correlate.Share{Failed: 0, Requests: 50}, tr.Share("pay", "POST /pay"), "five minutes, of which the last goes on")
	tr.Advance(start.Add(time.Hour))
	require.Zero(t, tr.Share("pay", "POST /pay"))
}

func TestTrafficIsBounded(t *testing.T) {
	tr := NewTraffic()
	for i := range maxOperations + 100 {
		tr.Count(span(fmt.Sprint("GET /", i), 1, codes.Unset), 0, false)
	}
	tr.Count(span(strings.Repeat("x", maxName+1), 1, codes.Unset), 0, true)
	require.Equal(t, maxOperations, tr.total)
	require.Zero(t, tr.Share("", fmt.Sprint("GET /", maxOperations+50)))
	require.NotZero(t, tr.Share("", "GET /0").Requests)
	var rest correlate.Share
	for _, m := range tr.Open() {
		if m.Operation == "" {
			rest = m.Share
		}
	}
	require.Equal(t, correlate.Share{Requests: 101, Failed: 1}, rest, "what there is no room for is counted under one name")
}

func TestTrafficAllocatesNothing(t *testing.T) {
	tr := NewTraffic()
	sp := of("pay", "1", "POST /pay")
	tr.Count(sp, 0, false)
	require.Zero(t, testing.AllocsPerRun(100, func() { tr.Count(sp, 1, true) }))
}

func TestTrafficConcurrently(t *testing.T) {
	tr := NewTraffic()
	spans := []sdktrace.ReadOnlySpan{of("a", "1", "x"), of("a", "1", "y"), of("b", "1", "x")}
	var running sync.WaitGroup
	for g := range 4 {
		running.Go(func() {
			for i := range 3000 {
				tr.Count(spans[i%3], byte(g), false)
			}
		})
	}
	tr.Advance(time.Now())
	tr.Share("a", "x")
	running.Wait()
	for _, op := range []operationKey{{"a", "x"}, {"a", "y"}, {"b", "x"}} {
		require.EqualValues(t, 4000, tr.Share(op.service, op.name).Requests)
	}
}

func BenchmarkTraffic(b *testing.B) {
	spans := []sdktrace.ReadOnlySpan{of("a", "1", "x"), of("a", "1", "y"), of("b", "1", "x")}
	b.Run("one", func(b *testing.B) { // as in most processes
		tr := NewTraffic()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			tr.Count(spans[0], byte(i), false)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		tr := NewTraffic()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.Uint32(); pb.Next(); i += 0x9E3779B1 {
				tr.Count(spans[0], byte(i>>24), false)
			}
		})
	})
	b.Run("releases", func(b *testing.B) { // as where the spans of many processes come together
		tr := NewTraffic()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			tr.Count(spans[i%3], byte(i), false)
		}
	})
	b.Run("minute", func(b *testing.B) {
		tr := NewTraffic()
		told := 0
		tr.Tell = func(m []Minute) { told += len(m) }
		for i := range maxOperations {
			tr.Count(span(fmt.Sprint("GET /", i), 1, codes.Unset), 0, false)
		}
		for i := 0; b.Loop(); i++ {
			tr.Count(spans[0], byte(i), false)
			tr.Cut(time.Unix(60*int64(i), 0))
		}
		require.NotZero(b, told)
	})
}

// told collects what is told of the traffic.
func told(tr *Traffic) map[string]correlate.Share {
	all := map[string]correlate.Share{}
	tr.Tell = func(minutes []Minute) {
		for _, m := range minutes {
			version, _ := m.Resource.Set().Value("service.version")
			all[fmt.Sprintf("%s %s %s", m.Start.UTC().Format("15:04"), version.AsString(), m.Operation)] = m.Share
		}
	}
	return all
}

func TestTrafficTellsOfVersionsByTheMinute(t *testing.T) {
	tr := NewTraffic()
	all := told(tr)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tr.Advance(start)
	for i := range 20 {
		tr.Count(of("pay", "1", "POST /pay"), byte(i), false)
		tr.Count(of("pay", "2", "POST /pay"), byte(i), i%2 == 0)
		if i == 9 {
			tr.Advance(start.Add(30 * time.Second))
			require.Empty(t, all, "the minute goes on")
			tr.Advance(start.Add(time.Minute))
		}
	}
	tr.Advance(start.Add(10 * time.Minute))
	require.Equal(t, map[string]correlate.Share{
		"12:00 1 POST /pay": {Requests: 10}, "12:00 2 POST /pay": {Requests: 10, Failed: 5},
		"12:01 1 POST /pay": {Requests: 10}, "12:01 2 POST /pay": {Requests: 10, Failed: 5},
	}, all)
	clear(all)
	tr.Count(of("pay", "1", "POST /pay"), 0, true)
	open := map[string]correlate.Share{}
	for _, m := range tr.Open() {
		open[m.Start.Format("15:04 ")+m.Operation] = m.Share
	}
	require.Equal(t, map[string]correlate.Share{"12:10 POST /pay": {Requests: 1, Failed: 1}}, open)
	tr.Cut(start.Add(10*time.Minute + time.Second))
	tr.Cut(start.Add(10*time.Minute + 2*time.Second))
	require.Equal(t, map[string]correlate.Share{"12:10 1 POST /pay": {Requests: 1, Failed: 1}}, all, "once")
}

// Whatever is counted meanwhile, what is told adds up.
func TestTrafficTellsAllThatIsCounted(t *testing.T) {
	tr := NewTraffic()
	var sum correlate.Share
	tr.Tell = func(minutes []Minute) {
		for _, m := range minutes {
			require.LessOrEqual(t, m.Share.Failed, m.Share.Requests)
			sum.Requests += m.Share.Requests
			sum.Failed += m.Share.Failed
		}
	}
	var running sync.WaitGroup
	for g := range 4 {
		spans := []sdktrace.ReadOnlySpan{of("a", "1", "x"), of("a", "2", "x"), of("b", "1", fmt.Sprint(g))}
		running.Go(func() {
			for i := range 3000 {
				tr.Count(spans[i%3], byte(g), i%2 == 0)
			}
		})
	}
	for i := range 100 {
		tr.Cut(time.Unix(int64(i), 0))
		tr.Open()
	}
	running.Wait()
	tr.Cut(time.Unix(1000, 0))
	require.Equal(t, correlate.Share{Requests: 12_000, Failed: 6000}, sum)
}

func TestTrafficOfManyReleasesIsBounded(t *testing.T) {
	tr := NewTraffic()
	all := told(tr)
	for i := range 3 * maxReleases {
		tr.Count(of("pay", fmt.Sprint(i), "POST /pay"), 0, false)
	}
	require.LessOrEqual(t, len(tr.releases.known), maxReleases+1)
	require.EqualValues(t, 3*maxReleases, tr.Share("pay", "POST /pay").Requests)
	tr.Cut(time.Unix(0, 0))
	require.EqualValues(t, 2*maxReleases, all["00:00  POST /pay"].Requests, "of no version that is known")
}

func TestTrafficAllocatesNothingForWhatIsOneOfMany(t *testing.T) {
	tr := NewTraffic()
	for i := range maxOperations {
		tr.Count(span(fmt.Sprint("GET /", i), 1, codes.Unset), 0, false)
	}
	sp := of("pay", "1", "POST /pay")
	tr.Count(sp, 0, false)
	require.Zero(t, testing.AllocsPerRun(100, func() { tr.Count(sp, 1, true) }))
}
