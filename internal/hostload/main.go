// Command hostload measures what the library costs an HTTP server that has it:
// latency and throughput with it as ratios of those without, healthy and while
// every request fails.
//
//	go run ./internal/hostload -rounds 100
//
// Two processes serve the same requests, on loopback, with a TracerProvider each
// that exports to nowhere; one of them has an engine with a durable store and a
// journal too. They take turns of a fraction of a second, so that whatever else the
// machine does meets both.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"
)

func main() {
	if os.Getenv(hostEnv) != "" {
		os.Exit(serveAsHost())
	}
	l := load{}
	flag.IntVar(&l.Rounds, "rounds", 40, "turns of each server in each row")
	flag.DurationVar(&l.Turn, "turn", 250*time.Millisecond, "length of a turn")
	flag.IntVar(&l.Connections, "connections", 8, "connections")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows, err := l.measure(ctx)
	if err == nil {
		err = table(os.Stdout, rows)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// row compares the two servers under one kind of request. The ratios are with the
// library over without it.
type row struct {
	Requests      string
	Without, With result
}

func table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "requests\tp50 without\tp99 without\tper second without\tp50\tp99\tthroughput\t")
	for _, r := range rows {
		a, b := r.Without, r.With
		fmt.Fprintf(t, "%s\t%v\t%v\t%.0f\t%.3fx\t%.3fx\t%.3fx\t\n", r.Requests,
			a.quantile(0.50), a.quantile(0.99), a.throughput(),
			ratio(b.quantile(0.50), a.quantile(0.50)), ratio(b.quantile(0.99), a.quantile(0.99)), b.throughput()/a.throughput())
	}
	return t.Flush()
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
