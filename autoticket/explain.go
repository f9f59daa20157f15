package autoticket

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/decisionlog"
)

// Explanation answers why there is a ticket, or why there is none.
type Explanation struct {
	Query     string
	Decisions []correlate.Decision // newest first; a sample, where there were many
	Problems  []correlate.Problem  // as they are stored now
	Rules     []RuleStats
}

// maxExplained bounds the decisions of an explanation.
const maxExplained = 100

var (
	traceQuery  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	ticketQuery = regexp.MustCompile(`^spt:(.*?)(-[0-9]+)?$`)
)

// Explain answers for a trace ID, a signature, the key of a ticket, or the name
// of a rule: what was decided about it and why, the problem, and what the rule
// did. What is asked for long after, or was one of very many, may not be
// remembered; rare decisions are kept longer. What stands in spans is redacted.
func (e *Engine) Explain(ctx context.Context, query string) (Explanation, error) {
	x := Explanation{Query: query}
	if e == nil {
		return x, nil
	}
	id := strings.TrimSpace(query)
	if m := ticketQuery.FindStringSubmatch(id); m != nil {
		id = m[1]
	}
	find := func(match func(*correlate.Decision) bool) {
		for _, entry := range e.s.decisions.log.Find(match, maxExplained) {
			x.add(entry)
		}
	}
	signatures, rules := []string{id}, []string{id}
	if traceQuery.MatchString(id) {
		find(func(d *correlate.Decision) bool { return d.TraceID == id })
		signatures = nil
		for _, d := range x.Decisions {
			if d.Signature != "" && !slices.Contains(signatures, d.Signature) {
				signatures = append(signatures, d.Signature)
			}
		}
	} else {
		find(func(d *correlate.Decision) bool { return d.Signature == id || d.Rule == id })
	}
	for _, d := range x.Decisions {
		rules = append(rules, d.Rule)
	}
	if err := e.explainProblems(ctx, &x, signatures); err != nil {
		return x, err
	}
	for _, p := range x.Problems {
		rules = append(rules, p.Rule)
	}
	for _, r := range e.Stats().Rules {
		if slices.Contains(rules, r.Name) {
			x.Rules = append(x.Rules, r)
		}
	}
	for i := range x.Decisions {
		if err := e.s.config.Redactor.Document(&x.Decisions[i]); err != nil {
			return Explanation{Query: query}, fmt.Errorf("autoticket: explaining %s: %w", query, err)
		}
	}
	return x, nil
}

// add takes in a decision that the log remembers.
func (x *Explanation) add(entry decisionlog.Entry) {
	d := entry.Decision
	d.Count *= max(1, entry.Sampled)
	d.Withheld = maps.Clone(d.Withheld) // the log goes on with its own
	x.Decisions = append(x.Decisions, d)
}

func (e *Engine) explainProblems(ctx context.Context, x *Explanation, signatures []string) error {
	for _, id := range signatures {
		for _, scope := range e.s.ledger.Scopes() {
			p, err := correlate.FindProblem(ctx, e.s.store, correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id})
			switch {
			case err == nil:
				if !slices.ContainsFunc(x.Problems, func(have correlate.Problem) bool { return have.ID == p.ID && have.Scope == p.Scope }) {
					x.Problems = append(x.Problems, p) // of its signatures, one may be of a newer version
				}
			case !errors.Is(err, correlate.ErrNotFound):
				return safeError(e.s.config.Redactor, fmt.Errorf("autoticket: explaining %s: %w", x.Query, err))
			}
		}
	}
	return nil
}

// String lays the explanation out for people.
func (x Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q\n", x.Query)
	if len(x.Decisions)+len(x.Problems)+len(x.Rules) == 0 {
		b.WriteString("  nothing is remembered: it was healthy, or this process did not see it, or saw it long ago\n")
	}
	for _, d := range x.Decisions {
		fmt.Fprintf(&b, "%s  %q", d.Time.UTC().Format(time.RFC3339), d.Operation)
		for _, part := range [][2]string{{"span", d.SpanID}, {"of trace", d.TraceID}, {"rule", d.Rule}, {"signature", d.Signature}} {
			if part[1] != "" {
				fmt.Fprintf(&b, ", %s %s", part[0], part[1])
			}
		}
		if d.Count > 1 {
			fmt.Fprintf(&b, ", and about %d more", d.Count-1)
		}
		fmt.Fprintf(&b, "\n  %s at %s: %s", d.Reason, d.Stage, d.Reason.Meaning())
		if d.Detail != "" {
			fmt.Fprintf(&b, " (%q)", d.Detail)
		}
		if len(d.Withheld) > 0 {
			b.WriteString("; withheld:")
			for _, kind := range slices.Sorted(maps.Keys(d.Withheld)) {
				fmt.Fprintf(&b, " %d %s", d.Withheld[kind], kind)
			}
		}
		b.WriteByte('\n')
	}
	for _, p := range x.Problems {
		explainProblem(&b, p)
	}
	for _, r := range x.Rules {
		fmt.Fprintf(&b, "rule %s, %s: %d spans matched, %d evaluations failed\n", r.Name, r.Mode, r.Matches, r.Errors)
		if r.LastError != "" {
			fmt.Fprintf(&b, "  the newest: %q\n", r.LastError)
		}
		if r.Off {
			b.WriteString("  it is switched off: it exceeded the limits of an evaluation too often\n")
		}
	}
	return b.String()
}

func explainProblem(b *strings.Builder, p correlate.Problem) {
	fmt.Fprintf(b, "problem %s, %s: %q, %d times from %s to %s\n", p.ID, p.State, p.Answers.Title, p.Count,
		p.FirstSeen.UTC().Format(time.RFC3339), p.LastSeen.UTC().Format(time.RFC3339))
	if p.Hold != "" {
		fmt.Fprintf(b, "  has no ticket of its own (%s): %s\n", p.Hold, p.Hold.Meaning())
	}
	for _, f := range p.Filings {
		switch {
		case f.Parked != nil:
			fmt.Fprintf(b, "  %s: parked: %q\n", f.Sink, f.Parked.Reason)
		case f.Receipt == (correlate.Receipt{}):
			fmt.Fprintf(b, "  %s: not filed yet\n", f.Sink)
		default:
			fmt.Fprintf(b, "  %s: %s %s\n", f.Sink, f.Receipt.ID, f.Receipt.URL)
		}
	}
	for _, h := range p.History {
		fmt.Fprintf(b, "  %s  %q\n", h.Time.UTC().Format(time.RFC3339), h.What)
	}
	for _, line := range strings.Split(strings.TrimSpace(p.Signature.Explain()), "\n") {
		fmt.Fprintf(b, "  %s\n", line)
	}
}
