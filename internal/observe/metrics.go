package observe

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// scope is the instrumentation scope of the library's metrics.
const scope = "github.com/spanticket/spanticket/autoticket"

// Gauges are sizes that are read when metrics are collected.
type Gauges struct {
	Queue, QueueCapacity, Traces, Problems, Held func() int64
	// Parked returns how many deliveries are parked, by sink.
	Parked func() map[string]int64
	// Waiting is how many batches wait for the store.
	Waiting func() int64
	// Lost is since when the store is out of reach, zero while it is not.
	Lost func() time.Time
	// Rules returns how many rules are sound, failing, and switched off.
	Rules func() (sound, failing, off int64)
	// Limits returns how it stands with each account of a sink.
	Limits func() []Limit
}

// Export makes instruments that show the counters, until stop is called. Their
// attributes have few values: reasons, sinks, operations, outcomes, states, accounts of sinks, classes
// of deliveries, and kinds of secrets.
// Names of rules are none: there may be thousands.
func Export(mp metric.MeterProvider, c *Counters, d *Deliveries, g Gauges) (stop func() error, err error) {
	m := mp.Meter(scope)
	spans, err1 := m.Int64ObservableCounter("spanticket.spans", metric.WithUnit("{span}"),
		metric.WithDescription("Spans that ended, by what became of them: healthy, decided or dropped, with the reason."))
	occurrences, err2 := m.Int64ObservableCounter("spanticket.occurrences", metric.WithUnit("{occurrence}"),
		metric.WithDescription("Failures that a rule wants, each counted at its origin."))
	matches, err3 := m.Int64ObservableCounter("spanticket.matches", metric.WithUnit("{span}"),
		metric.WithDescription("Spans that a rule matched."))
	deliveries, err4 := m.Int64ObservableCounter("spanticket.deliveries", metric.WithUnit("{delivery}"),
		metric.WithDescription("Attempts to deliver, by sink, operation and outcome."))
	queue, err5 := m.Int64ObservableUpDownCounter("spanticket.queue.size", metric.WithUnit("{span}"),
		metric.WithDescription("Spans on their way from the application to the engine."))
	capacity, err6 := m.Int64ObservableUpDownCounter("spanticket.queue.capacity", metric.WithUnit("{span}"))
	traces, err7 := m.Int64ObservableUpDownCounter("spanticket.trace.open", metric.WithUnit("{trace}"),
		metric.WithDescription("Traces with a failure that wait for their root."))
	problems, err8 := m.Int64ObservableUpDownCounter("spanticket.problem.open", metric.WithUnit("{problem}"),
		metric.WithDescription("Problems that are open, as far as this process knows."))
	held, err9 := m.Int64ObservableUpDownCounter("spanticket.problem.held", metric.WithUnit("{problem}"),
		metric.WithDescription("Problems that are open and have no ticket of their own."))
	rules, err10 := m.Int64ObservableUpDownCounter("spanticket.rules", metric.WithUnit("{rule}"),
		metric.WithDescription("Rules in force: sound, failing at times, or switched off for their cost."))
	reloads, err11 := m.Int64ObservableCounter("spanticket.rules.reloads", metric.WithUnit("{reload}"),
		metric.WithDescription("Times that rules were loaded again, or refused."))
	latency, err12 := m.Float64Histogram("spanticket.ticket.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the end of a span until a sink has accepted its ticket."),
		metric.WithExplicitBucketBoundaries(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800))
	withheld, err13 := m.Int64ObservableCounter("spanticket.withheld", metric.WithUnit("{value}"),
		metric.WithDescription("Values that were taken out of what is stored, sent and logged, because they are secret or personal, by kind."))
	state, err18 := m.Int64ObservableUpDownCounter("spanticket.limit.state", metric.WithUnit("{account}"),
		metric.WithDescription("Accounts of sinks, by whether calls are made: closed, limited, broken or half_open."))
	pace, err19 := m.Float64ObservableGauge("spanticket.limit.rate", metric.WithUnit("{call}/min"),
		metric.WithDescription("Calls that an account may get in the long run, at the pace that is kept."))
	remaining, err20 := m.Int64ObservableGauge("spanticket.limit.remaining", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that the system said are left."))
	wait, err21 := m.Float64Histogram("spanticket.delivery.wait", metric.WithUnit("s"),
		metric.WithDescription("Time from when a delivery was due until it was taken up, by how much it matters."),
		metric.WithExplicitBucketBoundaries(0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600))
	journal, err14 := m.Int64ObservableCounter("spanticket.journal", metric.WithUnit("{occurrence}"),
		metric.WithDescription("First occurrences by what became of them in the journal: kept, rate_limited or failed when they came; replayed or lost after a restart."))
	parked, err15 := m.Int64ObservableUpDownCounter("spanticket.delivery.parked", metric.WithUnit("{delivery}"),
		metric.WithDescription("Deliveries that are parked and wait for somebody to decide, by sink, as far as this process knows."))
	waiting, err16 := m.Int64ObservableUpDownCounter("spanticket.store.waiting", metric.WithUnit("{batch}"),
		metric.WithDescription("Batches of occurrences, each of one signature, that wait for the store."))
	lost, err17 := m.Int64ObservableGauge("spanticket.store.outage", metric.WithUnit("s"),
		metric.WithDescription("For how long the store has been out of reach; 0 while it is not."))
	panics, err22 := m.Int64ObservableCounter("spanticket.panics", metric.WithUnit("{panic}"),
		metric.WithDescription("Defects of the library that showed as panics of its own goroutines, which went on."))
	for _, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14, err15, err16, err17, err18, err19, err20, err21, err22} {
		if err != nil {
			return nil, fmt.Errorf("observe: making an instrument: %w", err)
		}
	}
	d.OnLatency(func(sink string, took time.Duration) {
		latency.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("spanticket.sink", sink)))
	})
	d.OnWait(func(sink, class string, took time.Duration) {
		wait.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("spanticket.sink", sink), attribute.String("spanticket.class", class)))
	})
	reg, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		observeSpans(o, spans, c)
		o.ObserveInt64(occurrences, c.Occurrences.Load())
		o.ObserveInt64(matches, c.Matches.Load())
		o.ObserveInt64(panics, c.Panics.Load())
		for k, n := range d.Counts() {
			o.ObserveInt64(deliveries, n, metric.WithAttributes(
				attribute.String("spanticket.sink", k.Sink),
				attribute.String("spanticket.operation", k.Operation),
				attribute.String("spanticket.outcome", k.Outcome)))
		}
		for kind, n := range c.Withheld.Counts() {
			o.ObserveInt64(withheld, n, metric.WithAttributes(attribute.String("spanticket.kind", kind)))
		}
		for _, l := range g.Limits() {
			account := attribute.String("spanticket.account", l.Account)
			for _, s := range LimitStates {
				n := map[bool]int64{true: 1}[s == l.State]
				o.ObserveInt64(state, n, metric.WithAttributes(account, attribute.String("spanticket.state", s)))
			}
			o.ObserveFloat64(pace, l.PerMinute, metric.WithAttributes(account))
			if l.Told {
				o.ObserveInt64(remaining, l.Remaining, metric.WithAttributes(account))
			}
		}
		for sink, n := range g.Parked() {
			o.ObserveInt64(parked, n, metric.WithAttributes(attribute.String("spanticket.sink", sink)))
		}
		o.ObserveInt64(queue, g.Queue())
		o.ObserveInt64(capacity, g.QueueCapacity())
		o.ObserveInt64(traces, g.Traces())
		o.ObserveInt64(problems, g.Problems())
		o.ObserveInt64(held, g.Held())
		o.ObserveInt64(waiting, g.Waiting())
		outage := int64(0)
		if since := g.Lost(); !since.IsZero() {
			outage = int64(time.Since(since) / time.Second)
		}
		o.ObserveInt64(lost, outage)
		sound, failing, off := g.Rules()
		for state, n := range map[string]int64{"sound": sound, "failing": failing, "off": off} {
			o.ObserveInt64(rules, n, metric.WithAttributes(attribute.String("spanticket.state", state)))
		}
		for outcome, n := range map[string]int64{"loaded": c.Reloaded.Load(), "refused": c.Refused.Load()} {
			o.ObserveInt64(reloads, n, metric.WithAttributes(attribute.String("spanticket.outcome", outcome)))
		}
		for outcome, n := range map[string]int64{
			"kept": c.Journal.Kept.Load(), "rate_limited": c.Journal.RateLimited.Load(), "failed": c.Journal.Failed.Load(),
			"replayed": c.Journal.Replayed.Load(), "lost": c.Journal.Lost.Load(),
		} {
			if n > 0 { // most engines have no journal
				o.ObserveInt64(journal, n, metric.WithAttributes(attribute.String("spanticket.outcome", outcome)))
			}
		}
		return nil
	}, spans, occurrences, matches, deliveries, queue, capacity, traces, problems, held, rules, reloads, withheld, journal, parked, waiting, lost, state, pace, remaining, panics)
	if err != nil {
		return nil, fmt.Errorf("observe: registering a callback: %w", err)
	}
	return func() error {
		d.OnLatency(nil)
		d.OnWait(nil)
		return reg.Unregister()
	}, nil
}

func observeSpans(o metric.Observer, spans metric.Int64ObservableCounter, c *Counters) {
	show := func(outcome, reason string, n int64) {
		o.ObserveInt64(spans, n, metric.WithAttributes(
			attribute.String("spanticket.outcome", outcome), attribute.String("spanticket.reason", reason)))
	}
	for r, n := range c.Decisions() {
		show("decided", r, n)
	}
	for r, n := range c.Dropped() {
		show("dropped", r, n)
	}
	show("healthy", "", c.Healthy())
}
