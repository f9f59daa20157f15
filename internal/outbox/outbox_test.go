package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tracker is an external system that keeps every ticket that it was sent, the
// same one twice too, and does what a script says.
type tracker struct {
	// script says how a call goes. It returns whether the call has an effect,
	// and what is answered. Nil means that all goes well.
	script func(ctx context.Context, c call) (effect bool, err error)

	mu      sync.Mutex
	calls   []call
	tickets []sinks.Ticket // that were filed
	states  map[string]sinks.State
}

// call is one call of a tracker.
type call struct {
	method string // file, find or update
	number int    // from 1
	at     time.Time
	ticket sinks.Ticket
	key    string
}

func (tr *tracker) begin(ctx context.Context, c call) (bool, error) {
	tr.mu.Lock()
	c.number, c.at = len(tr.calls)+1, time.Now()
	tr.calls = append(tr.calls, c)
	tr.mu.Unlock()
	if tr.script == nil {
		return true, nil
	}
	return tr.script(ctx, c)
}

func (tr *tracker) file(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	effect, err := tr.begin(ctx, call{method: "file", ticket: t, key: t.Key})
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if effect {
		tr.tickets = append(tr.tickets, t)
		tr.tell(t)
	}
	if err != nil {
		return sinks.Receipt{}, err
	}
	return sinks.Receipt{ID: fmt.Sprint("#", len(tr.tickets)), URL: "https://tracker.example/" + t.Key}, nil
}

func (tr *tracker) tell(t sinks.Ticket) {
	if tr.states == nil {
		tr.states = map[string]sinks.State{}
	}
	tr.states[t.Key] = t.State
}

func (tr *tracker) find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	_, err := tr.begin(ctx, call{method: "find", key: key})
	if err != nil {
		return sinks.Receipt{}, false, err
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	i := slices.IndexFunc(tr.tickets, func(t sinks.Ticket) bool { return t.Key == key })
	if i < 0 {
		return sinks.Receipt{}, false, nil
	}
	return sinks.Receipt{ID: fmt.Sprint("#", i+1)}, true, nil
}

func (tr *tracker) update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	effect, err := tr.begin(ctx, call{method: "update", ticket: t, key: t.Key})
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if effect {
		tr.tell(t)
	}
	return r, err
}

// did lists the calls, with the event of each ticket.
func (tr *tracker) did() (out []string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, c := range tr.calls {
		out = append(out, string(c.method+" "+string(c.ticket.Event)))
	}
	return out
}

// filed counts the tickets by key.
func (tr *tracker) filed() map[string]int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	n := map[string]int{}
	for _, t := range tr.tickets {
		n[t.Key]++
	}
	return n
}

func (tr *tracker) times() (out []time.Time) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, c := range tr.calls {
		out = append(out, c.at)
	}
	return out
}

// The sinks of a tracker differ in what they can do.
type (
	plain    struct{ tr *tracker }
	finding  struct{ plain }
	updating struct{ plain }
	full     struct{ finding }
	// wrapped stands for a middleware.
	wrapped struct{ inner sinks.Sink }
)

func (s plain) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return s.tr.file(ctx, t)
}

func (s finding) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	return s.tr.find(ctx, key)
}

func (s updating) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.tr.update(ctx, r, t)
}

func (s full) Update(ctx context.Context, r sinks.Receipt, t sinks.Ticket) (sinks.Receipt, error) {
	return s.tr.update(ctx, r, t)
}

func (w wrapped) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return w.inner.File(ctx, t)
}

func (w wrapped) Unwrap() sinks.Sink { return w.inner }

func newFull(tr *tracker) sinks.Sink { return full{finding{plain{tr}}} }

// bench is an outbox on a store, with one scope.
type bench struct {
	t       *testing.T
	store   correlate.Store
	box     *Outbox
	opts    Options
	own     *atomic.Int64 // contexts that are marked as the library's
	counted *observe.Deliveries
	parked  *observe.Parked
	poll    time.Duration // between two claims
}

var scope = correlate.Scope{Service: "checkout"}

// options are generous, so that a test limits only what it is about.
func options() Options {
	return Options{Rate: 1000, Burst: 1000, Concurrency: 4, Timeout: 10 * time.Second, Attempts: 5, MinBackoff: 2 * time.Second, MaxBackoff: time.Minute}
}

func newBench(t *testing.T, named map[string]sinks.Sink, opts Options) *bench {
	b := &bench{t: t, store: new(correlate.Memory), opts: opts, own: new(atomic.Int64), counted: new(observe.Deliveries), parked: new(observe.Parked), poll: 100 * time.Millisecond}
	b.box = b.outbox(b.store, named)
	return b
}

// outbox makes another process on a store.
func (b *bench) outbox(s correlate.Store, named map[string]sinks.Sink) *Outbox {
	r := new(redact.Redactor)
	return New(Config{
		Store:    s,
		Renderer: &render.Renderer{Redactor: r, Budget: time.Second},
		Redactor: r,
		Scopes:   func() []correlate.Scope { return []correlate.Scope{scope} },
		Counters: b.counted,
		Parked:   b.parked,
		Logger:   slog.New(slog.DiscardHandler),
		Jitter:   rand.NewPCG(1, 2),
		Own: func(ctx context.Context) (context.Context, func()) {
			b.own.Add(1)
			return ctx, func() { b.own.Add(-1) }
		},
	}, named, func(string) Options { return b.opts })
}

func key(id string) correlate.Key {
	return correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id}
}

// happens counts an occurrence on a problem, and queues as the ledger does.
func (b *bench) happens(id string, to ...string) {
	now := time.Now()
	b.change(id, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		p, change := p.Observe(correlate.Batch{
			Scope: scope, Signature: correlate.Signature{ID: id}, Rule: "errors",
			Threshold: correlate.Threshold{Count: 1, Within: time.Minute}, Quiet: 30 * time.Minute,
			Count: 1, First: now, Last: now, Sample: correlate.Sample{Time: now, Operation: "POST /pay"},
		}, now)
		op := map[correlate.Change]correlate.Operation{
			correlate.ChangeOpened: correlate.OpOpen, correlate.ChangeReopened: correlate.OpReopen, correlate.ChangeUpdated: correlate.OpUpdate,
		}[change]
		if op == "" {
			return p, nil
		}
		p.Answers.Title = "POST /pay: timeout"
		return p.Queue(op, to, now)
	})
}

// stops lets the quiet period of a problem pass, and resolves it.
func (b *bench) stops(id string, to ...string) {
	time.Sleep(time.Until(b.problem(id).ResolvesAt()))
	now := time.Now()
	b.change(id, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		p, change := p.Quieten(now)
		require.Equal(b.t, correlate.ChangeResolved, change)
		return p.Queue(correlate.OpResolve, to, now)
	})
}

func (b *bench) change(id string, fn func(correlate.Problem) (correlate.Problem, []correlate.Delivery)) {
	b.t.Helper()
	require.NoError(b.t, b.store.Update(context.Background(), key(id), correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		p, add := fn(p)
		return p, add, nil
	})))
}

func (b *bench) problem(id string) correlate.Problem {
	b.t.Helper()
	p, err := correlate.ReadProblem(context.Background(), b.store, key(id))
	require.NoError(b.t, err)
	return p
}

// run does what the engine's dispatcher does, for so long.
func (b *bench) run(d time.Duration) {
	b.drive(b.box, d)
	synctest.Wait()
}

func (b *bench) drive(box *Outbox, d time.Duration) {
	ctx := context.Background()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(b.poll) {
		jobs, _, _ := box.Claim(ctx, time.Now())
		for _, j := range jobs {
			go func() {
				_, _ = box.Settle(ctx, box.Deliver(ctx, j), time.Now())
			}()
		}
	}
}

// claim takes what is due now.
func (b *bench) claim(box *Outbox) []Job {
	b.t.Helper()
	jobs, _, err := box.Claim(context.Background(), time.Now())
	require.NoError(b.t, err)
	return jobs
}

func (b *bench) settle(box *Outbox, r Result) {
	b.t.Helper()
	_, err := box.Settle(context.Background(), r, time.Now())
	require.NoError(b.t, err)
}

func TestLifecycle(t *testing.T) {
	for _, test := range []struct {
		rule string
		sink func(*tracker) sinks.Sink
		want []string
		keys map[string]int
	}{
		{
			rule: "a sink that can update has one ticket, and is told how it goes on",
			sink: newFull,
			want: []string{"file opened", "update updated", "update resolved", "update reopened"},
			keys: map[string]int{"spt:p": 1},
		},
		{
			rule: "a sink that cannot files again when the problem returns, under another key",
			sink: func(tr *tracker) sinks.Sink { return plain{tr} },
			want: []string{"file opened", "file reopened"},
			keys: map[string]int{"spt:p": 1, "spt:p-2": 1},
		},
		{
			rule: "what a wrapped sink can do is found",
			sink: func(tr *tracker) sinks.Sink { return wrapped{wrapped{newFull(tr)}} },
			want: []string{"file opened", "update updated", "update resolved", "update reopened"},
			keys: map[string]int{"spt:p": 1},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(tracker)
				b := newBench(t, map[string]sinks.Sink{"a": test.sink(tr)}, options())
				b.happens("p", "a")
				b.run(time.Second)
				time.Sleep(6 * time.Minute)
				b.happens("p", "a")
				b.run(time.Second)
				b.stops("p", "a")
				b.run(time.Second)
				b.happens("p", "a")
				b.run(time.Second)

				require.Equal(t, test.want, tr.did())
				require.Equal(t, test.keys, tr.filed())
				f := b.problem("p").Filing("a")
				require.Empty(t, f.Pending)
				require.False(t, f.Unknown)
				require.Zero(t, b.own.Load(), "every context that was marked is given back")
				if len(test.keys) == 2 {
					last := tr.tickets[len(tr.tickets)-1]
					require.Equal(t, sinks.Receipt{ID: "#1", URL: "https://tracker.example/spt:p"}, last.Previous)
				}
			})
		})
	}
}

func TestReceiptIsKept(t *testing.T) {
	for _, test := range []struct {
		rule   string
		file   sinks.Receipt
		update sinks.Receipt
		want   string
	}{
		{"a sink that gives no ID has the key for one", sinks.Receipt{}, sinks.Receipt{}, "spt:p"},
		{"an update that gives no receipt leaves the one that is there", sinks.Receipt{ID: "7"}, sinks.Receipt{}, "7"},
		{"an update may give another", sinks.Receipt{ID: "7"}, sinks.Receipt{ID: "8"}, "8"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, map[string]sinks.Sink{"a": giving{test.file, test.update}}, options())
				b.happens("p", "a")
				b.run(time.Second)
				b.stops("p", "a")
				b.run(time.Second)
				f := b.problem("p").Filing("a")
				require.Equal(t, test.want, f.Receipt.ID)
				require.Equal(t, correlate.Resolved, f.State)
			})
		})
	}
}

func TestAReceiptsLinkLetsNobodyIn(t *testing.T) {
	for _, test := range []struct{ rule, url, want string }{
		{"a link stays", "https://tracker.example/7", "https://tracker.example/7"},
		{"user information goes", "https://bot:hunter2@tracker.example/7", "https://tracker.example/7"},
		{"a secret parameter is masked", "https://tracker.example/7?access_token=hunter2", "https://tracker.example/7?access_token=REDACTED"},
		{"what is no web address goes", "javascript:alert(1)", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := sinks.Receipt{ID: "7", URL: test.url}
				b := newBench(t, map[string]sinks.Sink{"a": giving{r, r}}, options())
				b.happens("p", "a")
				b.run(time.Second)
				require.Equal(t, correlate.Receipt{ID: "7", URL: test.want}, b.problem("p").Filing("a").Receipt)
			})
		})
	}
}

type giving struct{ filed, updated sinks.Receipt }

func (g giving) File(context.Context, sinks.Ticket) (sinks.Receipt, error) { return g.filed, nil }

func (g giving) Update(context.Context, sinks.Receipt, sinks.Ticket) (sinks.Receipt, error) {
	return g.updated, nil
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		tr := &tracker{script: func(context.Context, call) (bool, error) {
			if down {
				return false, errors.New("connection refused")
			}
			return true, nil
		}}
		opts := options()
		opts.Attempts = 1000
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, opts)
		b.happens("p", "a")
		b.run(time.Second)
		for range 3 { // updates wait behind the opening, and become one with it
			time.Sleep(20 * time.Minute)
			b.happens("p", "a")
		}
		b.stops("p", "a")
		time.Sleep(time.Second)
		b.happens("p", "a")
		b.stops("p", "a")
		require.Len(t, b.problem("p").Filing("a").Pending, 4)
		down = false
		tr.calls = nil
		b.run(2 * time.Minute)
		require.Equal(t, []string{"file opened", "update resolved", "update resolved"}, tr.did(),
			"the reopening was overtaken by the resolution after it")
		require.Equal(t, sinks.Resolved, tr.states["spt:p"])
		require.Equal(t, int64(5), tr.tickets[0].Count, "what is sent says what is true when it is sent")

		tr.calls = nil
		time.Sleep(time.Second)
		b.happens("p", "a")
		b.stops("p", "a")
		time.Sleep(time.Second)
		b.happens("p", "a")
		b.run(time.Second)
		require.Equal(t, []string{"update reopened", "update reopened"}, tr.did(), "an overtaken resolution is not sent")
		require.Equal(t, sinks.Open, tr.states["spt:p"])
	})
}

func TestOneSinkDoesNotWaitForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &tracker{script: func(ctx context.Context, _ call) (bool, error) {
			<-ctx.Done()
			return false, &sinks.Error{Err: ctx.Err()}
		}}
		fast := new(tracker)
		b := newBench(t, map[string]sinks.Sink{"slow": newFull(slow), "fast": newFull(fast)}, options())
		b.happens("p", "slow", "fast")
		b.run(time.Second)
		require.Len(t, fast.did(), 1)
		require.Equal(t, correlate.Receipt{}, b.problem("p").Filing("slow").Receipt)
		b.run(time.Minute)
	})
}

func TestForgottenProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := new(tracker)
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "a")
		require.NoError(t, b.store.Update(t.Context(), key("p"), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{}, nil, nil
		}))
		b.run(time.Minute)
		require.Empty(t, tr.did(), "nothing is left to say")
		_, err := correlate.ReadProblem(t.Context(), b.store, key("p"))
		require.ErrorIs(t, err, correlate.ErrNotFound, "and no record is brought back")
		require.Equal(t, int64(1), b.counted.Counts()[observe.DeliveryKey{Sink: "a", Operation: "open", Outcome: nothing}])
	})
}

func TestOtherScopesAndSinksAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := new(tracker)
		b := newBench(t, map[string]sinks.Sink{"a": newFull(tr)}, options())
		b.happens("p", "elsewhere")
		other := correlate.Key{Scope: correlate.Scope{Service: "cart"}, Kind: correlate.KindProblem, ID: "q"}
		require.NoError(t, b.store.Update(t.Context(), other, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
			p.ID, p.Scope, p.State = "q", other.Scope, correlate.Open
			p, add := p.Queue(correlate.OpOpen, []string{"a"}, time.Now())
			return p, add, nil
		})))
		b.run(time.Minute)
		require.Empty(t, tr.did())
		require.Len(t, b.problem("p").Filing("elsewhere").Pending, 1, "it waits for somebody who has the sink")
	})
}
