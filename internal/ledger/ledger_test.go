package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/redact"
)

var (
	start    = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	checkout = correlate.Scope{Service: "checkout", Environment: "production"}
)

// books is a ledger with what it works with.
type books struct {
	*Ledger
	t   *testing.T
	set *celrule.Set
	log *strings.Builder
	now time.Time
}

func open(t *testing.T, store correlate.Store, rule celrule.Rule, sinks ...string) *books {
	t.Helper()
	rule.Name, rule.When = "errors", "true"
	set, err := celrule.Compile([]celrule.Rule{rule}, nil)
	require.NoError(t, err)
	log := new(strings.Builder)
	l := New(Config{Store: store, Redactor: new(redact.Redactor), Sinks: sinks, Counters: observe.NewCounters(), Decided: func(correlate.Decision) {}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	return &books{Ledger: l, t: t, set: set, log: log, now: start}
}

// batch makes a batch of n occurrences that ended now.
func (b *books) batch(n int, edit ...func(*correlate.Occurrence)) coalesce.Batch {
	b.t.Helper()
	c := coalesce.Counts{Max: 1}
	for range n {
		o := &correlate.Occurrence{
			Scope: checkout, Rule: "errors", Operation: "POST /pay", Kind: "SERVER", Status: "ERROR", Start: b.now.Add(-time.Second), End: b.now,
			Exception: correlate.Exception{Type: "net.OpError", Message: "connection refused"},
		}
		for _, fn := range edit {
			fn(o)
		}
		_, ok := c.Add(o, b.set, 0, false, b.now)
		require.True(b.t, ok)
	}
	return c.Take()[0]
}

func (b *books) apply(batch coalesce.Batch) correlate.Change {
	b.t.Helper()
	change, err := b.Apply(b.t.Context(), batch, b.now)
	require.NoError(b.t, err)
	return change
}

// due takes and settles the deliveries that wait, and says what they are to do.
func due(t *testing.T, store correlate.Store, now time.Time, sinks ...string) (out []string) {
	t.Helper()
	for {
		ds, err := store.Claim(t.Context(), correlate.Claim{Scope: checkout, Sinks: sinks, Now: now, Lease: time.Minute, Max: 100})
		require.NoError(t, err)
		if len(ds) == 0 {
			return out
		}
		for _, d := range ds {
			out = append(out, string(d.Operation)+" "+d.Sink)
			require.NoError(t, store.Settle(t.Context(), d, correlate.Outcome{Done: true}, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
				return p.Accepted(d, correlate.Receipt{ID: "1"}, p.Count, now), nil, nil
			})))
		}
	}
}

func (b *books) problem(key correlate.Key) correlate.Problem {
	b.t.Helper()
	p, err := correlate.ReadProblem(b.t.Context(), b.Store, key)
	require.NoError(b.t, err)
	return p
}

func TestLifecycle(t *testing.T) {
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{Threshold: correlate.Threshold{Count: 3, Within: time.Minute}, Title: "pay fails"}, "jira", "slack")
	steps := []struct {
		rule string
		wait time.Duration
		n    int // occurrences; 0 sweeps
		want correlate.Change
		due  []string
	}{
		{"below the threshold nothing is filed", 0, 2, correlate.ChangeBelow, nil},
		{"at it, every sink is told", time.Second, 1, correlate.ChangeOpened, []string{"open jira", "open slack"}},
		{"a repeat is counted", time.Second, 10, correlate.ChangeCounted, nil},
		{"after a while the sinks are told that it goes on", 6 * time.Minute, 1, correlate.ChangeUpdated, []string{"update jira", "update slack"}},
		{"but not at every error", time.Minute, 1, correlate.ChangeCounted, nil},
		{"before its quiet period is over it stays open", 29 * time.Minute, 0, correlate.ChangeNone, nil},
		{"then it is resolved", time.Minute, 0, correlate.ChangeResolved, []string{"resolve jira", "resolve slack"}},
		{"once", time.Minute, 0, correlate.ChangeNone, nil},
		{"a single error does not bring it back", time.Minute, 1, correlate.ChangeBelow, nil},
		{"what reaches the threshold does", time.Second, 3, correlate.ChangeReopened, []string{"reopen jira", "reopen slack"}},
	}
	total := int64(0)
	for _, step := range steps {
		b.now = b.now.Add(step.wait)
		if step.n == 0 {
			resolved, err := b.Sweep(t.Context(), b.now)
			require.NoError(t, err, step.rule)
			require.Equal(t, step.want == correlate.ChangeResolved, resolved == 1, step.rule)
		} else {
			total += int64(step.n)
			require.Equal(t, step.want, b.apply(b.batch(step.n)), step.rule)
		}
		require.Equal(t, step.due, due(t, store, b.now, "jira", "slack"), step.rule)
	}
	p := b.problem(b.batch(1).Key())
	require.Equal(t, total, p.Count)
	require.Equal(t, "pay fails", p.Answers.Title)
	require.Equal(t, map[string]int64{"below_threshold": 3, "opened": 1, "reopened": 1, "deduplicated": 14}, b.Counters.Decisions())
	sum := int64(0)
	for _, n := range b.Counters.Decisions() {
		sum += n
	}
	require.Equal(t, total, sum, "each occurrence is decided once")
	require.Equal(t, 1, b.Open())
	require.Equal(t, b.now.Add(30*time.Minute), b.Next())
}

// broken is a store of which one method fails.
type broken struct {
	correlate.Store
	update, list bool
}

var errDown = errors.New("the store is out of reach")

func (s *broken) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) error {
	if s.update {
		return errDown
	}
	return s.Store.Update(ctx, key, fn)
}

func (s *broken) List(ctx context.Context, p correlate.Page) ([]correlate.Record, error) {
	if s.list {
		return nil, errDown
	}
	return s.Store.List(ctx, p)
}

func TestStoreThatFails(t *testing.T) {
	store := &broken{Store: new(correlate.Memory), update: true}
	b := open(t, store, celrule.Rule{}, "jira")
	batch := b.batch(5)
	_, err := b.Apply(t.Context(), batch, b.now)
	require.ErrorIs(t, err, errDown)
	require.Empty(t, b.Counters.Decisions(), "nothing is counted")
	require.Empty(t, b.Counters.Dropped(), "and nothing is lost")
	store.update = false
	require.Equal(t, correlate.ChangeOpened, b.apply(batch), "the caller kept the batch")
	require.Equal(t, int64(5), b.problem(batch.Key()).Count)

	b.now = b.now.Add(time.Hour)
	store.list = true
	_, err = b.Sweep(t.Context(), b.now)
	require.ErrorIs(t, err, errDown)
	store.list, store.update = false, true
	_, err = b.Sweep(t.Context(), b.now)
	require.ErrorIs(t, err, errDown)
	store.update = false
	resolved, err := b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, 1, resolved, "what is left is due again")
}

func TestWhatCannotBeStoredIsDropped(t *testing.T) {
	t.Run("a store that is full", func(t *testing.T) {
		store := &correlate.Memory{MaxRecords: 1}
		b := open(t, store, celrule.Rule{}, "jira")
		b.apply(b.batch(1))
		other := b.batch(7, func(o *correlate.Occurrence) { o.Operation = "POST /other" })
		require.Equal(t, correlate.ChangeNone, b.apply(other))
		require.Equal(t, map[string]int64{"store_refused": 7}, b.Counters.Dropped())
		require.Contains(t, b.log.String(), "occurrences are lost")
	})
	t.Run("a record of a newer program", func(t *testing.T) {
		store := new(correlate.Memory)
		b := open(t, store, celrule.Rule{}, "jira")
		batch := b.batch(3)
		newer := correlate.Record{Version: 99, Data: []byte(`{"state":"open"}`)}
		require.NoError(t, store.Update(t.Context(), batch.Key(), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) { return newer, nil, nil }))
		require.Equal(t, correlate.ChangeNone, b.apply(batch))
		require.Equal(t, map[string]int64{"store_refused": 3}, b.Counters.Dropped())
		b.now = b.now.Add(time.Hour)
		b.follow(batch.Key(), correlate.Problem{State: correlate.Open, LastSeen: start})
		_, err := b.Sweep(t.Context(), b.now)
		require.NoError(t, err, "whoever wrote it looks after it")
		require.Zero(t, b.Open())
		records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1})
		require.NoError(t, err)
		require.Equal(t, newer.Data, records[0].Data, "it is left as it is")
	})
	t.Run("a time that no format holds", func(t *testing.T) {
		b := open(t, new(correlate.Memory), celrule.Rule{}, "jira")
		b.now = time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)
		batch := b.batch(1)
		b.now = start
		_, err := b.Apply(t.Context(), batch, b.now)
		require.NoError(t, err, "one span must not keep all others from being counted")
	})
}

func TestNoSecretIsStored(t *testing.T) {
	n := 0
	var secrets []string
	secret := func() string {
		n++
		s := "ghp" + "_" + fmt.Sprintf("%x", sha256.Sum256([]byte{byte(n)}))[:36]
		secrets = append(secrets, s)
		return "a " + s + " b"
	}
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{
		Title: `"failed: " + span.attributes["note"]`, Team: `span.attributes["note"]`, Severity: `span.attributes["note"]`,
		Labels: []string{`span.attributes["note"]`}, Runbook: `"https://runbooks.example/?token=" + span.attributes["raw"]`,
		Sinks: []string{`span.attributes["note"]`}, SignatureExpr: `[span.attributes["note"]]`,
	}, "jira")
	raw := "ghp" + "_" + strings.Repeat("a1B2", 9)
	secrets = append(secrets, raw)
	batch := b.batch(1, func(o *correlate.Occurrence) {
		o.Operation, o.Message = secret(), secret()
		o.Exception = correlate.Exception{Type: secret(), Message: secret(), Stacktrace: secret()}
		o.Attributes = []correlate.Attribute{{Key: "note", Value: secret()}, {Key: secret(), Value: "x"}, {Key: "list", Value: []string{secret(), secret()}}, {Key: "raw", Value: raw}, {Key: "db.password", Value: "hunter2hunter2"}}
		o.Resource = []correlate.Attribute{{Key: "host.name", Value: secret()}}
		o.Path = []correlate.Step{{Service: secret(), Operation: secret(), Kind: secret()}}
	})
	shared := batch.Newest.Path
	secrets = append(secrets, "hunter2hunter2")
	require.Equal(t, correlate.ChangeOpened, b.apply(batch))
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	for _, s := range secrets {
		require.NotContains(t, string(records[0].Data), s)
		require.NotContains(t, b.log.String(), s)
	}
	p := b.problem(batch.Key())
	require.Contains(t, p.Answers.Title, "failed: a [REDACTED:github-token] b")
	require.Equal(t, []string{"jira"}, p.Answers.Sinks, "a sink that is not configured is none")
	require.Contains(t, shared[0].Service, "ghp", "what is shared with the occurrence is not changed")
}

// A redactor that is not there panics within Document, as a defect in a
// detector would.
func TestWhatCannotBeRedactedIsNotStored(t *testing.T) {
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{Title: "pay fails"}, "jira")
	b.Redactor = nil
	batch := b.batch(4)
	require.Equal(t, correlate.ChangeOpened, b.apply(batch), "it is counted, and filed, all the same")
	require.Equal(t, []string{"open jira"}, due(t, store, b.now, "jira"))
	p := b.problem(batch.Key())
	require.Equal(t, int64(4), p.Count)
	require.Equal(t, correlate.Sample{Time: b.now, Duration: time.Second, Operation: "[REDACTED:failed]"}, p.Samples[0])
	require.Empty(t, p.Signature.Components)
	require.Equal(t, 30*time.Minute, p.Answers.Quiet)
	require.Equal(t, []string{"jira"}, p.Answers.Sinks)
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 1})
	require.NoError(t, err)
	require.NotContains(t, string(records[0].Data), "connection refused")
}

func TestSinks(t *testing.T) {
	for _, test := range []struct {
		rule  string
		names []string
		have  []string
		want  []string
	}{
		{"a rule that names none has all", nil, []string{"a", "b"}, []string{"open a", "open b"}},
		{"or those that it names", []string{"b"}, []string{"a", "b"}, []string{"open b"}},
		{"one that is not there is left out", []string{"b", `"c"`}, []string{"a", "b"}, []string{"open b"}},
		{"if none is there, all are told", []string{`"c"`, `"d"`}, []string{"a", "b"}, []string{"open a", "open b"}},
		{"one that is named twice is told once", []string{"b", `"b"`}, []string{"a", "b"}, []string{"open b"}},
		{"a name that looks like personal data is a name", nil, []string{"ops@shop.example"}, []string{"open ops@shop.example"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			store := new(correlate.Memory)
			b := open(t, store, celrule.Rule{Sinks: test.names}, test.have...)
			b.apply(b.batch(1))
			require.Equal(t, test.want, due(t, store, b.now, test.have...))
			require.Equal(t, test.have, b.Sinks, "the configuration is not touched")
		})
	}
}

func TestSweepFindsTheProblemsOfOthers(t *testing.T) {
	store := new(correlate.Memory)
	first := open(t, store, celrule.Rule{Budget: 1000}, "jira")
	var keys []correlate.Key
	for i := range 2*page + 1 { // several pages
		batch := first.batch(1, func(o *correlate.Occurrence) { o.Operation = "op " + strings.Repeat("x", i+1) })
		keys = append(keys, batch.Key())
		first.apply(batch)
	}
	require.Equal(t, len(keys), first.Open())
	require.Len(t, due(t, store, start, "jira"), len(keys))

	t.Run("those of the process before", func(t *testing.T) {
		second := open(t, store, celrule.Rule{}, "jira")
		second.Join(checkout)
		resolved, err := second.Sweep(t.Context(), start.Add(time.Minute))
		require.NoError(t, err)
		require.Zero(t, resolved)
		require.Equal(t, len(keys), second.Open())
	})
	t.Run("and of replicas that are gone, but no other service's", func(t *testing.T) {
		other := open(t, store, celrule.Rule{}, "jira")
		other.Join(correlate.Scope{Service: "cart"})
		resolved, err := other.Sweep(t.Context(), start.Add(time.Hour))
		require.NoError(t, err)
		require.Zero(t, resolved)
	})
	t.Run("two ledgers resolve a problem once", func(t *testing.T) {
		a, b := open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira")
		a.Join(checkout)
		b.Join(checkout)
		_, err := b.Sweep(t.Context(), start.Add(time.Minute)) // both know of all
		require.NoError(t, err)
		n, err := a.Sweep(t.Context(), start.Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, len(keys), n)
		n, err = b.Sweep(t.Context(), start.Add(time.Hour))
		require.NoError(t, err)
		require.Zero(t, n)
		require.Zero(t, b.Open())
		require.True(t, b.Next().IsZero())
		require.Equal(t, len(keys), len(due(t, store, start.Add(time.Hour), "jira")), "and the sink is told once")
	})
}

func TestSweepAsksAgainNowAndThen(t *testing.T) {
	store := new(correlate.Memory)
	mine, theirs := open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira")
	mine.Join(checkout)
	_, err := mine.Sweep(t.Context(), start)
	require.NoError(t, err)
	theirs.apply(theirs.batch(1))
	_, err = mine.Sweep(t.Context(), start.Add(listEvery-time.Second))
	require.NoError(t, err)
	require.Zero(t, mine.Open())
	_, err = mine.Sweep(t.Context(), start.Add(listEvery))
	require.NoError(t, err)
	require.Equal(t, 1, mine.Open())
}

func TestAProblemThatGoesOnElsewhereStaysOpen(t *testing.T) {
	store := new(correlate.Memory)
	mine, theirs := open(t, store, celrule.Rule{}, "jira"), open(t, store, celrule.Rule{}, "jira")
	mine.apply(mine.batch(1))
	theirs.now = start.Add(20 * time.Minute)
	theirs.apply(theirs.batch(1))
	resolved, err := mine.Sweep(t.Context(), start.Add(30*time.Minute))
	require.NoError(t, err)
	require.Zero(t, resolved)
	require.Equal(t, start.Add(50*time.Minute), mine.Next())
}

func TestParkedOpeningIsNotForgotten(t *testing.T) {
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{}, "jira")
	batch := b.batch(1)
	b.apply(batch)
	ds, err := store.Claim(t.Context(), correlate.Claim{Scope: checkout, Sinks: []string{"jira"}, Now: b.now, Lease: time.Minute, Max: 1})
	require.NoError(t, err)
	require.NoError(t, store.Settle(t.Context(), ds[0], correlate.Outcome{Done: true}, correlate.UpdateProblem(func(p correlate.Problem) (correlate.Problem, []correlate.Delivery, error) {
		return p.GivenUp(ds[0], "rejected", b.now), nil, nil
	})))
	b.now = b.now.Add(10 * time.Minute)
	require.Equal(t, correlate.ChangeUpdated, b.apply(b.batch(1)))
	require.NotNil(t, b.problem(batch.Key()).Filing("jira").Parked, "an update does not take its place")
	b.now = b.now.Add(time.Hour)
	_, err = b.Sweep(t.Context(), b.now)
	require.NoError(t, err)
	require.NotNil(t, b.problem(batch.Key()).Filing("jira").Parked, "nor does the end")
	require.Empty(t, due(t, store, b.now, "jira"))
}

func TestScopes(t *testing.T) {
	b := open(t, new(correlate.Memory), celrule.Rule{}, "jira")
	for i := range maxScopes + 10 {
		b.Join(correlate.Scope{Service: fmt.Sprintf("s%04d", maxScopes-i+10)})
		b.Join(correlate.Scope{Service: fmt.Sprintf("s%04d", maxScopes-i+10)})
	}
	scopes := b.Scopes()
	require.Len(t, scopes, maxScopes, "they are bounded")
	require.True(t, slices.IsSortedFunc(scopes, correlate.Scope.Compare))
	scopes[0].Service = "changed"
	require.NotEqual(t, scopes[0], b.Scopes()[0], "a copy is given out")
}
