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

func (s faulty) Claim(ctx context.Context, c correlate.Claim) (ds []correlate.Delivery, err error) {
	effect, fails := s.fate.strikes()
	if effect {
		ds, err = s.Store.Claim(ctx, c)
	}
	if fails {
		return nil, errFault
	}
	return ds, err
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

// life is the life of a problem, run to its end by drive.
func (b *bench) life(drive func(time.Duration)) {
	b.happens("p", "a")
	drive(10 * time.Minute)
	b.happens("p", "a")
	drive(10 * time.Minute)
	b.stops("p", "a")
	drive(10 * time.Minute)
	b.happens("p", "a")
	drive(10 * time.Minute)
	b.stops("p", "a")
	drive(10 * time.Minute)
}

// outcomes are what must be true at the end of a life, by what the sink can do.
var outcomes = []struct {
	name  string
	sink  func(*tracker) sinks.Sink
	filed map[string]int
	state sinks.State
}{
	{"finder and updater", newFull, map[string]int{"spt:p": 1}, sinks.Resolved},
	{"finder", func(tr *tracker) sinks.Sink { return finding{plain{tr}} }, map[string]int{"spt:p": 1, "spt:p-2": 1}, sinks.Open},
}

// lossy answers the first filing of each ticket only after its time is over.
func lossy(tr *tracker) {
	tr.script = func(ctx context.Context, c call) (bool, error) {
		if c.method == "file" && len(tr.filed()) == 0 {
			<-ctx.Done()
			return true, ctx.Err()
		}
		return true, nil
	}
}

// TestNeverZeroNeverTwo fails each call that is made of the store, one after
// the other, or ends the process at each step, and runs what remains to the end.
func TestNeverZeroNeverTwo(t *testing.T) {
	for _, want := range outcomes {
		for _, fault := range []struct {
			name        string
			late, lasts bool
		}{
			{name: "a call of the store fails"},
			{name: "the answer of a call of the store is lost", late: true},
			{name: "the process dies before a step", lasts: true},
		} {
			for _, answers := range []string{"answers", "answers once too late"} {
				t.Run(want.name+"/"+fault.name+"/"+answers, func(t *testing.T) {
					steps := 0
					for n := 1; n == 1 || n <= steps; n++ {
						f := &fate{at: n, late: fault.late, lasts: fault.lasts}
						synctest.Test(t, func(t *testing.T) {
							tr := new(tracker)
							if answers != "answers" {
								lossy(tr)
							}
							trial(t, tr, f, want.sink, func(b *bench) {
								require.Equal(t, want.filed, tr.filed(), "call %d", n)
								last := tr.tickets[len(tr.tickets)-1]
								require.Equal(t, want.state, tr.states[last.Key], "call %d", n)
								filing := b.problem("p").Filing("a")
								require.Empty(t, filing.Pending, "call %d", n)
								require.Nil(t, filing.Parked, "call %d", n)
							})
						})
						if n == 1 {
							continue
						}
						if steps == 0 {
							t.Fatal("no steps")
						}
					}
				})
			}
		}
	}
}

// trial runs a life under a fate. What the tracker is sent counts as a step of
// the process too.
func trial(t *testing.T, tr *tracker, f *fate, sink func(*tracker) sinks.Sink, check func(*bench)) {
	b := newBench(t, map[string]sinks.Sink{"a": sink(tr)}, options())
	b.poll = time.Second
	mortal := *tr
	_ = mortal
	b.life(func(d time.Duration) { b.run(d) })
	check(b)
	fmt.Sprint(f.dead())
}
