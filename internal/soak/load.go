package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// load is what one goroutine makes of spans.
type load struct {
	rng    *rand.Rand
	tracer trace.Tracer
	logger log.Logger
}

// kinds of load: how many a second, and what one of them is.
var kinds = []struct {
	name string
	rate int
	one  func(*load) int // returns how many spans it has ended
}{
	{"quiet", 500, (*load).healthy},
	{"known failures", 50, (*load).known},
	{"storm", 20000, (*load).known},
	{"flood", 1000, (*load).unheard},
	{"logs", 200, (*load).logged},
}

func (l *load) healthy() int {
	ctx, root := l.tracer.Start(context.Background(), "GET /cart", trace.WithSpanKind(trace.SpanKindServer))
	_, child := l.tracer.Start(ctx, "SELECT carts", trace.WithSpanKind(trace.SpanKindClient))
	child.End()
	root.End()
	return 2
}

var operations = []string{"GET /cart", "POST /pay", "GET /orders", "PUT /address", "DELETE /cart"}

// known fails as others do.
func (l *load) known() int {
	ctx, root := l.tracer.Start(context.Background(), operations[l.rng.IntN(len(operations))], trace.WithSpanKind(trace.SpanKindServer))
	_, child := l.tracer.Start(ctx, "query")
	child.RecordError(fmt.Errorf("dial tcp 10.0.%d.%d:5432: connection refused", l.rng.IntN(256), l.rng.IntN(256)))
	child.SetStatus(codes.Error, "connection refused")
	child.End()
	root.SetStatus(codes.Error, "")
	if l.rng.IntN(100) > 0 { // some never end
		root.End()
		return 2
	}
	return 1
}

// unheard fails as nothing has before.
func (l *load) unheard() int {
	word := make([]byte, 10)
	for i := range word {
		word[i] = 'a' + byte(l.rng.IntN(26))
	}
	_, sp := l.tracer.Start(context.Background(), "GET /"+string(word), trace.WithSpanKind(trace.SpanKindServer))
	sp.RecordError(errors.New("no such page"))
	sp.SetStatus(codes.Error, "no such page")
	sp.End()
	return 1
}

// logged logs an error in a span, after it, or outside of any.
func (l *load) logged() int {
	ctx, sp := l.tracer.Start(context.Background(), operations[l.rng.IntN(len(operations))])
	var r log.Record
	r.SetSeverity(log.SeverityError)
	r.SetBody(attribute.StringValue("order cannot be saved"))
	r.AddAttributes(attribute.String("exception.type", "SaveError"), attribute.String("exception.message", "the disk is full"))
	when := l.rng.IntN(3)
	if when == 0 {
		l.logger.Emit(ctx, r)
	}
	if l.rng.IntN(2) == 0 {
		sp.SetStatus(codes.Error, "")
	}
	sp.End()
	if when == 1 {
		l.logger.Emit(ctx, r)
	}
	if when == 2 {
		l.logger.Emit(context.Background(), r)
	}
	return 1
}

// phase is a second or so of random load and troubles.
func (w *world) phase(ctx context.Context) error {
	w.trouble(true)
	took := time.Duration(300+w.rng.IntN(1700)) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, min(took, w.Every))
	defer cancel()
	var wg sync.WaitGroup
	for range 1 + w.rng.IntN(3) {
		k := kinds[w.rng.IntN(len(kinds))]
		l := &load{rng: rand.New(rand.NewPCG(w.rng.Uint64(), 0)), tracer: w.spans.Tracer("soak"), logger: w.logs.Logger("soak")}
		wg.Go(func() { w.loaded.Add(l.pace(ctx, k.rate, k.one)) })
	}
	if w.rng.IntN(2) == 0 {
		e, patience := w.engines[w.rng.IntN(2)], time.Duration(w.rng.IntN(300))*time.Millisecond
		wg.Go(func() {
			for ctx.Err() == nil {
				ctx, cancel := context.WithTimeout(ctx, patience+time.Millisecond)
				_ = e.Flush(ctx)
				cancel()
			}
		})
	}
	ended := map[*engine]bool{}
	switch w.rng.IntN(6) {
	case 0:
		if err := w.writeRules(w.rng.IntN(4)); err != nil {
			return err
		}
		for _, e := range w.engines {
			_ = e.Reload() // some cannot be read
		}
	case 1:
		for range 5 {
			spans, logs := w.providers()
			l := &load{rng: w.rng, tracer: spans.Tracer("soak"), logger: logs.Logger("soak")}
			for range 20 {
				w.loaded.Add(int64(l.known() + l.logged()))
			}
			end, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			_, _ = spans.Shutdown(end), logs.Shutdown(end)
			cancel()
		}
	case 2:
		all := w.shuffled()
		for _, e := range all[:1+w.rng.IntN(2)] {
			end, cancel := context.WithTimeout(context.Background(), time.Duration(w.rng.IntN(1000))*time.Millisecond)
			_ = e.Shutdown(end) // in the middle of it all, and of its troubles
			cancel()
			ended[e] = true
		}
	}
	wg.Wait()
	if len(ended) == 0 {
		return nil
	}
	w.withdraw()
	var err error
	for _, e := range w.engines {
		if ended[e] {
			e.store.begin("")
			err = errors.Join(err, w.end(e))
		}
	}
	if w.rng.IntN(2) == 0 { // rules that cannot be read are no rules to start with
		err = errors.Join(err, w.writeRules(w.rng.IntN(3)))
	} else {
		err = errors.Join(err, w.writeRules(0))
	}
	for _, e := range w.engines {
		if ended[e] && err == nil {
			err = w.start(e)
		}
	}
	if err == nil {
		w.provide()
	}
	return err
}

// pace calls one so many times a second, until ctx ends or it cannot keep up.
func (l *load) pace(ctx context.Context, rate int, one func(*load) int) (spans int64) {
	const tick = 10 * time.Millisecond
	t := time.NewTicker(tick)
	defer t.Stop()
	n := max(1, rate*int(tick)/int(time.Second))
	skip := max(1, int(time.Second)/(rate*int(tick)))
	for i := 0; ; i++ {
		select {
		case <-t.C:
		case <-ctx.Done():
			return spans
		}
		if i%skip != 0 {
			continue
		}
		for range n {
			spans += int64(one(l))
		}
	}
}
