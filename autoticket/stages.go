package autoticket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/internal/decisionlog"
	"github.com/spanticket/spanticket/internal/flood"
	"github.com/spanticket/spanticket/internal/journal"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/observe"
	"github.com/spanticket/spanticket/internal/outage"
	"github.com/spanticket/spanticket/internal/outbox"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

const (
	// maxTraceSpans bounds the spans of one trace that wait for its decision.
	maxTraceSpans = 2048
	// maxQueueBytes bounds what the queued spans hold.
	maxQueueBytes = 32 << 20
	// maxPending bounds the signatures that wait for the store.
	maxPending = 2048
	// maxOpen bounds the open problems: new signatures beyond it are counted as one.
	maxOpen = 100_000
	// linger is how long a whole trace waits for spans that end after its root:
	// the clocks of its services differ.
	linger = 2 * time.Second
	// calleeWait is how long a call that failed waits for what its callee has to
	// say, which may be busy or have a store that is.
	calleeWait = 3 * time.Second
	// maxOrigins bounds the requests of which callers are told at a time.
	maxOrigins = 64
)

// stages are the steps that a span goes through, from the gate to the sinks,
// without a goroutine or a clock: an Engine runs them in real time, Replay in
// the time of recorded spans.
type stages struct {
	config     Config
	alone      bool                  // there are no neighbours to tell or to ask
	lasting    bool                  // the store is the host's, and may know of runs before
	shadow     bool                  // nothing is sent
	sinks      []string              // names of all
	fit        map[string]sinks.Sink // in which may be filed while the store is out of reach
	store      *outage.Store
	reach      reach
	panics     panics
	audit      *slog.Logger
	counters   *observe.Counters
	deliveries *observe.Deliveries
	parked     *observe.Parked
	decisions  decisions
	gate       *capture.Gate
	convert    capture.Converter
	table      *assemble.Table
	counts     coalesce.Counts
	calls      coalesce.Counts         // of calls to other services, which may say what became of them
	called     time.Time               // since when something is in calls
	origins    []correlate.TraceOrigin // to be published
	ledger     *ledger.Ledger
	outbox     *outbox.Outbox
	off        map[string]bool             // rules that were switched off, as far as was told
	numbered   atomic.Int64                // the last batch that was given a number
	firsts     *firsts                     // nil without a journal
	kept       map[counted][]journal.Entry // of what is in counts and calls
	crowds     crowds
	paths      paths
	changes    *changes             // nil if nothing is to be known of deployments
	refused    map[string]time.Time // sinks that refuse their credentials, and when that was told last
}

// newStages checks the configuration and returns everything that is wrong with
// it. process describes this program, where a resource is silent; jitter spreads
// retries.
func newStages(c Config, process process, jitter rand.Source) (*stages, error) {
	lasting := c.Store != nil
	alone := c.WholeTraces || !lasting // nobody else could say anything
	if c.Redactor != nil {
		if err := c.Redactor.Ready(); err != nil { // no other error could be told
			return nil, fmt.Errorf("autoticket: Config.Redactor: %w", err)
		}
	}
	counters := observe.NewCounters()
	c.Redactor = cmp.Or(c.Redactor, new(redact.Redactor)).Reporting(counters.Withheld.Add)
	c = c.withDefaults(counters.Withheld.Add)
	names := slices.Sorted(maps.Keys(c.Sinks))
	invalid := c.validate()
	rules, badRules := c.compileRules(names, nil)
	enrichers, badEnrichers := c.enrichers()
	if err := errors.Join(invalid, badRules, badEnrichers); err != nil {
		return nil, safeError(c.Redactor, err)
	}
	s := &stages{config: c, alone: alone, lasting: lasting, shadow: c.Mode == modeShadow, sinks: names, audit: slog.New(c.Audit), counters: counters, deliveries: new(observe.Deliveries), parked: new(observe.Parked)}
	s.fit = outage.Fit(c.Sinks)
	_, memory := c.Store.(*correlate.Memory)
	s.store = outage.NewStore(c.Store, storeTimeout, len(s.fit) > 0)
	s.decisions = decisions{redactor: c.Redactor, log: decisionlog.New(), tell: c.OnDecision, count: counters.Withheld.Add}
	mark := new(assemble.Mark)
	s.gate = capture.NewGate(rules, mark, s.counters, c.QueueSize, maxQueueBytes)
	s.gate.Decided = s.decisions.decide
	s.gate.Whole, s.convert.Whole = c.WholeTraces, c.WholeTraces
	s.convert.Fallback = process.attributes
	s.convert.Scrub = func(name string) string { return safeText(c.Redactor, name) }
	if s.convert.UserKey = c.UserKey; len(c.UserKey) == 0 {
		s.convert.UserKey = randomKey()
	}
	limits := assemble.Limits{Traces: c.MaxTraces, Spans: maxTraceSpans, Wait: c.TraceWait, Whole: c.WholeTraces}
	if c.WholeTraces {
		limits.Linger = linger
	}
	s.table = assemble.NewTable(limits, mark, s.found, s.decided)
	s.counts = coalesce.Counts{
		Signer: correlate.Signer{Module: process.module}, Max: maxPending, Flood: flood.New(flood.Limits{}),
		Full: func() bool { return s.ledger.Open() >= maxOpen },
	}
	s.calls = s.counts
	s.changes = newChanges(c, s.convert, s.gate.Traffic, memory, process)
	ledgers := ledger.Config{
		Store: s.store, Redactor: c.Redactor, Sinks: names, Counters: s.counters, Parked: s.parked, Decided: s.decisions.record, Logger: c.Logger,
		Link:   func(s string) string { return render.URL(c.Redactor, s) },
		Learn:  func(p correlate.Problem) { coalesce.Learn(s.counts.Flood, s.counts.Signer, p) },
		Writer: randomID(), Peers: c.Peers, Shadow: s.shadow, Budget: int64(c.TicketsPerHour), Adopt: c.Adopt,
	}
	s.changes.tell(&ledgers, s.panicked)
	s.ledger = ledger.New(ledgers)
	s.outbox = outbox.New(outbox.Config{
		Store:    s.store,
		Renderer: &render.Renderer{Redactor: c.Redactor, Enrichers: enrichers, Attributes: c.Attributes, Budget: c.EnrichTimeout},
		Redactor: c.Redactor,
		Scopes:   s.ledger.Scopes,
		Counters: s.deliveries,
		Parked:   s.parked,
		Logger:   c.Logger,
		Jitter:   jitter,
		Own:      s.gate.Own,
		Alone:    memory,
	}, c.Sinks, func(name string) outbox.Options { return c.Delivery[name].options() })
	if c.Resource != nil {
		rules.Prepare(c.Resource)
		s.ledger.Join(s.convert.Scope(c.Resource))
	}
	return s, nil
}

// process is what a program knows of itself without being told.
type process struct {
	module     string
	attributes []correlate.Attribute
	began      time.Time // zero if that is not known
	replays    bool      // what others have recorded
	clock      func() time.Time
}

func thisProcess() process {
	module, attrs := enrich.Build()
	return process{module: module, attributes: attrs, began: time.Now(), clock: time.Now}
}

// source is what a node carries of the match that its span had.
type source struct {
	set      *celrule.Set
	rule     int   // that matched, or whose unless held; -1 if there is none
	more     []int // that matched too
	excluded bool
	kept     []journal.Entry
	stand    capture.Stand
}

// take brings an item from the gate into the assembly of its trace.
func (s *stages) take(it capture.Item, now time.Time) {
	s.gate.Taken(it)
	decided := false
	defer func() {
		if v := recover(); v != nil {
			s.panicked("a span is lost", v)
			if it.Counts && !decided {
				s.counters.Add(correlate.Panicked, 1)
				s.release(it.Kept)
			}
		}
	}()
	n := s.convert.Node(it)
	n.Tag = source{set: it.Set, rule: it.Rule, more: it.More, excluded: it.Excluded, kept: it.Kept, stand: it.Stand}
	decided = true
	s.learn(it, n.Occurrence, now)
	s.table.Add(n, now)
}

// found counts the origin of a failure under its signature, once for each rule
// that takes it.
func (s *stages) found(f assemble.Found, now time.Time) {
	counted := false
	defer func() {
		if v := recover(); v != nil { // the other failures of its trace go on
			s.panicked("a failure is lost", v)
			if !counted {
				s.counters.Add(correlate.Panicked, 1)
			}
		}
	}()
	s.counters.Occurrences.Add(1)
	by := f.By.Tag.(source)
	kept := takeKept(f.Node)
	if f.By != f.Node {
		kept = append(kept, takeKept(f.By)...)
	}
	stand := f.Node.Tag.(source).stand
	s.counters.Occurrences.Add(stand.Like)
	if s.changes != nil {
		s.changes.graph.LearnPath(f.Node.Occurrence.Scope, f.Node.Occurrence.Path, now)
	}
	id := s.count(f.Node.Occurrence, by.set, by.rule, false, kept, stand.Like, now)
	counted = true
	for _, rule := range by.more {
		o := *f.Node.Occurrence
		s.count(&o, by.set, rule, true, nil, stand.Like, now)
	}
	s.standFor(stand, f.Node.Occurrence, by, now)
	if !f.Further && id != "" {
		s.publish(f.Node.Occurrence, id)
	}
}

// count counts an occurrence under its signature, which it returns, or "" if
// there was no room. further says that another rule has taken it already, so that
// its span is decided. kept is what the journal has of it, and others how many more
// it stands for.
func (s *stages) count(o *correlate.Occurrence, set *celrule.Set, rule int, further bool, kept []journal.Entry, others int64, now time.Time) string {
	o.Rule = set.Rule(rule).Name
	d := decisionOf(o, correlate.StageAssemble, correlate.Origin)
	counts := s.countsOf(o, now)
	id, ok := counts.Add(o, set, rule, further, now)
	d.Signature = id
	s.explain(d)
	if ok {
		counts.Grow(id, others)
		if len(kept) > 0 {
			s.keep(counted{id, counts == &s.calls}, kept)
		}
		return id
	}
	s.release(kept)
	d.Stage, d.Reason = correlate.StageDecide, correlate.SignaturesFull
	s.explain(d)
	if !further {
		s.counters.Add(correlate.SignaturesFull, 1)
	}
	return ""
}

// countsOf returns where an occurrence is counted.
func (s *stages) countsOf(o *correlate.Occurrence, now time.Time) *coalesce.Counts {
	if s.alone || !coalesce.IsCall(o) {
		return &s.counts
	}
	if s.calls.Len() == 0 {
		s.called = now
	}
	return &s.calls
}

// decided counts what became of a failing span. Origins are counted when their
// problem is.
func (s *stages) decided(n *assemble.Node, r correlate.Reason, origin *assemble.Node) {
	defer s.recover("a decision is lost")
	by := n.Tag.(source)
	if len(by.kept) > 0 && r != correlate.Origin {
		s.passOn(n, r, origin)
	}
	switch {
	case r == correlate.Origin:
		return
	case r == correlate.NoRule && by.excluded:
		r = correlate.Excluded
	}
	s.counters.Add(r, 1)
	d := decisionOf(n.Occurrence, correlate.StageAssemble, r)
	if by.rule >= 0 {
		d.Rule = by.set.Rule(by.rule).Name
	}
	if origin != nil {
		d.Detail = "of " + origin.Step.Operation + ", span " + origin.Span.String()
	}
	s.explain(d)
}

// explain records a decision that is counted already.
func (s *stages) explain(d correlate.Decision) {
	defer s.recover("a decision is not explained")
	s.decisions.record(d)
}

// decisionOf returns the decision about the span of an occurrence.
func decisionOf(o *correlate.Occurrence, stage correlate.Stage, r correlate.Reason) correlate.Decision {
	return correlate.Decision{
		Time: o.End, Stage: stage, Reason: r, Count: 1, TraceID: o.TraceID, SpanID: o.SpanID,
		Scope: o.Scope, Operation: o.Operation, Rule: o.Rule,
	}
}

// claim returns what may be delivered now. In shadow nothing may.
func (s *stages) claim(ctx context.Context, now time.Time) (jobs []outbox.Job, more bool, err error) {
	if s.shadow {
		return nil, false, nil
	}
	return s.outbox.Claim(ctx, now)
}

// deliver carries out one job and settles it. waits says that it is to be tried
// again.
func (s *stages) deliver(ctx context.Context, o *outbox.Outbox, j outbox.Job, now func() time.Time) (waits bool, err error) {
	r := o.Deliver(ctx, j)
	// What became of it must be stored even when the engine is going away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return o.Settle(ctx, r, now())
}
