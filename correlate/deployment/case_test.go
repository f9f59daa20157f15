package deployment

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
)

func TestCaseOf(t *testing.T) {
	sample := func(minute float64, version string) correlate.Sample {
		return correlate.Sample{
			Time: minutesAfter(minute), Operation: "POST /charge", Kind: "CLIENT", Attributes: map[string]string{"peer.service": "bank"},
			Resource: map[string]string{"service.version": version, "cloud.region": "eu"},
		}
	}
	p := correlate.Problem{
		Scope: payment, FirstSeen: noon, OpenedAt: minutesAfter(3), Count: 70,
		Answers: correlate.Answers{Threshold: correlate.Threshold{Count: 5, Within: time.Minute}},
		Samples: []correlate.Sample{sample(0, "2"), sample(5, "2"), sample(6, "3"), sample(7, "unknown")},
	}
	require.Equal(t, Case{Scope: payment, Operation: "POST /charge", Region: "eu", Peer: "bank", First: noon, Count: 70, Failing: []string{"2", "3"}}, CaseOf(p))

	p.OpenedAt = minutesAfter(150)
	p.BeganAt = minutesAfter(149)
	p.Samples = append(p.Samples, sample(149.5, "4"))
	require.Equal(t, Case{Scope: payment, Operation: "POST /charge", Region: "eu", Peer: "bank", First: minutesAfter(149), Known: true, Failing: []string{"4"}}, CaseOf(p), "one that was there before is known")
	p.BeganAt = time.Time{}
	require.Equal(t, minutesAfter(150), CaseOf(p).First, "an older program did not say when it began")
	require.Equal(t, Case{}, CaseOf(correlate.Problem{}))
}

// The same change made to several services speaks for itself by how those fare.
func TestTheSameChangeElsewhere(t *testing.T) {
	told := []Deployment{{Scope: payment, Version: "2", Revision: fullSHA, Time: noon, Done: minutesAfter(2), Status: Succeeded}}
	for _, s := range []string{"ledger", "bank", "cart"} {
		told = append(told, Deployment{Scope: scopeOf(s), Version: "7", Revision: fullSHA, Time: minutesAfter(-5), Status: Succeeded})
	}
	c := Case{Scope: payment, Operation: "POST /pay", First: minutesAfter(1), Failing: []string{"2"}}
	verdict := func(sick ...string) Suspect {
		fails := map[string]bool{"payment": true}
		for _, s := range sick {
			fails[s] = true
		}
		v := Suspects(c, NewHistory(told...), nil, ratesFunc(func(q Query) (n Count, _ bool) {
			for m := q.From; m.Before(q.To); m = m.Add(time.Minute) {
				n.Total += 100
				if !m.Before(minutesAfter(-5)) && fails[q.Scope.Service] && (q.Scope != payment || !m.Before(noon)) {
					n.Failed += 50
				}
			}
			return n, q.Version == "" || q.Version == "2"
		}), minutesAfter(10))
		require.Len(t, v.Suspects, 1, sketch(v))
		return v.Suspects[0]
	}
	healthy := verdict()
	require.Equal(t, Likely, healthy.Class, "it runs well in others, so something else may have come with it")
	require.Contains(t, fmt.Sprint(healthy.Evidence), "runs well in 3 other services")
	sick := verdict("ledger")
	require.Equal(t, Strong, sick.Class)
	require.Contains(t, fmt.Sprint(sick.Evidence), "made 1 other services fail more often")
}

// A durable store knows after a restart what ran before it.
func TestAHistoryOutlivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tickets.db")
	run := func(version string, at time.Time) []string {
		store, err := boltstore.Open(boltstore.Config{Path: path})
		require.NoError(t, err)
		defer store.Close()
		tracker := NewTracker(Config{Store: store})
		require.False(t, tracker.Forgets())
		for minute := range 10 {
			require.NoError(t, tracker.Seen(t.Context(), attrs("service.name", "payment", "service.namespace", "shop", "deployment.environment.name", "production", "service.version", version), at.Add(time.Duration(minute)*time.Minute)))
		}
		require.NoError(t, tracker.Refresh(t.Context(), at.Add(10*time.Minute)))
		var out []string
		for _, d := range tracker.History().Of(payment) {
			out = append(out, describe(d))
		}
		return out
	}
	require.Empty(t, run("1", noon))
	require.Equal(t, []string{"2 12:30-12:30 succeeded after 1"}, run("2", minutesAfter(30)))
	require.Equal(t, []string{"2 12:30-12:30 succeeded after 1", "1 13:00-13:00 succeeded after 2 back"}, run("1", minutesAfter(60)))
}

func TestAllAtOnce(t *testing.T) {
	store := newDurable()
	tracker, g := NewTracker(Config{Store: store, PerMinute: 1 << 20}), &Graph{}
	h, err := NewHandler(HandlerConfig{Tracker: tracker, Shared: []string{testSecret}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	ctx := context.Background()
	errs := make([]error, 4)
	for worker := range errs {
		wg.Go(func() {
			for i := range 50 {
				version := fmt.Sprint(i % 7)
				for _, err := range []error{
					tracker.Note(ctx, Deployment{Scope: payment, Version: version, Time: noon}, noon),
					tracker.Seen(ctx, attrs("service.name", "payment", "service.version", version), noon),
					tracker.Refresh(ctx, noon),
					tracker.Share(ctx, g, noon),
				} {
					if err != nil {
						errs[worker] = err
					}
				}
				g.Learn(payment, "CLIENT", attrs("peer.service", version), noon)
				Suspects(Case{Scope: payment, First: noon}, tracker.History(), g, nil, noon)
				serve(h, request("plain", []byte(`{}`)))
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, g.Upstream(payment, noon), 7)
	require.Equal(t, int64(7), tracker.Stats().Noted)
	require.Equal(t, int64(200), h.Stats().Refused+h.Stats().Unavailable)
}
