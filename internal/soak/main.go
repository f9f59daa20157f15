// Command soak gives the library random load and random faults for a while, in real
// time, and looks whether anything grows that should not: goroutines, heap, open
// files, and the sizes of its own.
//
//	go run ./internal/soak -for 20m
//
// Two engines of one process, one with a store in a file and a journal and one with
// its store in memory, see the spans of the same providers. Their trackers, on
// loopback, are slow, refuse, limit, hang and lose answers; their stores fail, hang
// and lose answers; rules are reloaded, providers come and go, and so do engines.
// Every few seconds all of that pauses, and what is in use is measured.
//
// It ends with 1 if something grew over the second half, if the engines' numbers do
// not add up, or if a tracker has not exactly the tickets that it should have.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"
)

// run is what is done, and for how long.
type run struct {
	For   time.Duration
	Every time.Duration // between two measurements
	Seed  uint64
	// Losing says that stores may fail after a tracker was called: what came of that is
	// found out when the lease has run out, which takes a minute.
	Losing bool
	Log    *slog.Logger
	Dir    string
}

func main() {
	r := run{Losing: true}
	flag.DurationVar(&r.For, "for", 20*time.Minute, "how long it runs; then it waits until everything is delivered, for at most eight minutes")
	flag.DurationVar(&r.Every, "every", 0, "how often it pauses to measure; 0 is 24 times, but every ten seconds at least")
	flag.Uint64Var(&r.Seed, "seed", rand.Uint64(), "of what is random; the time is not")
	top := flag.Int("top", 0, "when something grew, print so many of the places that hold most memory")
	verbose := flag.Bool("v", false, "print what the engines log")
	flag.Parse()
	if r.Every <= 0 {
		r.Every = min(max(r.For/24, time.Second), 10*time.Second)
	}
	r.Log = slog.New(slog.DiscardHandler)
	if *verbose {
		r.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println("seed", r.Seed)
	samples, err := r.run(ctx)
	if e := table(os.Stdout, samples); e != nil {
		err = errors.Join(err, e)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "seed %d:\n%v\n", r.Seed, err)
		holders(os.Stderr, *top)
		os.Exit(1)
	}
	fmt.Println("nothing grew, and everything adds up")
}

// run soaks, and returns what was measured and everything that is wrong.
func (r run) run(ctx context.Context) (samples []sample, err error) {
	if r.Dir == "" {
		if r.Dir, err = os.MkdirTemp("", "soak"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(r.Dir)) }()
	}
	w, err := newWorld(r)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(r.For)
	for time.Now().Before(end) && ctx.Err() == nil && err == nil {
		until := time.Now().Add(r.Every)
		for time.Now().Before(until) && ctx.Err() == nil && err == nil {
			err = w.phase(ctx)
		}
		if err == nil {
			var s sample
			if s, err = w.pause(ctx); err == nil {
				samples = append(samples, s)
			}
		}
	}
	if err == nil && ctx.Err() == nil {
		err = errors.Join(trends(samples), w.settle(ctx))
	}
	return samples, errors.Join(err, w.close())
}

// table prints at most forty of the samples.
func table(out io.Writer, samples []sample) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "after\t")
	for _, m := range measures {
		fmt.Fprint(t, m.name, "\t")
	}
	fmt.Fprintln(t, "spans\ttickets\t")
	each := (len(samples) + 39) / 40
	for i, s := range samples {
		if i%each != 0 && i != len(samples)-1 {
			continue
		}
		fmt.Fprintf(t, "%v\t", s.after.Round(time.Second))
		for m := range measures {
			fmt.Fprintf(t, "%d\t", s.values[m])
		}
		fmt.Fprintf(t, "%d\t%d\t\n", s.spans, s.tickets)
	}
	return t.Flush()
}
