package ledger

import (
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/redact"
)

// freeze evaluates the rule's answers and puts them, redacted, into the problem.
func (l *Ledger) freeze(p *correlate.Problem, b coalesce.Batch, now time.Time) {
	p.Suspects = l.suspects(*p, now)
	a, err := b.Set.Answers(b.Rule, b.Newest, p, l.scrub)
	if err != nil {
		l.Logger.Warn("spanticket: part of a rule failed, its default is used", "rule", b.Batch.Rule, "error", l.Redactor.Text(err.Error()))
	}
	if b.Flood != nil {
		a.Title = "many different failures: " + b.Sample.Operation
	}
	to := l.known(a.Sinks, b.Batch.Rule)
	a.Sinks = nil // they are the host's own names, whatever they look like
	if l.Link != nil {
		a.Runbook = l.Link(a.Runbook)
	}
	if err := l.Redactor.Document(&a); err != nil {
		a = correlate.Answers{Severity: "error", Title: "[REDACTED:failed]", Threshold: a.Threshold, Quiet: a.Quiet}
	}
	a.Sinks = to
	p.Answers = a
}

// reduce redacts the copy of an occurrence, of which no more is stored than the
// components of its signature, and reports whether there was anything.
func (l *Ledger) reduce(o *correlate.Occurrence) (found bool, err error) {
	err = l.Redactor.Reporting(func(string) { found = true }).Document(o)
	return found, err
}

// count returns a redactor that also counts what it withholds in counts.
func (l *Ledger) count(counts *map[string]int64) *redact.Redactor {
	return l.Redactor.Reporting(func(kind string) {
		l.Counters.Withheld.Add(kind)
		if *counts == nil {
			*counts = map[string]int64{}
		}
		(*counts)[kind]++
	})
}

// scrub redacts a text that is cut afterwards.
func (l *Ledger) scrub(s string) string {
	if err := l.Redactor.Document(&s); err != nil {
		return "[REDACTED:failed]"
	}
	return s
}

// known returns those of the names that are sinks, each once, or all sinks if
// none is.
func (l *Ledger) known(names []string, rule string) []string {
	var out []string
	for _, name := range names {
		switch {
		case name == "", slices.Contains(out, name):
		case slices.Contains(l.Sinks, name):
			out = append(out, name)
		default:
			l.Logger.Warn("spanticket: a rule names a sink that is not configured", "rule", rule, "sink", l.Redactor.Text(name))
		}
	}
	if len(out) == 0 {
		return slices.Clone(l.Sinks)
	}
	return out
}

// redact removes secrets from what of a batch is stored. What cannot be
// redacted is not stored.
func (l *Ledger) redact(b *coalesce.Batch) {
	// Slices are shared with occurrences; the maps of a sample are its own.
	b.Signature.Components = slices.Clone(b.Signature.Components)
	b.Sample.Path = slices.Clone(b.Sample.Path)
	if err := b.Redact(l.reduce); err != nil {
		l.Logger.Error("spanticket: what makes a signature is not told: it cannot be redacted", "problem", b.Signature.ID, "error", err)
	}
	doc := struct {
		Sample     *correlate.Sample
		Components []correlate.Component
		Affected   []correlate.Affected
		Examples   [][]string
	}{&b.Sample, b.Signature.Components, b.Impact.Operations, examples(b.Flood)}
	if err := l.count(&b.Withheld).Document(&doc); err != nil {
		l.Logger.Error("spanticket: evidence is left out: it cannot be redacted", "problem", b.Signature.ID, "error", err)
		s := b.Sample
		b.Sample = correlate.Sample{Time: s.Time, Duration: s.Duration, TraceID: s.TraceID, SpanID: s.SpanID, Exported: s.Exported, Operation: "[REDACTED:failed]"}
		b.Signature.Components = nil
		b.Impact.Operations = nil
		for i := range doc.Examples {
			b.Flood.Fields[i].Examples = nil
		}
	}
}

// examples returns the values that are told of a flood, as they are stored.
func examples(f *correlate.Flood) (out [][]string) {
	if f != nil {
		for _, v := range f.Fields {
			out = append(out, v.Examples)
		}
	}
	return out
}
