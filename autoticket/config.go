package autoticket

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"golang.org/x/time/rate"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/internal/capture"
	"github.com/spanticket/spanticket/internal/outbox"
	"github.com/spanticket/spanticket/internal/render"
	"github.com/spanticket/spanticket/internal/sweep"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// Config is what an [Engine] is made of. Its zero value works: the built-in
// rules, a store in memory, and tickets in the log.
type Config struct {
	// Mode is above what rules say of themselves: "live" lets them decide,
	// "shadow" decides and records but files nothing, and "off" does nothing at
	// all. In shadow no sink is called; what waits, waits. The environment
	// variable SPANTICKET_MODE, if it is set when the engine is made, is above
	// this. Defaults to "live".
	Mode string
	// Adopt is how long a service's failures are learnt as known from when it is
	// first watched: those are listed on one ticket, and afterwards only what is
	// new, or comes far more often, has a ticket of its own. The store keeps when
	// that began. Defaults to 0: every failure is new.
	Adopt time.Duration
	// TicketsPerHour bounds the new tickets of the engine, beside what each rule
	// says of itself, and those of each service that it acts for, of all engines on
	// the Store together. Problems beyond it are listed on one ticket. Defaults to 60;
	// above 500 it is each engine's own.
	TicketsPerHour int

	// Rules are rules as Go values. They come before those of files.
	Rules []Rule
	// RuleYAML is the text of a rule file. It comes next.
	RuleYAML []byte
	// RuleFiles are names of rule files, or patterns as in [path.Match]; each
	// pattern's files come in lexical order. A pattern that matches nothing is
	// an error.
	RuleFiles []string
	// RuleFS is where RuleFiles are. Defaults to the file system of the
	// operating system.
	//
	// If there are no rules at all, the built-in ones apply: status ERROR,
	// HTTP 5xx on the server's side, and escaped panics.
	RuleFS fs.FS
	// WatchRules is how often RuleFiles are looked at for changes, which are
	// loaded as by [Engine.Reload]. Defaults to 0: never.
	WatchRules time.Duration

	// Sinks file the tickets, each under its name. The name is stored with
	// every delivery: one that changes leaves deliveries behind. Defaults to
	// one sink, "log", that writes a line per ticket to Logger.
	Sinks map[string]sinks.Sink
	// Delivery says how a sink is delivered to, by its name. Defaults to the
	// defaults of [Delivery] for each.
	Delivery map[string]Delivery

	// Store keeps the problems and the outbox. The engine does not close it.
	// Defaults to a new [correlate.Memory], which forgets all at the end of
	// the process.
	//
	// While it is out of reach the host goes on, what fails is counted in memory, and
	// tickets are filed only in sinks that are [sinks.Keyed]. See docs/operations.md.
	Store correlate.Store
	// Journal is the file in which the first occurrence per rule, operation and type
	// of error, at most 100 a second, is safe from the end of the process, however it
	// comes, before the span's OnEnd returns: redacted, and cut to 2 KiB. The next
	// process files what had not come into the store; that must be one that outlives
	// the process, or it files again what was filed. See docs/journal.md.
	//
	// Give each service a path of its own, in a folder that exists. Replicas may share
	// one: each has a file of 1 MiB, the first of path, path.1, path.2 and so on that
	// is free. If there is none to be had, the log says so, and the engine runs
	// without. Defaults to the file's name with ".journal" after it if Store tells
	// that it is kept in one, by a method Path() string, and to none otherwise;
	// "off" is none, too.
	Journal string
	// Resource names the service whose problems and deliveries are in Store, so that
	// the engine looks after them before its first span, and starts with rules that are
	// ready for its spans. Defaults to the resource of the first span that ends.
	Resource *resource.Resource

	// Sweep makes this engine one of those that look after what no engine of the fleet
	// looks after any more: deliveries that have waited for so long, and whose service
	// has had no engine with a sink of that name for so long, because the sink was
	// renamed or the service is gone, are parked, and problems of a service that is
	// gone are resolved once they are quiet. Engines that share a store say in it once
	// an hour which sinks they have; of those that sweep, one at a time does, every 15
	// minutes. [Engine.Parked] then lists what is parked of all services. A sink that is
	// down, paused or refuses its credential has its engine all the same.
	//
	// Make it longer than any service rests, such as a job that runs once a day: 72
	// hours, say. From 6 hours to 14 days. Defaults to 0: this engine does not, nor does
	// one in shadow.
	Sweep time.Duration

	// Peers are services that file their failures themselves, by the names under
	// which spans call them. A call that one of them answered with a failure is
	// counted, and not filed here too. Where engines share a store they find out by
	// themselves. Defaults to none.
	Peers []string
	// UserKey keys the hashes by which the people are counted whom a problem
	// affects; give all replicas the same to count nobody twice. Their names and
	// IDs are never kept. Defaults to a random one.
	UserKey []byte

	// Deployments says how the engine finds out which deployment is to blame for a
	// problem, which tickets then name. With a store in memory it knows of those alone that
	// are announced to this process. Its zero value is on.
	Deployments Deployments

	// Enrichers add facts to tickets, each under the name that tickets call it
	// by, in the order of their names, after what the resource says. Defaults
	// to none.
	Enrichers map[string]enrich.Enricher
	// Attributes are names of attributes that tickets show besides those of the
	// semantic conventions, or beginnings of names that end in a dot. What is not
	// shown is counted as withheld. Defaults to none.
	Attributes []string
	// TraceLink is the template of the link to a trace; see [enrich.NewLink],
	// and [enrich.Jaeger] and its like for ready-made ones. Defaults to none.
	TraceLink string
	// EnrichTimeout bounds the time that enrichers have for one ticket.
	// Defaults to 2 seconds.
	EnrichTimeout time.Duration
	// Redactor removes secrets from what is stored and what is sent. Defaults
	// to the zero Redactor, with all of its built-in detectors.
	Redactor *redact.Redactor

	// TraceWait bounds how long a trace with a failure waits for its local
	// root to end, before its origin is decided. Defaults to 10 seconds.
	TraceWait time.Duration
	// WholeTraces says that the spans of all services of a trace come in, as in
	// a Collector: a trace is then decided when its true root has ended.
	// Defaults to false: the spans of this process.
	WholeTraces bool
	// MaxTraces bounds the traces with a failure that are followed at once.
	// Beyond it the oldest is decided early. Defaults to 4,096.
	MaxTraces int
	// QueueSize bounds the spans on their way to the engine. Beyond it they are
	// dropped and counted. Defaults to 16,384.
	QueueSize int

	// OnDecision is called with every decision, from the goroutine that took
	// it, which waits: it may be one of the application's. It must not call the
	// engine. Defaults to none.
	OnDecision func(correlate.Decision)

	// Audit is told of what people and files change: rules that are loaded,
	// changed or refused, the mode, approvals, and rules that are switched off.
	// For JSON lines give it [slog.NewJSONHandler]. Defaults to none.
	Audit slog.Handler
	// MeterProvider takes the engine's metrics. Defaults to none.
	MeterProvider metric.MeterProvider
	// Logger is told what an operator must know. It must not lead back to the
	// engine. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Rule is one rule as a Go value: what a rule file has, under the same names.
//
// When, Unless and SignatureExpr are CEL expressions. Severity, Title, Team,
// Runbook, and the elements of Labels and Sinks, are plain text, or an
// expression if they mention a variable or begin with a quote. See docs/rules.md
// for the variables.
type Rule struct {
	Name          string              // required and unique
	When          string              // required: is the span an occurrence?
	Unless        string              // and is it not one after all?
	Signature     []string            // names of components; see [correlate.ComponentNames]. Defaults to all that apply.
	SignatureExpr string              // a list of strings, instead of Signature
	Threshold     correlate.Threshold // Defaults to 1 within 5 minutes.
	Severity      string              // Defaults to "error".
	Title         string              // Defaults to the operation and what went wrong.
	Team          string              // Defaults to none.
	Runbook       string              // an http or https URL. Defaults to none.
	Labels        []string            // Defaults to none.
	Sinks         []string            // names. Defaults to all.
	Quiet         time.Duration       // without an occurrence, until the problem is resolved. Defaults to 30 minutes.
	Budget        int64               // new tickets an hour, for each service, of all engines on a store. Defaults to 20.
	Suppress      correlate.Suppress  // when a new problem waits, because it may vanish by itself. Defaults to never.
	Continue      bool                // Ask the rules after it too. Its problems are its own then.
	Canceled      bool                // Operations that their caller gave up count too, as they do if When asks for span.duration.
	Mode          string              // "live", "draft", "shadow", "canary: 10%" or "off". Defaults to "live".
}

// Delivery is how one sink is delivered to. Its zero value has the defaults.
type Delivery struct {
	// PerMinute bounds the calls of the sink or, where it names an account
	// ([sinks.Accounted]), of all sinks and, on a shared store, of all engines with
	// that account. When the system says that they are too many, there are fewer for
	// some time. Near the limit tickets that are opened or come back go first, then
	// resolutions, then updates. Defaults to 60.
	PerMinute int
	// PerHour bounds them in any hour, of which a quarter may come at once. Defaults
	// to what the sink knows of its system.
	PerHour int
	// Burst bounds the calls at once, after a pause. Defaults to 20.
	Burst int
	// Concurrency bounds the calls that have not returned. Defaults to 4.
	Concurrency int
	// Timeout bounds one call. Defaults to 20 seconds.
	Timeout time.Duration
	// Attempts bounds the failed calls for one delivery; after the last it is
	// parked. A sink that asks for a pause, or refuses its credential, does not
	// use up attempts, and neither does waiting while the sink's calls fail in a row
	// and only one is made now and then. Defaults to 16, which takes almost
	// two hours.
	Attempts int
	// MinBackoff is the wait after the first failed call; it doubles with each.
	// Defaults to 2 seconds.
	MinBackoff time.Duration
	// MaxBackoff bounds the wait between two attempts. A pause that the sink asks
	// for is kept, up to 75 minutes. Defaults to 15 minutes.
	MaxBackoff time.Duration
	// ParkUnknown says what is done when a ticket was sent, no answer came, and
	// the sink cannot be asked: true parks the delivery, false sends it again,
	// so that there may be a second ticket, unless the sink is [sinks.Keyed], which
	// is always sent it again. Defaults to false.
	ParkUnknown bool
}

func (d Delivery) options() outbox.Options {
	return outbox.Options{
		Rate:        rate.Limit(float64(cmp.Or(d.PerMinute, 60)) / 60),
		Burst:       cmp.Or(d.Burst, 20),
		PerHour:     d.PerHour,
		Concurrency: cmp.Or(d.Concurrency, 4),
		Timeout:     cmp.Or(d.Timeout, 20*time.Second),
		Attempts:    cmp.Or(d.Attempts, 16),
		MinBackoff:  cmp.Or(d.MinBackoff, 2*time.Second),
		MaxBackoff:  max(cmp.Or(d.MaxBackoff, 15*time.Minute), d.MinBackoff),
		ParkUnknown: d.ParkUnknown,
	}
}

// withDefaults returns the configuration with what was left out filled in, but
// for the redactor, which must be there. count is told of what was withheld from a
// log, by kind.
func (c Config) withDefaults(count func(kind string)) Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = slog.New(capture.Quiet(guarded{c.Logger.Handler(), c.Redactor, count}))
	if len(c.Sinks) == 0 {
		c.Sinks = map[string]sinks.Sink{"log": logSink{c.Logger}}
	}
	if c.Store == nil {
		c.Store = new(correlate.Memory)
	}
	c.EnrichTimeout = cmp.Or(c.EnrichTimeout, 2*time.Second)
	c.TraceWait = cmp.Or(c.TraceWait, 10*time.Second)
	c.MaxTraces = cmp.Or(c.MaxTraces, 4096)
	c.QueueSize = cmp.Or(c.QueueSize, 16384)
	c.TicketsPerHour = cmp.Or(c.TicketsPerHour, 60)
	c.Mode = cmp.Or(c.Mode, modeLive)
	if c.Audit == nil {
		c.Audit = slog.DiscardHandler
	}
	c.Audit = capture.Quiet(guarded{c.Audit, c.Redactor, count})
	return c
}

// validate returns everything that is wrong, apart from the rules.
func (c Config) validate() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sinks)) {
		if name == "" {
			errs = append(errs, errors.New("autoticket: Config.Sinks: a sink has no name"))
		}
		if c.Sinks[name] == nil {
			errs = append(errs, fmt.Errorf("autoticket: Config.Sinks[%q] is nil", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Delivery)) {
		if _, ok := c.Sinks[name]; !ok {
			errs = append(errs, fmt.Errorf("autoticket: Config.Delivery[%q]: there is no sink of that name", name))
		}
		d := c.Delivery[name]
		for field, n := range map[string]int64{
			"PerMinute": int64(d.PerMinute), "PerHour": int64(d.PerHour), "Burst": int64(d.Burst), "Concurrency": int64(d.Concurrency), "Timeout": int64(d.Timeout),
			"Attempts": int64(d.Attempts), "MinBackoff": int64(d.MinBackoff), "MaxBackoff": int64(d.MaxBackoff),
		} {
			if n < 0 {
				errs = append(errs, fmt.Errorf("autoticket: Config.Delivery[%q].%s is negative", name, field))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Enrichers)) {
		if c.Enrichers[name] == nil {
			errs = append(errs, fmt.Errorf("autoticket: Config.Enrichers[%q] is nil", name))
		}
	}
	if err := c.validateMode(); err != nil {
		errs = append(errs, err)
	}
	for field, n := range map[string]int64{
		"Adopt": int64(c.Adopt), "TicketsPerHour": int64(c.TicketsPerHour), "WatchRules": int64(c.WatchRules), "Sweep": int64(c.Sweep),
		"EnrichTimeout": int64(c.EnrichTimeout), "TraceWait": int64(c.TraceWait), "MaxTraces": int64(c.MaxTraces), "QueueSize": int64(c.QueueSize),
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("autoticket: Config.%s is negative", field))
		}
	}
	if c.Sweep > 0 && (c.Sweep < sweep.Least || c.Sweep > sweep.Most) {
		errs = append(errs, fmt.Errorf("autoticket: Config.Sweep is %s; it must be 0, or from %s to %s", c.Sweep, sweep.Least, sweep.Most))
	}
	if w := c.Deployments.Window; w < 0 || w > maxWindow {
		errs = append(errs, fmt.Errorf("autoticket: Config.Deployments.Window is %s; it must be 0, or up to %s", w, maxWindow))
	}
	slices.SortStableFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// enrichers returns the enrichers in the order in which tickets show what they
// found.
func (c Config) enrichers() ([]*render.Named, error) {
	var out []*render.Named
	var err error
	if c.TraceLink != "" {
		var link *enrich.Link
		if link, err = enrich.NewLink("trace", c.TraceLink); err != nil {
			err = fmt.Errorf("autoticket: Config.TraceLink: %w", err)
		}
		out = append(out, &render.Named{Name: "trace link", Enricher: link})
	}
	out = append(out, &render.Named{Name: "resource", Enricher: enrich.Resource{}})
	for _, name := range slices.Sorted(maps.Keys(c.Enrichers)) {
		out = append(out, &render.Named{Name: name, Enricher: c.Enrichers[name]})
	}
	return out, err
}
