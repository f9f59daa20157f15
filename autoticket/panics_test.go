package autoticket

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/sinks"
)

// brittle is a store whose calls panic while they are to.
type brittle struct {
	correlate.Memory
	mu    sync.Mutex
	bad   string         // name of the call
	times int            // that it is still to panic; negative is for ever
	kind  correlate.Kind // of the records that are listed; empty is all
}

func (b *brittle) crack(call string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if call == b.bad && b.times != 0 {
		b.times--
		panic(call)
	}
}

func (b *brittle) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	b.crack("update")
	return b.Memory.Update(ctx, key, fn)
}

func (b *brittle) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	b.crack("claim")
	return b.Memory.Claim(ctx, c)
}

func (b *brittle) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	b.crack("settle")
	return b.Memory.Settle(ctx, d, o, fn)
}

func (b *brittle) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if b.kind == "" || b.kind == p.Kind {
		b.crack("list")
	}
	return b.Memory.List(ctx, p)
}

// pile is a sink that keeps keys.
type pile struct {
	mu   sync.Mutex
	keys map[string]int
}

func (p *pile) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = map[string]int{}
	}
	p.keys[t.Key]++
	return sinks.Receipt{ID: t.Key}, nil
}

func (p *pile) Keyed() {}

func (p *pile) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.keys)
}

type bench struct {
	*Engine
	tracer trace.Tracer
	log    bytes.Buffer
	sink   pile
}

func bring(t *testing.T, store correlate.Store) *bench { return bringScouting(t, store, false) }

func bringScouting(t *testing.T, store correlate.Store, scouts bool) *bench {
	t.Helper()
	b := new(bench)
	var err error
	b.Engine, err = New(Config{
		Store: store, Sinks: map[string]sinks.Sink{"pile": &b.sink}, Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
		Deployments: Deployments{Off: !scouts}, // who uses the store is to be known
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Shutdown(context.WithoutCancel(t.Context()))) })
	b.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(b.SpanProcessor())).Tracer("test")
	return b
}

func (b *bench) fail(name string) {
	_, sp := b.tracer.Start(context.Background(), name)
	sp.SetStatus(codes.Error, "boom")
	sp.End()
}

func (b *bench) addsUp(t *testing.T) {
	t.Helper()
	st := b.Stats()
	sum := st.Healthy
	for _, n := range st.Decisions {
		sum += n
	}
	for _, n := range st.Dropped {
		sum += n
	}
	require.Equal(t, st.Spans, sum, "%+v", st)
}

func TestALoopThatPanicsRunsAgain(t *testing.T) {
	for _, test := range []struct {
		rule    string
		call    string
		lost    int64 // occurrences
		tickets int   // of the two failures
	}{
		{"a claim that panics is made again", "claim", 0, 2},
		{"what panics while it is counted is lost, and counted as that", "update", 1, 1},
		{"an outcome that cannot be stored is found out when the lease has run out", "settle", 0, 2},
		{"what cannot be listed is counted all the same", "list", 0, 2},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brittle{bad: test.call, times: 1}
				b := bring(t, store)
				b.fail("GET /a")
				time.Sleep(time.Minute)
				b.fail("GET /b")
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				require.Equal(t, test.tickets, b.sink.len())
				st := b.Stats()
				require.Equal(t, int64(1), st.Panics)
				require.Equal(t, test.lost, st.Dropped["panic"])
				require.Contains(t, b.log.String(), "a defect in the library")
				b.addsUp(t)
			})
		})
	}
}

// What learns of deployments may panic for ever, and nothing else is harmed.
func TestAScoutThatPanicsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bringScouting(t, &brittle{bad: "list", times: -1, kind: deployment.KindDeployment}, true)
		for range 10 {
			b.fail("GET /a")
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		require.Equal(t, 1, b.sink.len())
		st := b.Stats()
		require.Positive(t, st.Panics)
		require.Less(t, st.Panics, int64(50))
		require.Empty(t, st.Dropped)
		b.addsUp(t)
	})
}

func TestALoopThatPanicsForEverCostsLittle(t *testing.T) {
	for _, call := range []string{"claim", "update", "settle", "list"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brittle{bad: call, times: -1}
				b := bring(t, store)
				const minutes = 10
				for i := range minutes {
					b.fail("GET /" + strings.Repeat("a", i+1))
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				st := b.Stats()
				require.Positive(t, st.Panics)
				require.Less(t, st.Panics, int64(minutes*120), "two loops, once a second each")
				require.LessOrEqual(t, strings.Count(b.log.String(), "a defect in the library"), 3*(minutes+1))
				b.addsUp(t)
				store.mu.Lock()
				store.times = 0
				store.mu.Unlock()
				b.fail("GET /late")
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				require.Positive(t, b.sink.len(), "and it goes on when it can")
			})
		})
	}
}

func TestTheAssemblerRunsAgain(t *testing.T) {
	for _, test := range []struct {
		rule string
		root bool // ends: the trace is decided when the span is taken, and else when its wait is over
	}{
		{"when the trace is decided as its root ends", true},
		{"when the wait of a trace is over", false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bring(t, nil)
				synctest.Wait()
				s, bad := b.s, true
				s.table = assemble.NewTable(assemble.Limits{Traces: 10, Spans: 10, Wait: time.Second}, s.gate.Mark, func(f assemble.Found, now time.Time) {
					if bad {
						bad = false
						s.counters.Add(correlate.Panicked, 1)
						panic("found")
					}
					s.found(f, now)
				}, s.decided)
				for _, name := range []string{"GET /a", "GET /b"} {
					ctx, root := b.tracer.Start(t.Context(), name)
					_, child := b.tracer.Start(ctx, "query")
					child.SetStatus(codes.Error, "boom")
					child.End()
					if test.root {
						root.End()
					}
					time.Sleep(time.Minute)
					root.End()
				}
				synctest.Wait()
				require.Equal(t, int64(1), b.Stats().Panics)
				require.Equal(t, 1, b.sink.len())
				require.NoError(t, b.Flush(t.Context()), "whoever asks is answered")
				b.addsUp(t)
			})
		})
	}
}

func TestAFailureThatPanicsWhileItIsSignedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bring(t, nil)
		synctest.Wait()
		good := b.s.found
		b.s.table = assemble.NewTable(assemble.Limits{Traces: 10, Spans: 10, Wait: time.Second}, b.s.gate.Mark, func(f assemble.Found, now time.Time) {
			if f.Node.Occurrence.Operation == "GET /a" {
				f.By.Tag = source{rule: -1} // without a set of rules
			}
			good(f, now)
		}, b.s.decided)
		b.fail("GET /a")
		b.fail("GET /b")
		time.Sleep(time.Minute)
		synctest.Wait()
		st := b.Stats()
		require.Equal(t, int64(1), st.Panics)
		require.Equal(t, int64(1), st.Dropped["panic"])
		require.Equal(t, 1, b.sink.len())
		b.addsUp(t)
	})
}

func TestTheKeeperRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bring(t, nil)
		done := make(chan struct{})
		close(done)
		b.work <- work{flushes: []flush{{done: done}}} // closing it again panics
		time.Sleep(time.Second)
		bad := batch{}
		bad.Count = 1
		b.work <- work{batches: []batch{bad}} // neither counted nor told of
		time.Sleep(time.Second)
		require.Equal(t, int64(3), b.Stats().Panics)
		b.fail("GET /a")
		require.NoError(t, b.Flush(t.Context()))
		require.Equal(t, 1, b.sink.len())
	})
}

// rude is a handler of the host's that panics.
type rude struct{ slog.Handler }

func (rude) Handle(context.Context, slog.Record) error { panic("full") }

func TestALogThatPanicsHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brittle{bad: "claim", times: 3}
		var sink pile
		e, err := New(Config{Store: store, Sinks: map[string]sinks.Sink{"pile": &sink}, Logger: slog.New(rude{slog.DiscardHandler}), Audit: rude{slog.DiscardHandler}})
		require.NoError(t, err)
		b := bench{Engine: e, tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(e.SpanProcessor())).Tracer("test")}
		b.fail("GET /a")
		time.Sleep(time.Minute)
		require.Equal(t, 1, sink.len())
		require.Equal(t, int64(3), e.Stats().Panics)
		require.NoError(t, e.Shutdown(t.Context()))
	})
}

func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bring(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		began, runs := time.Now(), 0
		b.again(ctx, "test", func() {
			if runs++; runs < 11 {
				panic(errors.New("again"))
			}
		})
		require.Equal(t, 11, runs)
		require.Greater(t, time.Since(began), 2*time.Second, "it rests longer each time")
		require.Less(t, time.Since(began), 10*time.Second)
		runs = 0
		b.again(ctx, "test", func() { runs++; cancel(); panic("at the end") })
		require.Equal(t, 2, runs, "when all ends it has one more chance")
	})
}
