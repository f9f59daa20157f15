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
	// Deployments returns what became of the deployments that were announced, by outcome, and
	// Known how many are known. nil if nothing is to be known of them.
	Deployments func() map[string]int64
	Known       func() int64
	// Limits returns how it stands with each account of a sink.
	Limits func() []Limit
}

// Export makes instruments that show the counters, until stop is called. Their
// attributes have few values: reasons, sinks, operations, outcomes, states, accounts of sinks, classes
// of deliveries, and kinds of secrets.
// Names of rules are none: there may be thousands.
func Export(mp metric.MeterProvider, c *Counters, d *Deliveries, g Gauges) (stop func() error, err error) {
	m := instruments{meter: mp.Meter(scope)}
	spans := m.counter("spanticket.spans", "{span}", "Spans that ended, by what became of them: healthy, decided or dropped, with the reason.")
	occurrences := m.counter("spanticket.occurrences", "{occurrence}", "Failures that a rule wants, each counted at its origin.")
	matches := m.counter("spanticket.matches", "{span}", "Spans that a rule matched.")
	deliveries := m.counter("spanticket.deliveries", "{delivery}", "Attempts to deliver, by sink, operation and outcome.")
	queue := m.upDown("spanticket.queue.size", "{span}", "Spans on their way from the application to the engine.")
	capacity := m.upDown("spanticket.queue.capacity", "{span}", "Spans that there is room for on that way.")
	traces := m.upDown("spanticket.trace.open", "{trace}", "Traces with a failure that wait for their root.")
	problems := m.upDown("spanticket.problem.open", "{problem}", "Problems that are open, as far as this process knows.")
	held := m.upDown("spanticket.problem.held", "{problem}", "Problems that are open and have no ticket of their own.")
	rules := m.upDown("spanticket.rules", "{rule}", "Rules in force: sound, failing at times, or switched off for their cost.")
	reloads := m.counter("spanticket.rules.reloads", "{reload}", "Times that rules were loaded again, or refused.")
	latency := m.histogram("spanticket.ticket.duration", "s", "Time from the end of a span until a sink has accepted its ticket.", 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
	withheld := m.counter("spanticket.withheld", "{value}", "Values that were taken out of what is stored, sent and logged, because they are secret or personal, by kind.")
	state := m.upDown("spanticket.limit.state", "{account}", "Accounts of sinks, by whether calls are made: closed, limited, broken or half_open.")
	pace := m.rate("spanticket.limit.rate", "{call}/min", "Calls that an account may get in the long run, at the pace that is kept.")
	remaining := m.gauge("spanticket.limit.remaining", "{call}", "Calls that the system said are left.")
	wait := m.histogram("spanticket.delivery.wait", "s", "Time from when a delivery was due until it was taken up, by how much it matters.", 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600)
	journal := m.counter("spanticket.journal", "{occurrence}", "First occurrences by what became of them in the journal: kept, rate_limited or failed when they came; replayed or lost after a restart.")
	parked := m.upDown("spanticket.delivery.parked", "{delivery}", "Deliveries that are parked and wait for somebody to decide, by sink, as far as this process knows.")
	waiting := m.upDown("spanticket.store.waiting", "{batch}", "Batches of occurrences, each of one signature, that wait for the store.")
	lost := m.gauge("spanticket.store.outage", "s", "For how long the store has been out of reach; 0 while it is not.")
	suspects := m.counter("spanticket.suspects", "{answer}", "Answers to which deployment is to blame, as tickets are told of them, by the class of the first suspect: confirmed, strong, likely, possible or none.")
	deployments := m.counter("spanticket.deployments", "{deployment}", "Deployments that were announced to this process, by outcome: noted, known, invalid, too_many, failed or missed.")
	known := m.upDown("spanticket.deployment.known", "{deployment}", "Deployments that this process knows of.")
	panics := m.counter("spanticket.panics", "{panic}", "Defects of the library that showed as panics of its own goroutines, which went on.")
	if m.err != nil {
		return nil, fmt.Errorf("observe: making an instrument: %w", m.err)
	}
	d.OnLatency(func(sink string, took time.Duration) {
		latency.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("spanticket.sink", sink)))
	})
	d.OnWait(func(sink, class string, took time.Duration) {
		wait.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("spanticket.sink", sink), attribute.String("spanticket.class", class)))
	})
	reg, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
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
		answers := c.Suspects.Counts()
		for _, class := range []string{"confirmed", "strong", "likely", "possible", "none"} {
			o.ObserveInt64(suspects, answers[class], metric.WithAttributes(attribute.String("spanticket.class", class)))
		}
		if g.Deployments != nil {
			for outcome, n := range g.Deployments() {
				o.ObserveInt64(deployments, n, metric.WithAttributes(attribute.String("spanticket.outcome", outcome)))
			}
			o.ObserveInt64(known, g.Known())
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
	}, m.observed...)
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
