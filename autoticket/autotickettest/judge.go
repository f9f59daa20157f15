package autotickettest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/autoticket/autotickettest/internal/testfile"
	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// judge compares what came with what was expected, and returns what is wrong,
// or "".
func (t *trial) judge() string {
	var wrong []string
	report := func(p testfile.Place, message string, hint ...string) {
		e := t.At(p, testfile.Error{Test: t.test.Name, Message: message, Hint: strings.Join(hint, "\n")})
		wrong = append(wrong, e.Error())
	}
	want, got := t.test.Expect, t.outcome.Tickets
	if want.NoTicket != "" {
		if n := len(got); n > 0 {
			report(want.Place, fmt.Sprintf("there is to be no ticket, and %s came", number(n, "ticket", "tickets")))
		}
		if stats := t.outcome.Stats; stats.Decisions[string(want.NoTicket)]+stats.Dropped[string(want.NoTicket)] == 0 {
			report(want.Place, fmt.Sprintf("no span was decided with %s", want.NoTicket), t.healthy()...)
		}
	} else {
		taken := assign(want.Tickets, got)
		var left []rehearsal.Ticket
		for i, ticket := range got {
			if !slices.Contains(taken, i) {
				left = append(left, ticket)
			}
		}
		for i, ticket := range want.Tickets {
			if taken[i] < 0 {
				report(ticket.Place, "there is no such ticket", t.why(ticket, left)...)
			}
		}
		if n := len(got) - len(want.Tickets); n > 0 && len(wrong) == 0 {
			hint := make([]string, len(left))
			for i, ticket := range left {
				hint[i] = "not expected: " + show(ticket)
			}
			report(want.Place, number(n, "ticket", "tickets")+" more than expected", hint...)
		}
	}
	if wrong == nil {
		return ""
	}
	return strings.Join(wrong, "\n\n") + "\n\n" + t.account()
}

// assign gives each expected ticket one that came and is like it, or -1. It
// finds as many as there can be, whatever the order.
func assign(want []testfile.Ticket, got []rehearsal.Ticket) []int {
	of := make([]int, len(want)) // the ticket of each
	by := make([]int, len(got))  // whose each ticket is
	for i := range of {
		of[i] = -1
	}
	for j := range by {
		by[j] = -1
	}
	var find func(i int, seen []bool) bool
	find = func(i int, seen []bool) bool {
		for j := range got {
			if seen[j] || len(differences(want[i], got[j])) > 0 {
				continue
			}
			seen[j] = true
			if by[j] < 0 || find(by[j], seen) {
				of[i], by[j] = j, i
				return true
			}
		}
		return false
	}
	for i := range want {
		find(i, make([]bool, len(got)))
	}
	return of
}

// differences says which fields of a ticket are not as expected.
func differences(want testfile.Ticket, got rehearsal.Ticket) []string {
	var out []string
	for _, w := range want.Wants {
		if value := w.Field.Of(got); value != w.Value {
			out = append(out, fmt.Sprintf("%s is %s, not %s", w.Field.Name, w.Field.Show(value), w.Field.Show(w.Value)))
		}
	}
	return out
}

// why says why there is no ticket as expected, as far as that can be told. left
// are those that nothing else expects.
func (t *trial) why(want testfile.Ticket, left []rehearsal.Ticket) []string {
	var out []string
	var nearest []string
	for i, ticket := range left {
		if d := differences(want, ticket); i == 0 || len(d) < len(nearest) {
			nearest = d
		}
	}
	if nearest != nil {
		out = append(out, "the ticket most like it: "+strings.Join(nearest, "; "))
	}
	i := slices.IndexFunc(want.Wants, func(w testfile.Want) bool { return w.Field.Name == "rule" })
	if i >= 0 && !slices.ContainsFunc(t.outcome.Tickets, func(got rehearsal.Ticket) bool { return got.Rule == want.Wants[i].Value }) {
		out = append(out, t.whyNot(want.Wants[i].Value)...)
	}
	if out == nil {
		out = append(out, fmt.Sprintf("%s came, and %d are expected", number(len(t.outcome.Tickets), "ticket", "tickets"), len(t.test.Expect.Tickets)))
	}
	return out
}

// whyNot says what a rule did that made no ticket, and which rules did instead.
func (t *trial) whyNot(rule string) []string {
	var names []string
	for _, r := range t.rules {
		names = append(names, r.Rule)
	}
	if !slices.Contains(names, rule) {
		hint := fmt.Sprintf("there is no rule %q, or it is off", rule)
		if near := celrule.Nearest(rule, names); near != "" {
			hint += fmt.Sprintf("; did you mean %s?", near)
		}
		return []string{hint}
	}
	var excluded, held int64
	reasons := map[correlate.Reason]bool{}
	takers := map[string]int64{}
	for _, d := range t.decisions {
		switch {
		case d.Reason == correlate.Origin:
			takers[d.Rule]++
		case d.Rule != rule:
		case d.Reason == correlate.Excluded:
			excluded += d.Count
		case d.Stage == correlate.StageDecide:
			held += d.Count
			reasons[d.Reason] = true
		}
	}
	stats := t.stats(rule)
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case stats.Errors > 0:
		say("rule %q failed on %s: %s", rule, number(int(stats.Errors), "span", "spans"), stats.LastError)
	case held > 0:
		for _, r := range slices.Concat(correlate.Decided(), correlate.Dropped()) {
			if reasons[r] {
				say("rule %q took %s: %s", rule, number(int(held), "failure", "failures"), r.Meaning())
			}
		}
	case excluded > 0:
		say("rule %q matched nothing; its unless held for %s", rule, number(int(excluded), "span", "spans"))
	case stats.Matches > 0:
		say("rule %q matched %s, but of none the origin", rule, number(int(stats.Matches), "span", "spans"))
	default:
		say("rule %q matched nothing", rule)
	}
	delete(takers, rule)
	for _, name := range sortedKeys(takers) {
		say("rule %q took %s instead", name, number(int(takers[name]), "failure", "failures"))
	}
	return out
}

// healthy says that spans did not fail, where nothing was decided.
func (t *trial) healthy() []string {
	stats := t.outcome.Stats
	if len(t.decisions) > 0 || stats.Healthy != stats.Spans {
		return nil
	}
	return []string{"no span failed, and no rule wants any: tickets: [] says that there is no ticket"}
}
