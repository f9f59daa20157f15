package prometheus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanticket/spanticket/correlate/deployment"
)

// Prefetch implements [deployment.Fetcher]. It sends two requests for a query, and one if there was
// no traffic; of queries beyond MaxEntries it sends none. It fails with one
// [Error] for each [Reason] that occurred, joined, or with that of ctx.
func (r *Rates) Prefetch(ctx context.Context, queries []deployment.Query) error {
	wanted, tooMany := r.wanted(queries, time.Now())
	var (
		all  failures
		next atomic.Int64
		wait sync.WaitGroup
	)
	if tooMany > 0 {
		r.failures.Add(int64(tooMany))
		all.add(&Error{Reason: Unasked, Err: fmt.Errorf("%d queries at once are too many: raise Config.MaxEntries", len(queries))})
	}
	for range min(cap(r.slots), len(wanted)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(wanted)); i = next.Add(1) - 1 {
				if err := r.fetch(ctx, wanted[i]); err != nil && ctx.Err() == nil {
					r.failures.Add(1)
					all.add(err)
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(ctx.Err(), all.joined())
}

// wanted returns the queries that have to be fetched, each once.
func (r *Rates) wanted(queries []deployment.Query, now time.Time) (wanted []deployment.Query, tooMany int) {
	seen := map[key]bool{}
	for _, q := range queries {
		k := keyOf(q)
		if seen[k] || r.cache.fresh(k, now) {
			continue
		}
		if len(wanted) == r.most {
			tooMany++
			continue
		}
		seen[k] = true
		wanted = append(wanted, q)
	}
	return wanted, tooMany
}

// fetch sees to it that there is an answer to one query, unless ctx ends or it fails.
func (r *Rates) fetch(ctx context.Context, q deployment.Query) *Error {
	k, mine := keyOf(q), make(chan struct{})
	for ctx.Err() == nil && !r.cache.fresh(k, time.Now()) {
		other, busy := r.busy.LoadOrStore(k, mine)
		if busy { // another call is at it
			select {
			case <-other.(chan struct{}):
			case <-ctx.Done():
			}
			continue
		}
		defer close(mine)
		defer r.busy.Delete(k)
		if r.cache.fresh(k, time.Now()) { // another call was
			return nil
		}
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		defer func() { <-r.slots }()
		return r.get(ctx, q)
	}
	return nil
}

// get fetches the answer to one query, and keeps it. What the server does not know
// is an answer, too.
func (r *Rates) get(ctx context.Context, q deployment.Query) (err *Error) {
	defer func() {
		if p := recover(); p != nil { // of the host's functions, on a goroutine of ours
			err = &Error{Reason: Unasked, Err: fmt.Errorf("Config.Header or Config.Transport panicked with a value of type %T", p)}
		}
	}()
	now := time.Now()
	a := answer{at: now, final: now.Sub(q.To) >= settled}
	if now.Sub(q.From) >= settled { // else nothing of it has come
		a.count, a.known, err = r.ask(ctx, q)
	}
	if err != nil {
		if err.ofServer() || err.Reason == Paused || ctx.Err() != nil {
			return err // what was fetched before holds
		}
		a = answer{at: now}
	}
	r.cache.put(keyOf(q), a)
	return err
}

// ask asks how often an operation ended and, if it did, how often it failed.
func (r *Rates) ask(ctx context.Context, q deployment.Query) (count deployment.Count, known bool, err *Error) {
	for _, name := range []string{q.Scope.Namespace, q.Scope.Service, q.Scope.Environment, q.Operation, q.Version} {
		if len(name) > maxText {
			return count, false, &Error{Reason: Unasked, Err: fmt.Errorf("a name of %d bytes: at most %d are asked for", len(name), maxText)}
		}
	}
	if q.Scope.Service == "" || q.To.Sub(q.From) < time.Millisecond {
		return count, false, nil
	}
	total, known, err := r.number(ctx, q, false)
	if err != nil || !known || total == 0 {
		return count, known, err
	}
	// Where none failed there is no series of those that did.
	failed, _, err := r.number(ctx, q, true)
	if err != nil {
		return count, false, err
	}
	return deployment.Count{Total: max(total, failed), Failed: failed}, true, nil
}

// number asks for one number.
func (r *Rates) number(ctx context.Context, q deployment.Query, failed bool) (n int64, known bool, err *Error) {
	query, e := render(r.query, q, failed)
	if e != nil {
		return 0, false, &Error{Reason: Unasked, Err: fmt.Errorf("Config.Query: %w", e)}
	}
	if query == "" {
		return 0, false, nil
	}
	enters, tries := r.breaker.enter(time.Now())
	if !enters {
		return 0, false, &Error{Reason: Paused, Err: fmt.Errorf("%s failed too often, and is left alone for a while", r.url.Host)}
	}
	o, pause := gaveUp, time.Duration(0)
	defer func() { r.breaker.leave(tries, o, pause, time.Now()) }()
	n, known, err = r.send(ctx, query, q.To)
	switch {
	case err == nil || !err.ofServer():
		o = wentWell
	case ctx.Err() == nil:
		o, pause = wentWrong, err.pause
	}
	return n, known, err
}

// failures keeps the first error of each reason.
type failures struct {
	mu   sync.Mutex
	errs []error
	seen map[Reason]bool
}

func (f *failures) add(err *Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[err.Reason] {
		return
	}
	if f.seen == nil {
		f.seen = map[Reason]bool{}
	}
	f.seen[err.Reason] = true
	f.errs = append(f.errs, err)
}

func (f *failures) joined() error { return errors.Join(f.errs...) }
