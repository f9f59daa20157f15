// Command origins says how well the tickets that the library files for recorded
// faults name the service at which each fault was injected.
//
//	origins [-logs] [-only ID] [-usual SHARE] [-factor F] [-floor D] [-spans N] [-count N] DIR
//
// DIR has a truth.json and the recordings that it names, in OTLP. Each is run
// with a rule for spans with status ERROR and with rules for slow operations,
// which are made of the fault-free recording that the truth names; of the truth
// nothing else is used but to judge. It is run twice: "all" is the recording by
// itself, where every failure is new; "adopted" is the fault-free one before it,
// during which the engine learns what fails anyway, as Config.Adopt has it.
//
// With -logs errors that were logged count too, by what they say.
//
// AC@k is the share of faults whose service is among the first k services of the
// tickets. See judge for their order. Fault-free recordings are run too, with
// the rules and the failures of another one of the same system, if there is one.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// gap is between the fault-free recording and the one after it.
const gap = 10 * time.Second

// run returns 0, 1 if something could not be read or run, or 2 if the call is
// wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("origins", flag.ContinueOnError)
	flags.SetOutput(stderr)
	s := slowness{Within: time.Minute}
	flags.IntVar(&s.Spans, "spans", 10, "fault-free spans that an operation needs to have a rule")
	flags.Float64Var(&s.Usual, "usual", 0.999, "share of fault-free spans whose duration is usual")
	flags.Float64Var(&s.Factor, "factor", 2, "times the usual duration that are slow")
	flags.DurationVar(&s.Floor, "floor", 50*time.Millisecond, "longer than usual that is slow")
	flags.IntVar(&s.Count, "count", 3, "slow spans within a minute that make a ticket")
	logged := flags.Bool("logs", false, "take spans during which an error was logged for failed ones")
	only := flags.String("only", "", "show the tickets of the fault with this `id`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() != 1 || s.Usual < 0 || s.Usual > 1 {
		fmt.Fprintln(stderr, "usage: origins [-logs] [-only ID] [-usual SHARE] [-factor F] [-floor D] [-spans N] [-count N] DIR")
		return 2
	}
	faults, err := readTruth(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(stderr, "origins:", err)
		return 1
	}
	m := measure{library: library{dir: flags.Arg(0), report: stderr}, slowness: s, logged: *logged}
	for _, adopted := range []bool{false, true} {
		var verdicts []verdict
		for _, f := range faults {
			if *only != "" && f.ID != *only {
				continue
			}
			v, err := m.fault(ctx, f, adopted)
			if err != nil {
				fmt.Fprintf(stderr, "origins: %s: %v\n", f.ID, err)
				return 1
			}
			verdicts = append(verdicts, v)
		}
		fmt.Fprintln(stdout, title(adopted))
		printVerdicts(stdout, verdicts)
		if *only != "" {
			for _, v := range verdicts {
				printTickets(stdout, v)
			}
			continue
		}
		quiet, err := m.quiet(ctx, normals(faults), adopted)
		if err != nil {
			fmt.Fprintln(stderr, "origins:", err)
			return 1
		}
		printSummary(stdout, verdicts, quiet)
	}
	return 0
}

// measure runs recordings.
type measure struct {
	library  library
	slowness slowness
	logged   bool
}

// fault runs the recording of a fault.
func (m *measure) fault(ctx context.Context, f fault, adopted bool) (verdict, error) {
	normal, err := m.library.normal(f.Normal)
	if err != nil {
		return verdict{}, err
	}
	spans, err := m.library.read(f.File)
	if err != nil {
		return verdict{}, err
	}
	recording, window := extent(spans), f.window(spans)
	o, all, err := m.try(ctx, normal, spans, adopted)
	return judge(f, o, recording, all, window), err
}

// try runs a recording with the rules of a fault-free one and, if it is adopted,
// after it. It returns the time of all that was run.
func (m *measure) try(ctx context.Context, normal, spans []sdktrace.ReadOnlySpan, adopted bool) (outcome, span, error) {
	rules := []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`}}
	if m.logged {
		normal, spans = withLogs(normal), withLogs(spans)
		rules = append(rules, logRule)
	}
	rules = append(rules, m.slowness.rules(normal)...)
	begin := extent(spans).from
	var learnt time.Time
	if adopted {
		spans, learnt = slices.Concat(before(normal, begin, gap), spans), begin
	}
	all := extent(spans)
	o, err := replay(ctx, rules, spans, learnt)
	return o, all, err
}

// minute is a fault-free recording.
type minute struct {
	name    string
	rules   string // the recording whose rules it was run with
	tickets int
	seconds float64
}

// quiet runs the fault-free recordings.
func (m *measure) quiet(ctx context.Context, systems map[string][]string, adopted bool) ([]minute, error) {
	var out []minute
	for _, names := range systems {
		for i, name := range names {
			other := names[(i+1)%len(names)]
			spans, err := m.library.normal(name)
			if err != nil {
				return nil, err
			}
			normal, err := m.library.normal(other)
			if err != nil {
				return nil, err
			}
			recording := extent(spans)
			o, _, err := m.try(ctx, normal, spans, adopted)
			if err != nil {
				return nil, err
			}
			q := minute{name: name, rules: other, seconds: recording.seconds()}
			for _, t := range o.tickets {
				if !t.OpenedAt.Before(recording.from) {
					q.tickets++
				}
			}
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b minute) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}
