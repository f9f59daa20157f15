//go:build linux

package crashes

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/internal/realserver"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
	"github.com/spanticket/spanticket/sinks"
)

var (
	kills    = flag.Int("kills", 50, "how often a process is killed, for each store")
	lagged   = flag.Int("lagged", 10, "how often one is where the search lags")
	seedFlag = flag.Uint64("seed", 0, "what happens; 0: something new")
)

// stores are what processes leave behind.
var stores = []struct {
	name    string
	journal bool
	open    func(t *testing.T) order
}{
	{name: "boltstore", journal: true, open: func(t *testing.T) order {
		return order{Bolt: filepath.Join(t.TempDir(), "store")}
	}},
	{name: "redisstore", open: func(t *testing.T) order {
		return order{Redis: realserver.Redis(t).Addr}
	}},
	{name: "pgstore", open: func(t *testing.T) order {
		_, u := realserver.Postgres(t)
		o := order{Postgres: u.String()}
		store, closer, err := o.store()
		require.NoError(t, err)
		require.NoError(t, store.(*pgstore.Store).Migrate(t.Context()))
		require.NoError(t, closer.Close())
		return o
	}},
}

// matrix is a service that is killed again and again, and what is known of it.
type matrix struct {
	t       *testing.T
	order   order
	tracker *tracker.Tracker
	random  *rand.Rand
	shot    atomic.Pointer[shot]

	killed    []time.Time
	caught    map[string]int
	emitted   map[int]int64 // how often a failure was begun, at most
	confirmed map[int]int64 // how often a flush says that it is in the store
	promised  map[int]bool  // it must have a ticket
}

func newMatrix(t *testing.T, o order, journal bool, f tracker.Faults) *matrix {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-args -seed %d", seed)
	m := &matrix{
		t: t, random: rand.New(rand.NewPCG(seed, 3)),
		caught: map[string]int{}, emitted: map[int]int64{}, confirmed: map[int]int64{}, promised: map[int]bool{},
	}
	f.Seed, f.Watch = seed, func(p tracker.Phase) { m.shot.Load().see(point(p)) }
	m.tracker = tracker.Start(t, f)
	o.Tracker = m.tracker.URL
	if journal {
		o.Journal = filepath.Join(t.TempDir(), "journal")
	}
	m.order = o
	return m
}

// start starts a process that has so many failures.
func (m *matrix) start(emit int) *process {
	o := m.order
	o.Known, o.Emit, o.Seed = len(m.emitted), emit, m.random.Uint64()
	p := start(m.t, o, func(p *process, at point) {
		if s := m.shot.Load(); s != nil && s.of == p {
			s.see(at)
		}
	})
	m.t.Cleanup(p.kill) // it may have ended
	return p
}

// crash runs a process until it is killed at a point.
func (m *matrix) crash(at point) {
	p := m.start(24)
	s := newShot(at, m.random, p)
	m.shot.Store(s)
	s.wait()
	m.bury(p)
}

// bury waits for the end of a process that was killed, and notes what it did.
func (m *matrix) bury(p *process) {
	<-p.gone
	m.killed = append(m.killed, time.Now())
	m.shot.Store(nil)
	require.ErrorContains(m.t, p.err, "signal: killed", "%s", &p.log)
	require.NoError(m.t, p.sound())
	for _, in := range p.caught() {
		m.caught[in]++
	}
	for _, n := range p.emitted {
		m.emitted[n]++
	}
	for _, n := range p.confirmed {
		m.confirmed[n]++
		m.promised[n] = true
	}
	if m.order.Journal != "" {
		for _, n := range p.ended {
			m.promised[n] = true
		}
	}
}

// finish runs processes that end well, until all is filed and resolved, and nothing
// is left to deliver.
func (m *matrix) finish() {
	for range 10 {
		p := m.start(0)
		began := time.Now()
		for lacks := m.lacks(); lacks != "" || time.Since(began) < time.Second; lacks = m.lacks() {
			require.Less(m.t, time.Since(began), time.Minute, "each failure must have one ticket, which is resolved when it is over: %s", lacks)
			time.Sleep(50 * time.Millisecond)
		}
		require.NoError(m.t, p.stdin.Close())
		<-p.gone
		require.NoError(m.t, p.err, "%s", &p.log)
		require.NoError(m.t, p.sound())
		if m.delivered() {
			return
		}
	}
	m.t.Fatal("some deliveries are never made")
}

// lacks says which ticket is not as it is to be in the end: each failure that is
// promised one has one, which is resolved.
func (m *matrix) lacks() string {
	names := map[string]bool{}
	for _, issues := range m.tracker.Standing() {
		if len(issues) != 1 || issues[0].State != sinks.Resolved {
			return fmt.Sprintf("%+v", issues)
		}
		names[issues[0].Name] = true
	}
	for n := range m.promised {
		if !names[name(n)] {
			return name(n) + " has none"
		}
	}
	return ""
}

// delivered reports whether the store has nothing more to deliver, though it may be
// for later.
func (m *matrix) delivered() bool {
	for _, p := range m.problems() {
		if len(p.Filing("tracker").Pending) > 0 {
			return false
		}
	}
	return true
}

// TestCrashes: nothing is lost and nothing is filed twice, wherever a process is
// killed.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, row := range stores {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := row.open(t)
			o.Lease = 2 * time.Second
			m := newMatrix(t, o, row.journal, tracker.Faults{Lost: 40, Failed: 40, Late: 60, Cut: 20, Refused: 40, Delay: 300 * time.Millisecond})
			for k := range *kills {
				m.crash(points[k%len(points)])
			}
			m.finish()
			m.judge()
			reopened := 0
			for _, i := range m.tracker.Issues() {
				require.False(t, i.Duplicate, "%+v was filed twice", i)
				require.Zero(t, i.Back, "%+v was told what was older than what it had", i)
				reopened += i.Reopened
			}
			if *kills >= 50 {
				require.NotZero(t, reopened)
				for _, in := range []string{"between intent and call", "during a call", "between answer and settling", "during a commit"} {
					require.NotZero(t, m.caught[in], "no process was killed %s: %v", in, m.caught)
				}
			}
			t.Logf("%d times killed: %v; of the tickets %d were opened again", len(m.killed), m.caught, reopened)
		})
	}
}
