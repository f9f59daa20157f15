// Command replay reads recorded traces and prints the tickets that a live
// engine would have filed for them.
//
//	replay [-rules FILE [-against FILE]] [-format text|json] [-explain] [-per-service] FILE...
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

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/autoticket/autotickettest/otlpfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: replay [-rules FILE [-against FILE]] [-format text|json] [-explain] [-per-service] FILE...")
		flags.PrintDefaults()
	}
	rules := flags.String("rules", "", "rule `file` or pattern (default: the built-in rules)")
	against := flags.String("against", "", "rule `file` or pattern of the rules before: print what would change")
	format := flags.String("format", "text", "`text` or json")
	explain := flags.Bool("explain", false, "say why each ticket is one, and what the decisions mean")
	perService := flags.Bool("per-service", false, "let each service see its own spans only, as separate processes do")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() == 0 || (*format != "text" && *format != "json") || (*against != "" && *rules == "") {
		flags.Usage()
		return 2
	}

	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	config, names, err := load(*rules, logger)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	before, beforeNames, err := load(*against, logger)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	in := otlpfile.Reader{Stdin: stdin, Report: stderr}
	for _, name := range flags.Args() {
		in.File(name)
	}
	if in.Documents == 0 {
		fmt.Fprintln(stderr, "replay: nothing could be read")
		return 1
	}
	spans := in.Spans()
	if len(spans) == 0 {
		fmt.Fprintln(stderr, "replay: there are no spans in what was read")
	}
	res, err := try(context.Background(), config, names, spans, *perService)
	if err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return 1
	}
	if in.Broken > 0 || in.Invalid() > 0 {
		fmt.Fprintf(stderr, "replay: %d documents read, %d broken ones and %d spans without IDs passed over\n", in.Documents, in.Broken, in.Invalid())
	}
	for _, reason := range slices.Sorted(maps.Keys(res.Stats.Dropped)) {
		fmt.Fprintf(stderr, "replay: %d failing spans were dropped: %s\n", res.Stats.Dropped[reason], reason)
	}
	print := func() error { return printText(stdout, res.Outcome, *explain) }
	switch {
	case *against != "":
		was, err := try(context.Background(), before, beforeNames, spans, *perService)
		if err != nil {
			fmt.Fprintln(stderr, "replay:", err)
			return 1
		}
		print = func() error { return printChanges(stdout, compare(was, res), *format == "json") }
	case *format == "json":
		print = func() error { return printJSON(stdout, res.Outcome, *explain) }
	}
	if err := print(); err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return 1
	}
	return 0
}

// load returns the configuration of an engine with the rules of a file, or the
// built-in ones, and the names of its sinks.
func load(rules string, logger *slog.Logger) (autoticket.Config, []string, error) {
	c, names := autoticket.Config{Logger: logger}, []string{"replay"}
	if rules != "" {
		c.RuleFiles = []string{rules}
		names = rehearsal.SinkNames(nil, c.RuleFiles, names...)
	}
	_, err := rehearsal.Check(c, names)
	return c, names, err
}
