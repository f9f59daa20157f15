// Command messages says how well messages of logs are put together whose true
// groups are known, by the library and, to compare, by simpler means.
//
//	messages [-worst N] [-by PREDICTOR] [-pred FILE] FILE...
//
// A FILE has a JSON object a line, and may be compressed by gzip: the message as
// "line" or "text", its true group as "group" or "event_id", and perhaps its
// "service". What is predicted with:
//
//	line           the message as it is
//	regex          numbers, ids and addresses masked by the usual regular expressions
//	regex+service  the same, apart for each service
//	mask           [correlate.Mask]
//	signature      the signature of an occurrence of that service with that message
//
// The measures are those of [grouping.Score]. The speed is of one goroutine, and
// of as long as the machine lets it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/internal/score/grouping"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns 0, 1 if something could not be read or written, or 2 if the call
// is wrong.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("messages", flag.ContinueOnError)
	flags.SetOutput(stderr)
	worst := flags.Int("worst", 0, "list so `many` true groups that cost the most")
	by := flags.String("by", "signature", "the `predictor` of -worst and -pred")
	pred := flags.String("pred", "", "write the predictions to a `file`, one a line")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	chosen, ok := predictorOf(*by)
	if flags.NArg() == 0 || !ok || *pred != "" && flags.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: messages [-worst N] [-by line|regex|regex+service|mask|signature] [-pred FILE] FILE...; -pred takes one FILE")
		return 2
	}
	for _, name := range flags.Args() {
		c, err := readFile(name)
		if err != nil {
			fmt.Fprintln(stderr, "messages:", err)
			return 1
		}
		printScores(stdout, c)
		if *worst == 0 && *pred == "" {
			continue
		}
		answers, _ := chosen.run(c.messages)
		if *worst > 0 {
			printWorst(stdout, c, answers, *worst)
		}
		if *pred != "" {
			if err := writeAnswers(*pred, answers); err != nil {
				fmt.Fprintln(stderr, "messages:", err)
				return 1
			}
		}
	}
	return 0
}

// printScores prints a table with a line for each predictor.
func printScores(w io.Writer, c corpus) {
	fmt.Fprintf(w, "%s: %d messages, %.1f MB\n", c.name, len(c.messages), float64(c.bytes)/1e6)
	fmt.Fprintf(w, "%-13s %6s %6s %7s %7s %7s %7s %7s %7s %7s %11s %8s\n",
		"", "true", "pred", "GA", "FGA", "PF1", "P", "R", "merged", "split", "messages/s", "MB/s")
	for _, p := range predictors {
		answers, each := p.run(c.messages)
		s := grouping.Compare(c.truth, answers)
		fmt.Fprintf(w, "%-13s %6d %6d %7.4f %7.4f %7.4f %7.4f %7.4f %7.3f %7.3f", p.name, s.True, s.Predicted,
			s.GA, s.FGA, s.PF1, s.Precision, s.Recall, s.Merged, s.Split)
		if each > 20*time.Nanosecond { // less is nothing done
			rate := 1 / each.Seconds()
			fmt.Fprintf(w, " %11.0f %8.1f", rate, rate*float64(c.bytes)/float64(max(1, len(c.messages)))/1e6)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// writeAnswers writes an answer a line, quoted: no line of them is two.
func writeAnswers(name string, answers []string) error {
	var b strings.Builder
	for _, a := range answers {
		b.WriteString(strconv.Quote(a))
		b.WriteByte('\n')
	}
	return os.WriteFile(name, []byte(b.String()), 0o666)
}
