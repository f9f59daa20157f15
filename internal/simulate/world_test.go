package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
	"github.com/spanticket/spanticket/sinks"
)

var (
	start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	scope = correlate.Scope{Service: "checkout", Environment: "production"}
	rules = func() *celrule.Set {
		set, err := celrule.Compile([]celrule.Rule{{
			Name: "errors", When: "true", Title: "span.name", Threshold: correlate.Threshold{Count: 1, Within: time.Minute}, Quiet: quiet,
			Suppress: correlate.Suppress{Deploy: grace},
		}}, nil)
		if err != nil {
			panic(err)
		}
		return set
	}()
)

const (
	quiet    = 30 * time.Minute
	grace    = 10 * time.Minute
	engines  = 3
	problems = 2
	maxDepth = 3 // of calls that wait while others go on
)

func (c class) String() string { return [...]string{"keyed", "searched", "blind"}[c] }

// step is one thing that happens. Fields that a kind has no use for are ignored.
type step struct {
	Kind    kind
	Engine  int
	Problem int
	N       int // how many, or which
	Fault   fault
	Answers [2]answer // of the calls of a delivery
	Pause   int       // how many of the next steps happen before the tracker has what it is sent
	At      int       // in which of the calls that is
}

func (s step) String() string {
	return fmt.Sprintf("%s(engine %d, problem %d, n %d, fault %d, answers %v, pause %d at %d)", s.Kind, s.Engine, s.Problem, s.N, s.Fault, s.Answers, s.Pause, s.At)
}

type kind int

const (
	occur kind = iota
	apply
	sweep
	claim
	deliver
	settle
	kill
	wait
	skew
	upgrade // a newer program writes what this one does not know
	away    // the store is out of an engine's reach
	alone   // so it is, and the engine files all the same what fails
	back    // it is in reach again
	deploy  // of the service that fails
	numKinds
)

func (k kind) String() string {
	return [...]string{"occur", "apply", "sweep", "claim", "deliver", "settle", "kill", "wait", "skew", "upgrade", "away", "alone", "back", "deploy"}[k]
}

// waits are how long time may pass: a moment, until a search sees what was filed,
// until a delivery is due again, beyond a lease, beyond the quiet that resolves.
var waits = []time.Duration{100 * time.Millisecond, 3 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 31 * time.Minute}

// world is a fleet on one store, with its trackers.
type world struct {
	now      time.Time
	memory   *correlate.Memory
	trackers []*tracker
	engines  []*engine
	started  int // engines that ever were

	steps  []step
	depth  int
	calls  int  // of the delivery that goes on
	paused bool // it has waited while others went on
	step   step

	seen  map[string]int64 // occurrences of each problem
	lost  map[string]int64 // of them, those that were in an engine that was killed
	newer map[string]int   // what a newer program wrote last
	keys  map[string]correlate.Key
	left  bool // an engine was killed before it had handed over what it filed without the store
	asked bool // people have sent again what was parked, where it may stand twice
	wrong []string

	deployed []time.Time
	times    map[string][]time.Time // at which each problem was seen
}

func newWorld() *world {
	w := &world{now: start, memory: new(correlate.Memory), times: map[string][]time.Time{}, seen: map[string]int64{}, lost: map[string]int64{}, newer: map[string]int{}, keys: map[string]correlate.Key{}}
	for _, c := range []class{keyed, searched, blind} {
		w.trackers = append(w.trackers, &tracker{w: w, class: c})
	}
	for range engines {
		w.engines = append(w.engines, w.process())
	}
	return w
}

func (w *world) process() *engine {
	w.started++
	return newEngine(w, fmt.Sprint("run", w.started))
}

func (w *world) broken(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// run lets a history happen.
func (w *world) run(steps []step) {
	w.steps = steps
	for len(w.steps) > 0 && len(w.wrong) == 0 {
		w.next()
	}
}

// next does the next step.
func (w *world) next() {
	s := w.steps[0]
	w.steps = w.steps[1:]
	e := w.engines[s.Engine]
	e.store.next = s.Fault
	switch s.Kind {
	case occur:
		w.occur(e, s.Problem, s.N)
	case apply:
		e.apply()
	case sweep:
		e.sweep()
	case claim:
		e.claim()
	case deliver:
		w.deliver(e, s, s.N)
	case alone:
		e.store.out = true
		w.occur(e, s.Problem, s.N)
		e.apply()
		if e.stand != nil {
			e.claimOf(e.stand.Outbox)
		}
		if last := len(e.jobs) - 1; last >= 0 && s.N != 1 {
			w.deliver(e, s, last)
		}
	case settle:
		e.settle(s.N)
	case kill:
		for _, b := range e.waiting.All() {
			w.lost[b.Signature.ID] += b.Count
		}
		w.left = w.left || e.stand != nil || len(e.left) > 0
		e.killed = true
		w.engines[s.Engine] = w.process()
	case wait:
		w.now = w.now.Add(waits[s.N%len(waits)])
	case skew:
		e.skew = time.Duration(s.N%5-2) * 20 * time.Second
	case upgrade:
		w.upgrade(s.Problem, s.N)
	case deploy:
		w.deployed = append(w.deployed, w.now)
	case away, back:
		e.store.out = s.Kind == away
	}
	e.store.next = works
	w.check()
}

// deliver has an engine carry out the nth job that it has claimed.
func (w *world) deliver(e *engine, s step, n int) {
	step, calls, paused := w.step, w.calls, w.paused
	w.step, w.calls, w.paused = s, 0, false
	e.deliver(n)
	w.step, w.calls, w.paused = step, calls, paused
}

// occur makes n occurrences that an engine has counted and is to store.
func (w *world) occur(e *engine, problem, n int) {
	c := coalesce.Counts{Max: 1}
	for range n%3 + 1 {
		c.Add(&correlate.Occurrence{
			Scope: scope, Rule: "errors", Operation: fmt.Sprint("POST /pay", problem), Kind: "SERVER", Status: "ERROR",
			Start: e.now().Add(-time.Second), End: e.now(), Exception: correlate.Exception{Type: fmt.Sprintf("Err%c", 'A'+problem), Message: "refused"},
		}, rules, 0, false, e.now())
	}
	b := c.Take()[0]
	e.occur(b)
	w.keys[b.Signature.ID] = b.Key()
	w.seen[b.Signature.ID] += b.Count
	w.times[b.Signature.ID] = append(w.times[b.Signature.ID], w.now)
}

// called is told of a call of a tracker before it has an effect. The calls of one
// delivery have their answers each.
func (w *world) called() (effect bool, err error) {
	call, s := w.calls, w.step
	w.calls++
	if call == s.At && s.Pause > 0 && w.depth < maxDepth {
		w.depth++
		w.paused = true
		for range min(s.Pause, len(w.steps)) {
			if len(w.steps) > 0 {
				w.next()
			}
		}
		w.depth--
	}
	return s.Answers[min(call, 1)].outcome()
}

// upgrade lets a newer program store what this one does not know.
func (w *world) upgrade(problem, n int) {
	ids := w.ids()
	if problem >= len(ids) {
		return
	}
	id := ids[problem]
	_ = w.memory.Update(context.Background(), w.keys[id], func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
		if !found {
			return cur, nil, correlate.ErrNotFound
		}
		var members map[string]any
		if err := json.Unmarshal(cur.Data, &members); err != nil {
			return cur, nil, err
		}
		members["newer"] = n
		data, err := json.Marshal(members)
		cur.Data = data
		w.newer[id] = n
		return cur, nil, err
	})
}

func (w *world) ids() (ids []string) {
	for id := range w.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// check holds the world to what must be true at any time.
func (w *world) check() {
	for _, id := range w.ids() {
		var p correlate.Problem
		var members map[string]any
		err := w.memory.Update(context.Background(), w.keys[id], func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
			if !found {
				return cur, nil, correlate.ErrNotFound
			}
			var err error
			if p, err = correlate.DecodeProblem(cur); err != nil {
				w.broken("problem %s cannot be read: %v", id, err)
			}
			_ = json.Unmarshal(cur.Data, &members)
			return cur, nil, correlate.ErrNotFound // only to look
		})
		if p.ID == "" {
			continue
		}
		if p.Count > w.seen[id] {
			w.broken("problem %s counts %d, and %d were seen (%v)", id, p.Count, w.seen[id], err)
		}
		if n, ok := w.newer[id]; ok && members["newer"] != float64(n) {
			w.broken("problem %s has lost what a newer program wrote", id)
		}
		w.patient(p)
		if n := w.trackers[keyed].open(id); len(n) > 1 {
			w.broken("problem %s has %d open tickets in the keyed tracker: %v", id, len(n), n)
		}
		for _, f := range p.Filings {
			if f.Sink == blind.String() && !w.asked {
				w.once(id)
			}
		}
	}
}

// once checks that the tracker that cannot be asked has no ticket twice.
func (w *world) once(id string) {
	have := map[string]int{}
	for _, t := range w.trackers[blind].tickets {
		if w.trackers[blind].about(t, id) {
			if have[t.key]++; have[t.key] > 1 {
				w.broken("problem %s has two tickets %s in the blind tracker", id, t.key)
			}
		}
	}
}

// calm lets everything work, for long enough to end all leases and pauses, and
// ends before anything goes quiet.
func (w *world) calm() {
	w.step = step{}
	for range 9 {
		for _, e := range w.engines {
			e.skew, e.store.next, e.store.out = 0, works, false
			for e.waiting.Len() > 0 {
				e.apply()
			}
			e.sweep()
			e.claim()
			for len(e.jobs) > 0 {
				w.calls = 0
				e.deliver(0)
			}
			for len(e.results) > 0 {
				e.settle(0)
			}
		}
		w.now = w.now.Add(35 * time.Second)
		w.check()
	}
}

// settled holds the world to what must be true when all is calm.
func (w *world) settled(requeue bool) {
	for _, id := range w.ids() {
		p, err := correlate.ReadProblem(context.Background(), w.memory, w.keys[id])
		if err != nil {
			if w.lost[id] < w.seen[id] {
				w.broken("problem %s is lost: %v", id, err)
			}
			continue
		}
		if p.Count < w.seen[id]-w.lost[id] {
			w.broken("problem %s counts %d of %d, of which %d were lost", id, p.Count, w.seen[id], w.lost[id])
		}
		if len(p.Filings) < len(w.trackers) && p.Episode > 0 {
			w.broken("problem %s is known to %d sinks", id, len(p.Filings))
		}
		for n, tr := range w.trackers {
			f := p.Filing(tr.class.String())
			if len(f.Pending) > 0 {
				w.broken("problem %s: deliveries to %s never end: %v", id, f.Sink, f.Pending)
			}
			open := tr.open(id)
			switch {
			case f.Parked != nil:
				if requeue {
					w.asked = true
					if _, err := w.engines[0].outbox.Requeue(context.Background(), w.keys[id], f.Sink, w.now); err != nil {
						w.broken("requeue: %v", err)
					}
				}
			case f.Receipt == correlate.Receipt{} && p.Episode > 0:
				w.broken("problem %s was never filed in %s", id, f.Sink)
			case class(n) == blind:
			case p.Hold != "" && f.Receipt == correlate.Receipt{}:
				if len(open) > 0 && !w.left {
					w.broken("problem %s is held (%s), and has the open tickets %v in %s", id, p.Hold, open, f.Sink)
				}
			case p.State == correlate.Open && len(open) != 1:
				w.broken("problem %s is open, and has the open tickets %v in %s", id, open, f.Sink)
			case p.State == correlate.Resolved && len(open) > 0 && !(w.left && class(n) == keyed):
				w.broken("problem %s is resolved, and has the open tickets %v in %s", id, open, f.Sink)
			}
			if class(n) != blind && len(open) > 1 {
				w.broken("problem %s has the open tickets %v in %s", id, open, f.Sink)
			}
		}
	}
}

var _ = sinks.Open
