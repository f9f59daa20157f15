package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/score/grouping"
)

const (
	shownParts = 4   // of a group that is split, and of those that it is mixed with
	shownText  = 300 // bytes of a message
)

// printWorst lists the true groups that cost the most, each with a message of
// the parts that it was split into, and of the groups that it was mixed with.
func printWorst(w io.Writer, c corpus, answers []string, n int) {
	t := grouping.Cross(c.truth, answers)
	for i, g := range t.Worst(n) {
		fmt.Fprintf(w, "%d. group %s, %d messages: ", i+1, g.Name, g.Size)
		var mixed []*grouping.Group
		for _, part := range g.Largest() {
			if p := t.Predicted[part]; len(p.Parts) > 1 {
				mixed = append(mixed, p)
			}
		}
		fmt.Fprintf(w, "in %d, of which %d are mixed with others\n", len(g.Parts), len(mixed))
		for j, part := range g.Largest() {
			if j == shownParts {
				fmt.Fprintf(w, "   and %d more\n", len(g.Parts)-j)
				break
			}
			printExample(w, c, answers, g.Parts[part], g.Name, part)
		}
		for j, p := range mixed {
			if j == shownParts {
				break
			}
			shown := 0
			for _, other := range p.Largest() {
				if other == g.Name {
					continue
				}
				if shown++; shown > shownParts {
					fmt.Fprintf(w, "   mixed with %d more\n", len(p.Parts)-shown)
					break
				}
				fmt.Fprintf(w, "   mixed with group %s\n", other)
				printExample(w, c, answers, p.Parts[other], other, p.Name)
			}
		}
	}
	fmt.Fprintln(w)
}

// printExample prints the first message of a true group with that answer.
func printExample(w io.Writer, c corpus, answers []string, n int, group, answer string) {
	for i := range answers {
		if answers[i] != answer || c.truth[i] != group {
			continue
		}
		text := c.messages[i].text
		fmt.Fprintf(w, "   %6d %s\n          %s\n", n, clip(text), clip(correlate.Mask(text)))
		return
	}
}

// clip quotes the beginning of a text.
func clip(s string) string {
	if len(s) <= shownText {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:shownText]) + "..."
}
