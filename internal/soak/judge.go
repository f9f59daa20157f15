package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/limit"
	"github.com/spanticket/spanticket/internal/render"
)

// sums says what does not add up of an engine that was shut down. Goroutines that
// were busy then have some time to count what is lost.
func sums(e *engine) error {
	var wrong error
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		st := e.Stats()
		sum := st.Healthy
		for _, n := range st.Decisions {
			sum += n
		}
		for _, n := range st.Dropped {
			sum += n
		}
		given := e.given.Load() + st.Records - st.Merged - int64(st.HeldRecords) + st.Journal.Replayed
		switch {
		case st.Panics > 0:
			return fmt.Errorf("it has panicked %d times", st.Panics)
		case st.Spans != sum:
			wrong = fmt.Errorf("it has seen %d spans, and accounts for %d: %+v", st.Spans, sum, st)
		case st.Spans != given:
			wrong = fmt.Errorf("it was given %d spans, and has seen %d: %+v", given, st.Spans, st)
		default:
			return nil
		}
		if time.Now().After(end) {
			return wrong
		}
	}
}

// maxSettle is longer than a lease, and than the rest that a circuit breaker gives to a
// tracker that has failed for long.
const maxSettle = 8 * time.Minute

// settle waits, all being well, until there is nothing left to do, and says what is
// wrong then.
func (w *world) settle(ctx context.Context) error {
	w.trouble(false)
	var errs []error
	for _, e := range w.engines {
		ctx, cancel := context.WithTimeout(ctx, maxSettle)
		defer cancel()
		for {
			if err := e.Flush(ctx); err != nil {
				errs = append(errs, fmt.Errorf("the engine with its store in %s: %w", e.name, err))
				break
			}
			wrong, err := judge(ctx, e)
			if err != nil {
				errs = append(errs, err)
				break
			}
			if wrong == nil {
				break
			}
			select {
			case <-time.After(200 * time.Millisecond):
				continue
			case <-ctx.Done():
			}
			errs = append(errs, fmt.Errorf("the engine with its store in %s: %w\n%s", e.name, wrong, limits(e)))
			break
		}
	}
	return errors.Join(errs...)
}

// limits returns what the engine has learnt of its trackers, as it is stored.
func limits(e *engine) string {
	records, err := e.store.List(context.Background(), correlate.Page{Kind: limit.Kind, Max: 10})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%s: %s\n", r.Key.ID, r.Data)
	}
	return b.String()
}

// orphaned notes the tickets that an engine filed while its store was out of reach,
// and that it took with it when it was shut down before the store was back: nobody
// knows of them, unless the same fails again.
func orphaned(e *engine) error {
	open := map[string]bool{}
	if err := ledger.EveryProblem(context.Background(), e.store, func(p correlate.Problem) {
		open[render.Key(p, "pager")] = true
	}); err != nil {
		return err
	}
	_, keys := e.trackers["pager"].has()
	for _, key := range keys {
		if !open[key] {
			e.orphans[key] = true
		}
	}
	return nil
}

// judge returns how the tickets of an engine differ from its problems, which should
// all be over but for the tickets for many: those wait for calm. err says that it
// cannot be told.
func judge(ctx context.Context, e *engine) (wrong, err error) {
	var problems []string
	want := map[string]map[string]bool{} // whether it is open, by tracker and key
	for name := range e.trackers {
		want[name] = map[string]bool{}
	}
	err = ledger.EveryProblem(ctx, e.store, func(p correlate.Problem) {
		if p.State == correlate.Open && p.Report == "" {
			problems = append(problems, p.ID+" is open")
		}
		for _, f := range p.Filings {
			if len(f.Pending) > 0 {
				problems = append(problems, p.ID+" waits for "+f.Sink)
			}
		}
		if p.Episode == 0 {
			return
		}
		for name := range e.trackers {
			want[name][render.Key(p, name)] = p.State == correlate.Open
		}
	})
	if err != nil {
		return nil, err
	}
	for name, t := range e.trackers {
		_, open := t.has()
		for _, key := range open {
			if !want[name][key] && !(t.keyed && e.orphans[key]) {
				problems = append(problems, fmt.Sprintf("%s has %s open", name, key))
			}
		}
		t.mu.Lock()
		for key, open := range want[name] {
			switch is := t.tickets[key]; {
			case is == nil:
				problems = append(problems, fmt.Sprintf("%s lacks %s", name, key))
			case open && !is.open:
				problems = append(problems, fmt.Sprintf("%s has %s closed", name, key))
			}
		}
		for _, key := range t.twice {
			problems = append(problems, fmt.Sprintf("%s has %s twice", name, key))
		}
		t.mu.Unlock()
	}
	if len(problems) == 0 {
		return nil, nil
	}
	slices.Sort(problems)
	n := len(problems)
	each := max(1, n/20) // some of each kind
	var some []string
	for i := 0; i < n; i += each {
		some = append(some, problems[i])
	}
	return fmt.Errorf("at %s %d things are wrong with its tickets, such as: %s", time.Now().UTC().Format(time.RFC3339), n, strings.Join(some, "; ")), nil
}
