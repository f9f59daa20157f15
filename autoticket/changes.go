package autoticket

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/outage"
)

const (
	// maxNotices bounds the spans that wait to be looked at for what they tell of
	// deployments and of who calls whom.
	maxNotices = 128
	// maxCases bounds the problems for which rates are fetched, and keepCase is how long
	// they are for one that nobody asks about any more.
	maxCases = 64
	keepCase = time.Hour
	// maxAsOf is how old rates may be that were fetched.
	maxAsOf = 5 * time.Minute
)

// changes is what is known of what was deployed, and of who depends on whom. It
// answers who is to blame from memory; the scout's goroutine, or a replay, keeps it up
// to date. All is safe for concurrent use, but for the converter.
type changes struct {
	tracker *deployment.Tracker
	graph   *deployment.Graph
	rates   deployment.Rates // of the host; nil if it has none
	meter   *meter           // of this fleet; nil if the host has its own
	window  time.Duration
	present present

	convert capture.Converter // belongs to who keeps it up to date
	notices chan sdktrace.ReadOnlySpan
	wake    chan struct{}
	missed  atomic.Int64 // announcements that there was no room for
	asOf    atomic.Int64 // when rates were fetched last, in Unix seconds; 0 if never

	mu    sync.Mutex
	cases map[correlate.Key]askedCase
}

// askedCase is a problem for which rates are to be fetched.
type askedCase struct {
	deployment.Case
	asked time.Time
}

// newChanges returns what knows of deployments, or nil if that is not wanted.
func newChanges(c Config, convert capture.Converter, t *capture.Traffic, memory bool, p process) *changes {
	d := c.Deployments
	if d.Off {
		return nil
	}
	store := outage.NewStore(c.Store, storeTimeout, false)
	out := &changes{
		// What a replay has in memory is all that there is.
		tracker: deployment.NewTracker(deployment.Config{Store: store, Redactor: c.Redactor, Forgets: memory && !p.replays}),
		graph:   cmp.Or(d.Graph, new(deployment.Graph)), rates: d.Rates, window: d.Window,
		convert: convert.Clone(), notices: make(chan sdktrace.ReadOnlySpan, maxNotices), wake: make(chan struct{}, 1),
		cases: map[correlate.Key]askedCase{},
	}
	if out.rates == nil {
		out.meter = newMeter(t, convert.Clone(), store, memory, c.Redactor, p.began, p.clock)
	}
	if c.Resource != nil {
		out.present.arrive(c.Resource)
	}
	if m, ok := c.Store.(*correlate.Memory); ok && m != nil {
		_ = out.tracker.Refresh(context.Background(), time.Now()) // from memory, and so at once
	}
	return out
}

// tell has a ledger ask here. A defect, or one of the host's rates, costs an answer.
func (c *changes) tell(l *ledger.Config, panicked func(harm string, v any)) {
	if c == nil {
		return
	}
	guard := func() {
		if v := recover(); v != nil {
			panicked("it is not known who is to blame for a problem", v)
		}
	}
	l.Suspects = func(p correlate.Problem, now time.Time) correlate.Suspects {
		defer guard()
		return c.suspects(p, now)
	}
	l.Changed = func(scope correlate.Scope, now time.Time) time.Time {
		defer guard()
		return c.tracker.History().Changed(scope, now)
	}
	l.Learnt = c.tracker.Learnt
	l.Coming = func(p correlate.Problem) {
		defer guard()
		c.coming(p, time.Now())
	}
	l.Met = func(caller, callee correlate.Scope, at time.Time) {
		c.graph.See(caller, deployment.Peer{Scope: callee}, at)
	}
}

// outcomes counts the deployments that were announced to this process by what became of
// them.
func (c *changes) outcomes() map[string]int64 {
	st := c.tracker.Stats()
	return map[string]int64{
		"noted": st.Noted, "known": st.Known, "invalid": st.Invalid, "too_many": st.TooMany, "failed": st.Failed, "missed": c.missed.Load(),
	}
}

// stats returns what is known and what was told.
func (c *changes) stats() (st DeploymentStats) {
	if c == nil {
		return st
	}
	of := c.tracker.Stats()
	st = DeploymentStats{Known: c.tracker.History().Len(), Damaged: of.Damaged, Unread: of.Unread, Announced: c.outcomes()}
	maps.DeleteFunc(st.Announced, func(_ string, n int64) bool { return n == 0 })
	return st
}

// stir wakes the scout. It never blocks.
func (c *changes) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// notice takes a span that may announce a deployment or, if it is one of a few, tell of a
// call. It is called on the goroutine that ended the span, and never blocks.
func (c *changes) notice(sp sdktrace.ReadOnlySpan, few bool) {
	announces := deployment.Announces(sp)
	if !announces {
		if !few {
			return
		}
		switch sp.SpanKind() {
		case trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer:
		default:
			return
		}
	}
	select {
	case c.notices <- sp:
	default:
		if announces {
			c.missed.Add(1)
		}
	}
}

// suspects returns who is to blame for a problem, as far as that is known. It returns the
// zero Suspects while nothing was read yet.
func (c *changes) suspects(p correlate.Problem, now time.Time) (s correlate.Suspects) {
	h := c.tracker.History()
	if h == nil {
		return s
	}
	of := deployment.CaseOf(p)
	of.Window = c.window
	at := now
	if _, ok := c.rates.(deployment.Fetcher); ok {
		c.expect(p.Scope, p.ID, of, now)
		// What was fetched answers the questions of that time alone.
		if t := time.Unix(c.asOf.Load(), 0); !t.Before(of.First) && now.Sub(t) < maxAsOf && !t.After(now) {
			at = t
		}
	}
	rates := c.rates
	switch {
	case !failed(p):
		rates = nil // they count what failed
	case c.meter != nil:
		rates = c.meter.counts.At(now)
	}
	v := deployment.Suspects(of, h, c.graph, rates, at)
	if len(p.Suspects.Ranked) > 0 && slices.ContainsFunc(v.Cleared, func(c deployment.Cleared) bool { return c.Reason == deployment.NotCounted }) {
		return s // another replica may know more: it was its answer
	}
	s = v.Answer(now)
	if v.Reason == deployment.NoHistory && c.tracker.Forgets() {
		s.Reason += ": the store is in memory, and forgets what ran before"
	}
	return s
}

// failed reports whether what occurs has failed, and not but taken too long.
func failed(p correlate.Problem) bool { return p.Newest().Status == "ERROR" }

// coming is told of a problem that may open.
func (c *changes) coming(p correlate.Problem, now time.Time) {
	if _, ok := c.rates.(deployment.Fetcher); ok {
		of := deployment.CaseOf(p)
		of.Window = c.window
		c.expect(p.Scope, p.ID, of, now)
	}
}

// expect notes a problem for which rates are to be fetched. Beyond maxCases that one goes
// about which nobody asked for longest.
func (c *changes) expect(scope correlate.Scope, id string, of deployment.Case, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id}
	was, known := c.cases[key]
	if !known && len(c.cases) >= maxCases {
		var out correlate.Key
		var oldest time.Time
		for k, a := range c.cases {
			if oldest.IsZero() || a.asked.Before(oldest) {
				out, oldest = k, a.asked
			}
		}
		delete(c.cases, out)
	}
	c.cases[key] = askedCase{Case: of, asked: now}
	if !known || !was.First.Equal(of.First) {
		c.stir()
	}
}

// questions returns what is to be fetched.
func (c *changes) questions(now time.Time) (queries []deployment.Query) {
	c.mu.Lock()
	var all []deployment.Case
	for key, a := range c.cases {
		if now.Sub(a.asked) > keepCase {
			delete(c.cases, key)
			continue
		}
		all = append(all, a.Case)
	}
	c.mu.Unlock()
	h := c.tracker.History()
	for _, of := range all {
		queries = append(queries, deployment.Questions(of, h, c.graph, now)...)
	}
	return queries
}

// near returns the services whose deployments matter most here: those of this process and,
// if something is open, what they depend on and is deployed at all.
func (c *changes) near(now time.Time, open bool) []correlate.Scope {
	h := c.tracker.History()
	var out []correlate.Scope
	for _, r := range c.present.all(now) {
		scope := c.convert.Scope(r)
		if !slices.Contains(out, scope) && len(out) < maxNear {
			out = append(out, scope)
		}
	}
	if !open {
		return out
	}
	for _, scope := range slices.Clone(out) {
		for _, r := range c.graph.Upstream(scope, now) {
			if !h.Since(r.Scope).IsZero() && !slices.Contains(out, r.Scope) && len(out) < maxNear {
				out = append(out, r.Scope)
			}
		}
	}
	return out
}

// maxNear bounds the services that are read apart from all others.
const maxNear = 16
