// Rulecheck checks rule files before they are live: what is wrong with them, what
// they probably do not mean, what their tests say, which rules no test
// exercises, and what they cost.
//
//	go run ./examples/rulecheck [-strict] DIR
//
// Each directory below DIR that has rule files is one set of rules, as a service
// loads them: all files, in the order of their names. It ends with 1 if a file is
// refused or a test fails, with -strict also if there is a warning.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("rulecheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: rulecheck [-strict] DIR")
		flags.PrintDefaults()
	}
	strict := flags.Bool("strict", false, "take warnings for failures")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	c := checker{root: flags.Arg(0), fsys: os.DirFS(flags.Arg(0)), out: stdout}
	if err := c.check(); err != nil {
		fmt.Fprintln(stderr, "rulecheck:", err)
		return 2
	}
	c.summary()
	if c.refused+c.failed > 0 || *strict && c.warnings > 0 {
		return 1
	}
	return 0
}
