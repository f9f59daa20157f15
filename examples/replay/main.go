// Command replay reads recorded traces and prints the tickets that a live
// engine would have filed for them.
//
//	replay [-rules FILE] [-format text|json] [-explain] [-per-service] FILE...
//
// A FILE holds OTLP JSON as the Collector's file exporter writes it: an
// ExportTraceServiceRequest a line, or one for the whole file; it may be
// compressed by gzip, and "-" is the standard input. Time is that of the spans,
// so that an hour of traffic takes seconds, and the same spans give the same
// output on every run.
//
// The exit code is 0, 1 if nothing could be read, or 2 if the call or the rules
// are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: replay [-rules FILE] [-format text|json] [-explain] [-per-service] FILE...")
		flags.PrintDefaults()
	}
	rules := flags.String("rules", "", "rule `file` or pattern (default: the built-in rules)")
	format := flags.String("format", "text", "`text` or json")
	explain := flags.Bool("explain", false, "say why each ticket is one, and what the decisions mean")
	perService := flags.Bool("per-service", false, "let each service see its own spans only, as separate processes do")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() == 0 || (*format != "text" && *format != "json") {
		flags.Usage()
		return 2
	}

	config := autoticket.Config{Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	if *rules != "" {
		config.RuleFiles = []string{*rules}
	}
	if err := check(config); err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	var rec recording
	in := reader{stdin: stdin, stderr: stderr, take: rec.add}
	for _, name := range flags.Args() {
		in.file(name)
	}
	if in.documents == 0 {
		fmt.Fprintln(stderr, "replay: nothing could be read")
		return 1
	}
	res, err := replay(context.Background(), config, rec.spans(), *perService)
	if err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return 1
	}
	if in.broken > 0 || rec.invalid > 0 {
		fmt.Fprintf(stderr, "replay: %d documents read, %d broken ones and %d spans without IDs passed over\n", in.documents, in.broken, rec.invalid)
	}
	print := printText
	if *format == "json" {
		print = printJSON
	}
	if err := print(stdout, res, *explain); err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return 1
	}
	return 0
}

// check says what is wrong with the rules, before anything is read.
func check(c autoticket.Config) error {
	_, err := autoticket.Replay(context.Background(), c, nil)
	return err
}

// result is what came of a recording.
type result struct {
	tickets  []sinks.Ticket // by their first occurrence, as they stood at the end
	stats    autoticket.Stats
	problems int // that are known, with a ticket or not
}

// replay runs spans through an engine: all of them at once, or the spans of
// each service by themselves.
func replay(ctx context.Context, c autoticket.Config, spans []sdktrace.ReadOnlySpan, perService bool) (result, error) {
	runs := [][]sdktrace.ReadOnlySpan{spans}
	if perService {
		runs = byService(spans)
	}
	var all result
	for _, spans := range runs {
		var shelf shelf
		store := &correlate.Memory{MaxRecords: 1 << 20, MaxBytes: 1 << 30}
		c.Store = store
		c.Sinks = map[string]sinks.Sink{"shelf": &shelf}
		c.Delivery = map[string]autoticket.Delivery{"shelf": {PerMinute: 1 << 30, Burst: 1 << 20}}
		c.WholeTraces = !perService
		stats, err := autoticket.Replay(ctx, c, spans)
		if err != nil {
			return all, err
		}
		tickets := shelf.tickets
		if err := eachProblem(ctx, store, func(p correlate.Problem) {
			all.problems++
			if t, ok := tickets[p.ID]; ok {
				// A live ticket is told of its count now and then; at the end of
				// a recording what counts is what happened.
				t.Count, t.LastSeen = p.Count, p.LastSeen.UTC()
				all.tickets = append(all.tickets, t)
			}
		}); err != nil {
			return all, err
		}
		all.stats = add(all.stats, stats)
	}
	slices.SortFunc(all.tickets, compareTickets)
	return all, nil
}

// eachProblem calls fn with every problem of a store.
func eachProblem(ctx context.Context, s correlate.Store, fn func(correlate.Problem)) error {
	const page = 1000
	for after := (correlate.Key{}); ; {
		records, err := s.List(ctx, correlate.Page{Kind: correlate.KindProblem, After: after, Max: page})
		if err != nil {
			return err
		}
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			if err != nil {
				return err
			}
			fn(p)
			after = r.Key
		}
		if len(records) < page {
			return nil
		}
	}
}

// add adds up what two runs did.
func add(a, b autoticket.Stats) autoticket.Stats {
	sum := autoticket.Stats{
		Spans:       a.Spans + b.Spans,
		Healthy:     a.Healthy + b.Healthy,
		Occurrences: a.Occurrences + b.Occurrences,
		Decisions:   map[string]int64{},
	}
	for _, m := range []map[string]int64{a.Decisions, b.Decisions} {
		for reason, n := range m {
			sum.Decisions[reason] += n
		}
	}
	return sum
}
