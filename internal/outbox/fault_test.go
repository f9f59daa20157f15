package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

var errFault = errors.New("the store is out of reach")

// fate decides which call of something fails.
type fate struct {
	at     int  // the call that fails, from 1
	late   bool // it takes effect first, and only its answer is lost
	lasts  bool // so do all that come after it, with no effect: the process is dead
	mu     sync.Mutex
	calls  int
	struck bool
}

// strikes counts a call, and reports whether it has an effect and whether it
// fails.
func (f *fate) strikes() (effect, fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch {
	case f.calls == f.at:
		f.struck = true
		return f.late, true
	case f.lasts && f.struck:
		return false, true
	}
	return true, false
}

func (f *fate) dead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lasts && f.struck
}

// faulty is a store that fails as its fate has it.
type faulty struct {
	correlate.Store
	fate *fate
}

func (s faulty) Update(ctx context.Context, key correlate.Key, fn correlate.UpdateFunc) (err error) {
	effect, fails := s.fate.strikes()
	if effect {
		err = s.Store.Update(ctx, key, fn)
	}
	if fails {
		return errFault
	}
	return err
}

// Claim fails only where it returns something: the others make no difference.
func (s faulty) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if s.fate.dead() {
		return nil, errFault
	}
	ds, err := s.Store.Claim(ctx, c)
	if err != nil || len(ds) == 0 {
		return ds, err
	}
	effect, fails := s.fate.strikes()
	if !effect { // as if it had never been
		for _, d := range ds {
			err = errors.Join(err, s.Store.Settle(ctx, d, correlate.Outcome{Due: d.Due}, nil))
		}
	}
	if fails {
		return nil, errors.Join(errFault, err)
	}
	return ds, nil
}

func (s faulty) Settle(ctx context.Context, d correlate.Delivery, o correlate.Outcome, fn correlate.UpdateFunc) (err error) {
	effect, fails := s.fate.strikes()
	if effect {
		err = s.Store.Settle(ctx, d, o, fn)
	}
	if fails {
		return errFault
	}
	return err
}

// mortal is a tracker as seen from a process that may die: a call that it does
// not live to make is not made.
func mortal(tr *tracker, f *fate) {
	script := tr.script
	tr.script = func(ctx context.Context, c call) (bool, error) {
		if f.lasts {
			if effect, _ := f.strikes(); !effect {
				return false, errFault
			}
		}
		if script != nil {
			return script(ctx, c)
		}
		return true, nil
	}
}

// tooLate makes a tracker answer only when the time of the call is over, until
// it has its first ticket.
func tooLate(tr *tracker) {
	tr.script = func(ctx context.Context, c call) (bool, error) {
		if c.method == "file" && len(tr.filed()) == 0 {
			<-ctx.Done()
			return true, ctx.Err()
		}
		return true, nil
	}
}

// TestNeverZeroNeverTwo fails each call that is made of the store, one after
// the other, or ends the process before each of its steps, and runs what
// remains to the end.
func TestNeverZeroNeverTwo(t *testing.T) {
	for _, can := range []struct {
		name  string
		sink  func(*tracker) sinks.Sink
		filed map[string]int
		state sinks.State // of the last ticket
	}{
		{"finder and updater", newFull, map[string]int{"spt:p": 1}, sinks.Resolved},
		{"finder", func(tr *tracker) sinks.Sink { return finding{plain{tr}} }, map[string]int{"spt:p": 1, "spt:p-2": 1}, sinks.Open},
	} {
		for _, fault := range []struct {
			name        string
			late, lasts bool
		}{
			{name: "a call of the store fails"},
			{name: "the answer of a call of the store is lost", late: true},
			{name: "the process dies before a step", lasts: true},
		} {
			for name, behave := range map[string]func(*tracker){"well": func(*tracker) {}, "too late": tooLate} {
				t.Run(can.name+"/"+fault.name+"/the sink answers "+name, func(t *testing.T) {
					n, struck := 1, true
					for ; struck; n++ {
						synctest.Test(t, func(t *testing.T) {
							f := &fate{at: n, late: fault.late, lasts: fault.lasts}
							tr := new(tracker)
							behave(tr)
							b := live(t, tr, f, can.sink)
							struck = f.struck

							require.Equal(t, can.filed, tr.filed(), "step %d", n)
							last := tr.tickets[len(tr.tickets)-1]
							require.Equal(t, can.state, tr.states[last.Key], "step %d", n)
							filing := b.problem("p").Filing("a")
							require.Empty(t, filing.Pending, "step %d", n)
							require.Nil(t, filing.Parked, "step %d", n)
							require.False(t, filing.Unknown, "step %d", n)
							require.NotEmpty(t, filing.Receipt.ID, "step %d", n)
						})
					}
					require.Greater(t, n, 8, "the life of a problem has more steps than that")
				})
			}
		}
	}
}

// live runs the life of a problem under a fate, and starts the process again
// when it has died.
func live(t *testing.T, tr *tracker, f *fate, sink func(*tracker) sinks.Sink) *bench {
	named := map[string]sinks.Sink{"a": sink(tr)}
	b := newBench(t, named, options())
	b.poll = time.Second
	healthy := tr.script
	mortal(tr, f)
	b.box = b.outbox(faulty{b.store, f}, named)
	run := func() {
		for range 12 {
			b.run(20 * time.Second)
			if f.dead() {
				tr.script = healthy
				b.box = b.outbox(b.store, named)
			}
		}
		time.Sleep(5 * time.Minute)
	}
	b.happens("p", "a")
	run()
	b.happens("p", "a")
	run()
	b.stops("p", "a")
	run()
	b.happens("p", "a")
	run()
	b.stops("p", "a")
	run()
	return b
}

func TestLeaseLost(t *testing.T) {
	for _, test := range []struct {
		rule  string
		sink  func(*tracker) sinks.Sink
		first bool // the first one settles before the second one looks
		filed map[string]int
	}{
		{"the second one finds what the first has filed", newFull, false, map[string]int{"spt:p": 1}},
		{"the receipt of the first is known to the second", newFull, true, map[string]int{"spt:p": 1}},
		{"also where the sink can do nothing", func(tr *tracker) sinks.Sink { return plain{tr} }, true, map[string]int{"spt:p": 1}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(tracker)
				named := map[string]sinks.Sink{"a": test.sink(tr)}
				b := newBench(t, named, options())
				other := b.outbox(b.store, named)
				b.happens("p", "a")
				mine := b.claim(b.box)
				time.Sleep(b.box.lease)
				theirs := b.claim(other)
				require.Len(t, theirs, 1)
				r := b.box.Deliver(t.Context(), mine[0])
				if test.first {
					b.settle(b.box, r)
					require.NotEmpty(t, b.problem("p").Filing("a").Receipt.ID, "a success is known though its lease was lost")
				}
				b.settle(other, other.Deliver(t.Context(), theirs[0]))
				if !test.first {
					b.settle(b.box, r)
				}
				require.Equal(t, test.filed, tr.filed())
				f := b.problem("p").Filing("a")
				require.Equal(t, "#1", f.Receipt.ID)
				require.Empty(t, f.Pending)
			})
		})
	}
}

func TestLeaseLostWhileItIsFiledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := new(tracker)
		named := map[string]sinks.Sink{"a": plain{tr}}
		b := newBench(t, named, options())
		other := b.outbox(b.store, named)
		b.happens("p", "a")
		b.run(time.Second)
		b.stops("p", "a")
		b.run(time.Second)
		b.happens("p", "a")
		mine := b.claim(b.box)
		time.Sleep(b.box.lease)
		theirs := b.claim(other)
		b.settle(b.box, b.box.Deliver(t.Context(), mine[0]))
		b.settle(other, other.Deliver(t.Context(), theirs[0]))
		require.Equal(t, map[string]int{"spt:p": 1, "spt:p-2": 1}, tr.filed(), "a return files once")
		b.drive(other, time.Hour)
		require.Equal(t, map[string]int{"spt:p": 1, "spt:p-2": 1}, tr.filed())
	})
}

func TestManyReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &tracker{script: func(ctx context.Context, c call) (bool, error) {
			switch c.number % 7 {
			case 3:
				<-ctx.Done()
				return c.number%2 == 0, ctx.Err()
			case 5:
				return false, errors.New("503")
			}
			return true, nil
		}}
		named := map[string]sinks.Sink{"a": newFull(tr)}
		opts := options()
		opts.Attempts = 100
		b := newBench(t, named, opts)
		want := map[string]int{}
		for i := range 50 {
			b.happens(fmt.Sprint("p", i), "a")
			want[fmt.Sprint("spt:p", i)] = 1
		}
		done := make(chan struct{})
		for range 4 {
			go func() {
				b.drive(b.outbox(b.store, named), time.Hour)
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		synctest.Wait()
		require.Equal(t, want, tr.filed())
	})
}
