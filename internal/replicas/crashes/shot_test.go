//go:build linux

package crashes

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spanticket/spanticket/internal/replicas/tracker"
)

// point is a point at which a process is killed.
type point string

const (
	anyTime  point = "at any time"
	noted    point = "a call is noted"
	arrived        = point(tracker.Arrived)
	carried        = point(tracker.Committed)
	answered       = point(tracker.Answered)
	storing  point = "the store is asked"
)

// points are aimed at in turn.
var points = []point{anyTime, noted, arrived, carried, answered, storing}

// patience is how long a shot waits for its point.
const patience = 1500 * time.Millisecond

// shot is the end of one process.
type shot struct {
	at    point
	after time.Duration // from there
	early bool          // it may be killed before it has begun to work
	of    *process
	fired chan struct{}
	once  sync.Once

	mu   sync.Mutex
	pass int // how often its point is passed before
}

func newShot(at point, random *rand.Rand, of *process) *shot {
	s := &shot{at: at, of: of, fired: make(chan struct{})}
	most, pass := time.Millisecond, 8
	switch at {
	case anyTime:
		most = 800 * time.Millisecond
		s.early = random.IntN(3) == 0
	case arrived, carried: // it is still there while the call is kept
		most = 20 * time.Millisecond
	case noted: // which only new failures are
		most, pass = pauseNoted/2, 4
	case storing:
		pass = 32
	}
	s.pass = random.IntN(pass)
	s.after = time.Duration(random.Int64N(int64(most)))
	return s
}

// wait returns when the process is killed. Its time begins when it has begun to
// work, however busy the machine is, or now and then when it starts.
func (s *shot) wait() {
	if !s.early {
		select {
		case <-s.of.up:
		case <-s.of.gone:
		}
	}
	late := patience
	if s.at == anyTime {
		late = s.after
	}
	select {
	case <-s.fired:
	case <-time.After(late):
		s.fire()
	}
}

// see is told that a point is reached. It returns when the process is killed, if it
// is this one.
func (s *shot) see(p point) {
	if s == nil || s.at != p {
		return
	}
	s.mu.Lock()
	hit := s.pass == 0
	s.pass--
	s.mu.Unlock()
	if hit {
		time.Sleep(s.after)
		s.fire()
	}
}

func (s *shot) fire() {
	s.once.Do(func() {
		s.of.kill()
		close(s.fired)
	})
}
