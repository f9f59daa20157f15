package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/internal/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	checkout = correlate.Scope{Service: "checkout", Environment: "prod"}
	payments = correlate.Scope{Service: "payments", Environment: "prod"}
	ops      = correlate.Scope{Service: "ops"}
)

// errDown is what a store says that is away.
var errDown = errors.New("connection refused")

// line is a store that can be cut off.
type line struct {
	correlate.Store
	fleet  *fleet
	cut    bool
	writes int // of rosters
}

func (l *line) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if l.cut {
		return errDown
	}
	return l.Store.Update(ctx, key, func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		next, add, err := fn(cur, found)
		switch {
		case err != nil:
		case key.Kind == correlate.KindRoster:
			l.writes++
		case key.Kind == correlate.KindProblem:
			l.fleet.swept++
		}
		return next, add, err
	})
}

func (l *line) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if l.cut {
		return nil, errDown
	}
	return l.Store.List(ctx, p)
}

func (l *line) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if l.cut {
		return nil, errDown
	}
	return l.Store.Claim(ctx, c)
}

func (l *line) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) error {
	if l.cut {
		return errDown
	}
	l.fleet.swept++
	return l.Store.Settle(ctx, d, o, fn)
}

// fleet is engines on one store, in a time of their own.
type fleet struct {
	tb    require.TestingT
	store correlate.Store
	now   time.Time
	n     uint64
	swept int // changes of problems by engines
}

// member is an engine of a fleet.
type member struct {
	*Sweeper
	line  *line
	log   strings.Builder
	skew  time.Duration
	scope correlate.Scope
}

func newFleet(tb require.TestingT) *fleet {
	return &fleet{tb: tb, store: new(correlate.Memory), now: start}
}

// join starts an engine; after is 0 if it does not sweep.
func (f *fleet) join(scope correlate.Scope, after time.Duration, sinks ...string) *member {
	f.n++
	m := &member{line: &line{Store: f.store, fleet: f}, scope: scope}
	m.Sweeper = New(Config{
		Store: m.line, Scopes: func() []correlate.Scope { return []correlate.Scope{scope} }, Sinks: sinks, After: after,
		Engine: fmt.Sprint(f.n), Counters: new(observe.Deliveries), Parked: new(observe.Parked),
		Logger: slog.New(slog.NewTextHandler(&m.log, nil)), Jitter: rand.NewPCG(1, f.n),
	})
	return m
}

// pass lets time go by, in steps of so long.
func (f *fleet) pass(d, step time.Duration, all ...*member) {
	for end := f.now.Add(d); f.now.Before(end); {
		f.now = f.now.Add(step)
		for _, m := range all {
			m.Tick(context.Background(), f.now.Add(m.skew))
		}
	}
}

// happens opens a problem, or brings it back, with deliveries to sinks.
func (f *fleet) happens(scope correlate.Scope, id string, sinks ...string) correlate.Key {
	b := correlate.Batch{
		Scope: scope, Signature: correlate.Signature{ID: id, Version: 2}, Rule: "errors",
		Threshold: correlate.Threshold{Count: 1, Within: time.Minute}, Quiet: time.Hour,
		Count: 1, First: f.now, Last: f.now, Sample: correlate.Sample{Time: f.now},
	}
	f.change(b.Key(), func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		p, change := p.Observe(b, f.now)
		switch change {
		case correlate.ChangeOpened:
			return p.Queue(correlate.OpOpen, sinks, f.now)
		case correlate.ChangeReopened:
			return p.Queue(correlate.OpReopen, sinks, f.now)
		}
		return p, nil
	})
	return b.Key()
}

func (f *fleet) change(key correlate.Key, fn func(correlate.Problem) (correlate.Problem, []correlate.Delivery)) {
	require.NoError(f.tb, f.store.Update(context.Background(), key, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		p, add := fn(p)
		return p, add, nil
	})))
}

func (f *fleet) problem(key correlate.Key) correlate.Problem {
	p, err := correlate.ReadProblem(context.Background(), f.store, key)
	require.NoError(f.tb, err)
	return p
}

// accept files what waits for a sink, as its engine would.
func (f *fleet) accept(scope correlate.Scope, sink string) (n int) {
	ctx := context.Background()
	ds, err := f.store.Claim(ctx, correlate.Claim{Scope: scope, Sinks: []string{sink}, Now: f.now, Lease: time.Minute, Max: 100})
	require.NoError(f.tb, err)
	for _, d := range ds {
		require.NoError(f.tb, f.store.Settle(ctx, d, correlate.Outcome{Done: true}, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
			return p.Accepted(d, correlate.Receipt{ID: "#" + d.ID}, p.Count, f.now), nil, nil
		})))
	}
	return len(ds)
}

const day = 24 * time.Hour

func TestWhatNobodyClaimsIsParked(t *testing.T) {
	for _, test := range []struct {
		rule   string
		run    func(f *fleet, sweeper *member)
		parked bool
	}{
		{"a service that is gone", func(f *fleet, sweeper *member) {
			f.pass(time.Hour, time.Minute, sweeper, f.join(checkout, 0, "jira"))
			f.pass(30*time.Hour, time.Minute, sweeper)
		}, true},
		{"a sink that was renamed", func(f *fleet, sweeper *member) {
			f.pass(time.Hour, time.Minute, sweeper, f.join(checkout, 0, "jira"))
			f.pass(30*time.Hour, time.Minute, sweeper, f.join(checkout, 0, "tracker"))
		}, true},
		{"a service that was never heard of, from when it was asked for", func(f *fleet, sweeper *member) {
			f.pass(30*time.Hour, time.Minute, sweeper)
		}, true},
		{"not before its time", func(f *fleet, sweeper *member) {
			f.pass(25*time.Hour, time.Minute, sweeper)
		}, false},
		{"not while an engine has it, however long that takes", func(f *fleet, sweeper *member) {
			f.pass(10*day, time.Minute, sweeper, f.join(checkout, 0, "jira"))
		}, false},
		{"nor while engines come and go", func(f *fleet, sweeper *member) {
			for range 10 {
				f.pass(20*time.Hour, time.Minute, sweeper)
				f.pass(10*time.Minute, time.Minute, sweeper, f.join(checkout, 0, "jira"))
			}
		}, false},
		{"nor while the clock of its engine is days behind", func(f *fleet, sweeper *member) {
			m := f.join(checkout, 0, "jira")
			m.skew = -5 * day
			f.pass(3*day, time.Minute, sweeper, m)
		}, false},
		{"nor because another one's is days ahead", func(f *fleet, sweeper *member) {
			m := f.join(checkout, 0, "jira")
			m.skew = 5 * day
			f.pass(3*day, time.Minute, sweeper, m, f.join(checkout, 0, "jira"))
		}, false},
		{"nor when nobody could reach the store for days", func(f *fleet, sweeper *member) {
			m := f.join(checkout, 0, "jira")
			f.pass(5*time.Hour, time.Minute, sweeper, m)
			sweeper.line.cut, m.line.cut = true, true
			f.pass(3*day, time.Minute, sweeper, m)
			sweeper.line.cut = false
			f.pass(50*time.Minute, time.Minute, sweeper, m) // it is slower to find it
			m.line.cut = false
			f.pass(10*time.Hour, time.Minute, sweeper, m)
		}, false},
		{"a service of another name is another one", func(f *fleet, sweeper *member) {
			f.pass(30*time.Hour, time.Minute, sweeper, f.join(payments, 0, "jira"))
		}, true},
		{"a roster that a newer program wrote is left alone", func(f *fleet, sweeper *member) {
			require.NoError(f.tb, f.store.Update(context.Background(), correlate.RosterKey(checkout), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
				return correlate.Record{Version: 99, Data: []byte("{}")}, nil, nil
			}))
			f.pass(3*day, time.Minute, sweeper)
		}, false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			f := newFleet(t)
			sweeper := f.join(ops, day, "jira")
			key := f.happens(checkout, "v2a", "jira")
			test.run(f, sweeper)
			filing := f.problem(key).Filing("jira")
			if !test.parked {
				require.Nil(t, filing.Parked, "%+v", filing.Parked)
				require.Len(t, filing.Pending, 1)
				require.Equal(t, 1, f.accept(checkout, "jira"), "it can be claimed")
				return
			}
			require.NotNil(t, filing.Parked)
			require.Empty(t, filing.Pending)
			require.Equal(t, correlate.OpOpen, filing.Parked.Operation)
			require.Regexp(t, `^for (24|25) hours no engine of checkout@prod has had a sink of this name: .*requeue`, filing.Parked.Reason)
			require.Zero(t, f.accept(checkout, "jira"), "the outbox has it no more")
			require.Equal(t, map[observe.DeliveryKey]int64{{Sink: "jira", Operation: "open", Outcome: "parked"}: 1}, sweeper.Counters.Counts())
			require.Equal(t, int64(1), sweeper.Parked.Counts()["jira"])
			require.Contains(t, sweeper.log.String(), "deliveries that nobody claims are parked")
			require.Contains(t, sweeper.log.String(), "service=checkout@prod sink=jira deliveries=1")
			require.Zero(t, f.problem(key).Expires())
		})
	}
}

func TestARequeuedDeliveryWaitsAgain(t *testing.T) {
	f := newFleet(t)
	sweeper := f.join(ops, day, "jira")
	key := f.happens(checkout, "v2a", "jira")
	f.pass(30*time.Hour, time.Minute, sweeper)
	require.NotNil(t, f.problem(key).Filing("jira").Parked)
	f.change(key, func(p correlate.Problem) (correlate.Problem, []correlate.Delivery) {
		return p.Queue(correlate.OpOpen, []string{"jira"}, f.now)
	})
	f.pass(20*time.Hour, time.Minute, sweeper)
	require.Nil(t, f.problem(key).Filing("jira").Parked)
	ds, err := f.store.Claim(t.Context(), correlate.Claim{Scope: checkout, Sinks: []string{"jira"}, Now: f.now, Lease: time.Second, Max: 9})
	require.NoError(t, err)
	require.Len(t, ds, 1, "an engine that has the sink finds it at once")
	require.Zero(t, ds[0].Attempts, "and with all of its attempts")
	f.pass(8*time.Hour, time.Minute, sweeper)
	require.NotNil(t, f.problem(key).Filing("jira").Parked, "until its time is over, too")
}

func TestQuietProblemsOfAServiceThatIsGone(t *testing.T) {
	for _, test := range []struct {
		rule   string
		filed  bool
		gone   bool
		state  correlate.State
		parked correlate.Operation // "" if nothing is
		kept   bool                // until somebody decides
	}{
		{"the end of a ticket is parked", true, true, correlate.Resolved, correlate.OpResolve, false},
		{"what was never filed stays an opening", false, true, correlate.Resolved, correlate.OpOpen, true},
		{"an engine that is there resolves its own", true, false, correlate.Open, "", true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			f := newFleet(t)
			sweeper, m := f.join(ops, day, "jira"), f.join(checkout, 0, "jira")
			key := f.happens(checkout, "v2a", "jira")
			if test.filed {
				require.Equal(t, 1, f.accept(checkout, "jira"))
			}
			f.pass(time.Hour, time.Minute, sweeper, m)
			all := []*member{sweeper, m}
			if test.gone {
				all = all[:1]
			}
			f.pass(3*day, time.Minute, all...)
			p := f.problem(key)
			require.Equal(t, test.state, p.State)
			require.Equal(t, test.kept, p.Expires().IsZero())
			if test.parked == "" {
				require.Nil(t, p.Filing("jira").Parked)
				return
			}
			require.Equal(t, test.parked, p.Filing("jira").Parked.Operation)
			require.Equal(t, map[string]int64{"jira": 1}, sweeper.Parked.Counts())
			require.Contains(t, sweeper.log.String(), "quiet problems of a service without an engine are resolved")
			if !test.kept {
				require.Contains(t, p.Filing("jira").Parked.Reason, "close that by hand")
				f.pass(31*day, time.Hour, sweeper)
				_, err := f.store.Claim(t.Context(), correlate.Claim{Scope: ops, Sinks: []string{"jira"}, Now: f.now, Lease: time.Second, Max: 1}) // tells it the time
				require.NoError(t, err)
				_, err = correlate.ReadProblem(t.Context(), f.store, key)
				require.ErrorIs(t, err, correlate.ErrNotFound, "no record stays for ever")
			}
		})
	}
}

// Many engines may be told to sweep; one does.
func TestOneSweepsAtATime(t *testing.T) {
	f := newFleet(t)
	var all []*member
	for range 5 {
		all = append(all, f.join(ops, day, "jira"))
	}
	f.happens(checkout, "v2a", "jira")
	turns := func() (n int) {
		for _, m := range all {
			if !m.last.IsZero() && f.now.Sub(m.last) < time.Hour {
				n++
			}
		}
		return n
	}
	f.pass(2*time.Hour, time.Minute, all...)
	require.Equal(t, 1, turns())
	first := slices.IndexFunc(all, func(m *member) bool { return !m.last.IsZero() })
	all = slices.Delete(all, first, first+1)
	f.pass(3*time.Hour, time.Minute, all...)
	require.Equal(t, 1, turns(), "another one goes on when it ends")
}

// Of the replicas of a service few write, and a service that is new is told of at once.
func TestAnnouncementsAreFew(t *testing.T) {
	f := newFleet(t)
	var all []*member
	for range 20 {
		all = append(all, f.join(checkout, 0, "jira"))
	}
	f.pass(5*time.Second, 5*time.Second, all...)
	r, err := correlate.UpdateRoster(t.Context(), f.store, checkout, f.now, func(r correlate.Roster) (correlate.Roster, bool) { return r, false })
	require.NoError(t, err)
	require.Equal(t, f.now, r.Had("jira"))
	f.pass(day, time.Minute, all...)
	writes := 0
	for _, m := range all {
		writes += m.line.writes
	}
	require.Less(t, writes, 40, "in a day, of 20 replicas")
	require.Greater(t, writes, 18)
}

// A store of many pages is gone through with pauses.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.now = time.Now()
		sweeper := f.join(ops, day, "jira")
		for i := range 3 * passPage {
			f.happens(checkout, "v2"+string(rune('a'+i%26))+string(rune('a'+i/26)), "jira")
		}
		began := time.Now()
		f.pass(30*time.Hour, 15*time.Minute, sweeper)
		require.Greater(t, time.Since(began), 100*3*pagePause/2)
		require.Equal(t, int64(3*passPage), sweeper.Parked.Counts()["jira"])
		require.Equal(t, int64(3*passPage), sweeper.Counters.Counts()[observe.DeliveryKey{Sink: "jira", Operation: "open", Outcome: "parked"}])

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, sweeper.pass(ctx, f.now), "it ends with its engine")
	})
}

// What is true in memory is true in a file.
func TestADurableStoreIsSwept(t *testing.T) {
	store, err := boltstore.Open(boltstore.Config{Path: filepath.Join(t.TempDir(), "tickets.db")})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	f := newFleet(t)
	f.store = store
	sweeper := f.join(ops, Least, "jira")
	waits, open := f.happens(checkout, "v2a", "jira", "pager"), f.happens(payments, "v2b", "jira")
	require.Equal(t, 1, f.accept(payments, "jira"))
	f.pass(14*time.Hour, 10*time.Minute, sweeper, f.join(checkout, 0, "pager"))
	require.NotNil(t, f.problem(waits).Filing("jira").Parked)
	require.Nil(t, f.problem(waits).Filing("pager").Parked)
	require.Equal(t, correlate.Open, f.problem(waits).State, "its service is there")
	require.Equal(t, correlate.Resolved, f.problem(open).State)
	require.Equal(t, map[string]int64{"jira": 2}, sweeper.Parked.Counts())
}
