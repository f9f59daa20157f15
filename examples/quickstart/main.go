// Quickstart runs a small shop, lets a deployment break it, and shows the
// tickets that come of it:
//
//	go run ./examples/quickstart
//
// The shop is three HTTP services on loopback, storefront -> checkout ->
// payment, each with a TracerProvider and an engine of its own, as three
// processes would have. While customers buy, payment is deployed with a
// connection pool that is too small for them; then it is rolled back. Hundreds
// of spans fail, with secrets in their errors. What people get is a ticket for
// each service that could see the failure, without the secrets, and resolved
// when it was over.
//
// The program ends by itself and exits with status 1 if anything of that does
// not hold. With -serve the shop stays up until it is interrupted.
//
// Of all its files, service.go and rules.yaml are what a service of yours would
// have too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	serve := flag.Bool("serve", false, "keep the shop running afterwards, until interrupted")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "quickstart: unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *serve)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}
