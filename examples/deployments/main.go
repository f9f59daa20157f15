// Deployments simulates a fleet of services over four weeks, in which things go
// wrong, and asks of each problem which deployment is to blame:
//
//	go run ./examples/deployments [-seed N] [-seeds N]
//
// There are twelve services and 200 deployments; 60 of them are bad in ways that
// reports of incidents tell of, nine more in ways that are hard to see, and 40 faults are of
// no deployment. Traffic is that of day and night, and each service has a clock of its own. Then
// it prints how often the right deployment was named, how often one that was not at fault,
// and how often what a class calls sure was so.
//
// The library hears of all this as it would of a real fleet: deployments come as signed
// webhooks, as spans of pipelines, or as resources of processes whose version was not
// there before; who calls whom is learnt from spans; problems are made of failing requests by
// [correlate.Problem.Observe], as an engine makes them; and how operations fared is asked
// of what counts them, by [deployment.Rates].
//
// What is not here is the engine: [autoticket.Replay] runs it in the time of recorded spans,
// but looks after what is due each second, so that the hours around a hundred faults take half a
// minute for each seed. So the parts are put together here, as the engine puts them
// together, and requests are counted rather than recorded.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("deployments", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: deployments [-seed N] [-seeds N]")
		flags.PrintDefaults()
	}
	seed := flags.Uint64("seed", 1, "`number` of the first fleet")
	seeds := flags.Uint64("seeds", 1, "how many fleets, one after another")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 || *seeds == 0 {
		flags.Usage()
		return 2
	}
	var all score
	for i := range *seeds {
		s, err := simulate(context.Background(), *seed+i)
		if err != nil {
			fmt.Fprintln(stderr, "deployments:", err)
			return 1
		}
		all.add(s)
	}
	if err := all.print(stdout); err != nil {
		fmt.Fprintln(stderr, "deployments:", err)
		return 1
	}
	return 0
}
