package render

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// enrich asks all enrichers at once and adds what each found in its time. One
// that fails, panics or takes too long is named on the ticket, which never
// waits longer than the budget.
func (r *Renderer) enrich(ctx context.Context, p correlate.Problem, t *sinks.Ticket) {
	ctx, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	answers := make([]chan answer, len(r.Enrichers))
	for i, n := range r.Enrichers {
		answers[i] = make(chan answer, 1)
		if n.calls.Add(1) > maxCalls {
			n.calls.Add(-1)
			answers[i] <- answer{err: errStuck}
			continue
		}
		go func() {
			defer n.calls.Add(-1)
			answers[i] <- ask(ctx, n.Enricher, p)
		}()
	}
	for i, n := range r.Enrichers {
		var a answer
		select {
		case a = <-answers[i]:
		case <-ctx.Done():
			select {
			case a = <-answers[i]: // it answered just in time
			default:
				a.err = ctx.Err()
			}
		}
		switch {
		case errors.Is(a.err, context.DeadlineExceeded):
			t.Missing = append(t.Missing, fmt.Sprintf("%s: no answer within %s", n.Name, r.Budget))
		case a.err != nil:
			// Sprintf, because an error may panic when it is asked for its text.
			t.Missing = append(t.Missing, Safe(r.Redactor, fmt.Sprintf("%s: %v", n.Name, a.err)))
		}
		t.Facts = append(t.Facts, a.facts.Facts...)
		t.Links = append(t.Links, a.facts.Links...)
		for _, what := range a.facts.Missing {
			if !slices.Contains(t.Missing, what) {
				t.Missing = append(t.Missing, what)
			}
		}
	}
}

// maxCalls bounds the calls of one enricher that are under way, so that one
// which never returns holds no more than so many goroutines.
const maxCalls = 16

var errStuck = errors.New("not asked: too many earlier calls have not returned")

type answer struct {
	facts enrich.Facts
	err   error
}

func ask(ctx context.Context, e enrich.Enricher, p correlate.Problem) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{err: fmt.Errorf("it panicked: %v", v)}
		}
	}()
	a.facts, a.err = e.Enrich(ctx, p)
	return a
}
