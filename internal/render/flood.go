package render

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// flood fills in what the ticket of a flood of signatures says.
func flood(p correlate.Problem, t *sinks.Ticket) {
	varies := p.Flood.Varies()
	about := "many different failures"
	if len(varies) > 0 {
		about = roughly(varies[0].Values.Count()) + " different values of " + varies[0].Field
	}
	where := t.Operation
	switch p.Flood.Fold {
	case correlate.FoldRule:
		where = "rule " + p.Rule
	case correlate.FoldService:
		where = "service " + p.Scope.Service
	}
	if where != "" && (len(varies) == 0 || varies[0].Component != "operation" || p.Flood.Fold == correlate.FoldOperation) {
		about += " in " + where
	}
	t.Title = about + ": counted as one problem"
	t.Facts = append(t.Facts, sinks.Fact{Name: "signatures", Value: roughly(p.Flood.Signatures.Count()) + " different ones, counted here as one"})
	for _, v := range varies {
		t.Facts = append(t.Facts, sinks.Fact{Name: "varies", Value: v.Field + ": " + roughly(v.Values.Count()) + " values"})
		if common := v.Common(); common != "" {
			t.Facts = append(t.Facts, sinks.Fact{Name: "in common", Value: common})
		}
		for _, e := range v.Examples {
			t.Facts = append(t.Facts, sinks.Fact{Name: "example", Value: e})
		}
	}
	t.Facts = append(t.Facts, sinks.Fact{Name: "what to do", Value: remedy(p, varies)})
	t.Why = []string{fmt.Sprintf("rule %q matched failures of more new signatures than can be told apart: the rest of them are counted here", p.Rule)}
	if p.Flood.Fold == correlate.FoldService {
		t.Why[0] = "there were more new problems at once than there is room for: the rest of them are counted here"
	}
	t.Why = append(t.Why,
		"what was known before, and what comes very often, is counted on tickets of its own",
		"new problems have tickets of their own again once few new signatures come",
	)
}

// remedy says how the rule would tell fewer problems apart.
func remedy(p correlate.Problem, varies []correlate.Varying) string {
	var left, out []string
	for _, v := range p.Flood.Fields {
		if slices.ContainsFunc(varies, func(o correlate.Varying) bool { return o.Component == v.Component }) {
			out = append(out, v.Component)
		} else if slices.Contains(correlate.ComponentNames(), v.Component) {
			left = append(left, v.Component)
		}
	}
	switch {
	case p.Flood.Fold == correlate.FoldService:
		return "look for what fails at so many places at once"
	case len(varies) == 0 || strings.HasPrefix(varies[0].Component, "rule "):
		return fmt.Sprintf("give rule %q a signature without what varies", p.Rule)
	case len(left) == 0:
		return fmt.Sprintf("keep what varies out of %s where it is recorded, or give rule %q a signature of its own", varies[0].Field, p.Rule)
	}
	// In the order in which rules are documented to name them.
	var order []string
	for _, name := range correlate.ComponentNames() {
		if slices.Contains(left, name) {
			order = append(order, name)
		}
	}
	return fmt.Sprintf("leave out what varies (%s): signature: [%s] in rule %q", strings.Join(out, ", "), strings.Join(order, ", "), p.Rule)
}

// roughly writes a number of which about a twentieth may be wrong.
func roughly(n int64) string {
	if n <= 128 { // which is counted exactly
		return strconv.FormatInt(n, 10)
	}
	step := int64(math.Pow10(len(strconv.FormatInt(n, 10)) - 2))
	digits := strconv.FormatInt((n+step/2)/step*step, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return "about " + digits
}
