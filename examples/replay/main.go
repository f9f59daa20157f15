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
	"maps"
	"os"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
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
	names := []string{"replay"}
	if *rules != "" {
		config.RuleFiles = []string{*rules}
		names = sinkNames(*rules, names)
	}
	if err := check(config, names); err != nil {
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
	spans := rec.spans()
	if len(spans) == 0 {
		fmt.Fprintln(stderr, "replay: there are no spans in what was read")
	}
	res, err := replay(context.Background(), config, names, spans, *perService)
	if err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return 1
	}
	if in.broken > 0 || rec.invalid > 0 {
		fmt.Fprintf(stderr, "replay: %d documents read, %d broken ones and %d spans without IDs passed over\n", in.documents, in.broken, rec.invalid)
	}
	for _, reason := range slices.Sorted(maps.Keys(res.stats.Dropped)) {
		fmt.Fprintf(stderr, "replay: %d failing spans were dropped: %s\n", res.stats.Dropped[reason], reason)
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
func check(c autoticket.Config, names []string) error {
	c.Sinks = new(shelf).sinks(names)
	_, err := autoticket.Replay(context.Background(), c, nil)
	return err
}

// result is what came of a recording.
type result struct {
	tickets  []sinks.Ticket // by their first occurrence, as they stood at the end
	stats    autoticket.Stats
	problems int // that were met, with a ticket or not
}

// replay runs spans through an engine: all of them at once, or the spans of
// each service by themselves. names are those of the sinks.
func replay(ctx context.Context, c autoticket.Config, names []string, spans []sdktrace.ReadOnlySpan, perService bool) (result, error) {
	runs := [][]sdktrace.ReadOnlySpan{spans}
	if perService {
		runs = byService(spans)
	}
	all := result{stats: autoticket.Stats{Decisions: map[string]int64{}, Dropped: map[string]int64{}}}
	for _, spans := range runs {
		shelf := new(shelf)
		books := &books{shelf: shelf}
		books.MaxRecords, books.MaxBytes = 1<<20, 1<<30
		c.Store = books
		c.Sinks = shelf.sinks(names)
		c.Delivery = map[string]autoticket.Delivery{}
		for _, name := range names {
			c.Delivery[name] = autoticket.Delivery{PerMinute: 1 << 30, Burst: 1 << 20}
		}
		c.WholeTraces = !perService
		stats, err := autoticket.Replay(ctx, c, spans)
		if err != nil {
			return all, err
		}
		all.tickets = append(all.tickets, shelf.tickets...)
		all.problems += books.problems
		all.stats = add(all.stats, stats)
	}
	slices.SortFunc(all.tickets, compareTickets)
	return all, nil
}

// add adds up what two runs did.
func add(a, b autoticket.Stats) autoticket.Stats {
	return autoticket.Stats{
		Spans:       a.Spans + b.Spans,
		Healthy:     a.Healthy + b.Healthy,
		Occurrences: a.Occurrences + b.Occurrences,
		Decisions:   addCounts(a.Decisions, b.Decisions),
		Dropped:     addCounts(a.Dropped, b.Dropped),
	}
}

func addCounts(a, b map[string]int64) map[string]int64 {
	sum := map[string]int64{}
	for _, m := range []map[string]int64{a, b} {
		for reason, n := range m {
			sum[reason] += n
		}
	}
	return sum
}
