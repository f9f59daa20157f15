package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

func title(adopted bool) string {
	if adopted {
		return "adopted: what fails in the fault-free recording is known"
	}
	return "all: every failure is new"
}

// printVerdicts prints a line for each fault.
func printVerdicts(out io.Writer, verdicts []verdict) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tkind\tinjected at\ttickets\tbefore\trank\tby growth\torigins by count")
	for _, v := range verdicts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", v.ID, v.Kind, v.Service, v.tickets, v.early,
			place(v.rank), place(v.growth), strings.Join(v.top[:min(3, len(v.top))], " "))
	}
	w.Flush()
}

func place(rank int) string {
	if rank == 0 {
		return "-"
	}
	return fmt.Sprint(rank)
}

// printSummary prints what all faults come to.
func printSummary(out io.Writer, verdicts []verdict, quiet []minute) {
	var tickets, early int
	for _, v := range verdicts {
		tickets += v.tickets
		early += v.early
	}
	n := float64(max(1, len(verdicts)))
	byRank, byGrowth := func(v verdict) int { return v.rank }, func(v verdict) int { return v.growth }
	fmt.Fprintf(out, "by count   AC@1 %.2f  AC@3 %.2f\n", accuracy(verdicts, 1, byRank), accuracy(verdicts, 3, byRank))
	fmt.Fprintf(out, "by growth  AC@1 %.2f  AC@3 %.2f\n", accuracy(verdicts, 1, byGrowth), accuracy(verdicts, 3, byGrowth))
	fmt.Fprintf(out, "AC@3 by growth, by kind of fault: %s\n", strings.Join(byKind(verdicts), ", "))
	fmt.Fprintf(out, "tickets per fault %.1f; before the injection, in the same recordings, %.1f\n", float64(tickets)/n, float64(early)/n)
	for _, q := range quiet {
		fmt.Fprintf(out, "fault-free %s, %.0f s, with the rules of %s: %d tickets\n", q.name, q.seconds, q.rules, q.tickets)
	}
	fmt.Fprintln(out)
}

// printTickets prints the tickets about a fault.
func printTickets(out io.Writer, v verdict) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "opened\tcount\tin window\tservice\toperation\trule\texception or path")
	for _, t := range v.outcome.tickets {
		what := t.Exception.Message
		if what == "" {
			var steps []string
			for _, s := range t.Path {
				steps = append(steps, s.Service+" "+s.Operation)
			}
			what = strings.Join(steps, " < ")
		}
		fmt.Fprintf(w, "%+.0fs\t%d\t%d\t%s\t%s\t%s\t%.200s\n", t.OpenedAt.Sub(v.injected()).Seconds(), len(v.outcome.times[t.Signature]),
			v.outcome.within(t, v.window), t.Origin.Service, t.Operation, t.Rule, what)
	}
	w.Flush()
	fmt.Fprintln(out)
}

// byKind says of each kind of fault how many were found among the first three.
func byKind(verdicts []verdict) []string {
	kinds := map[string][]verdict{}
	for _, v := range verdicts {
		kinds[v.Kind] = append(kinds[v.Kind], v)
	}
	var out []string
	for kind, of := range kinds {
		found := 0
		for _, v := range of {
			if v.growth > 0 && v.growth <= 3 {
				found++
			}
		}
		out = append(out, fmt.Sprintf("%s %d of %d", kind, found, len(of)))
	}
	slices.Sort(out)
	return out
}
