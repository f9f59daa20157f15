package journal

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slow is a disk on which each write takes a while.
type slow struct {
	stalling
	takes time.Duration
}

func (s *slow) WriteAt(b []byte, at int64) (int, error) {
	time.Sleep(s.takes)
	return s.stalling.WriteAt(b, at)
}

func TestADiskThatIsSlowTakesATenthOfTheTime(t *testing.T) {
	for _, row := range []struct {
		rule    string
		takes   time.Duration
		callers int
		all     bool // records are safe when Put returns
	}{
		{rule: "what a write takes is waited for", takes: 100 * time.Microsecond, callers: 1, all: true},
		{rule: "by all", takes: 100 * time.Microsecond, callers: 8, all: true},
		{rule: "writers are held up", takes: 200 * time.Millisecond, callers: 1},
		{rule: "all of them", takes: 200 * time.Millisecond, callers: 8},
		{rule: "for longer than anybody waits", takes: 700 * time.Millisecond, callers: 8},
	} {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := start(&slow{stalling{bytes: make([]byte, fileSize)}, row.takes}, "disk", nil)
				var safe, puts atomic.Int64
				var longest, waited [8]time.Duration
				const lasts = time.Minute
				end := time.Now().Add(lasts)
				var all sync.WaitGroup
				for c := range row.callers {
					all.Go(func() {
						for time.Now().Before(end) {
							began := time.Now()
							e, err := j.Put([]byte("record"))
							took := time.Since(began)
							longest[c], waited[c] = max(longest[c], took), waited[c]+took
							puts.Add(1)
							if err == nil {
								safe.Add(1)
							}
							j.Release(e)
							time.Sleep(100 * time.Millisecond)
						}
					})
				}
				all.Wait()
				for c := range row.callers {
					require.LessOrEqual(t, longest[c], maxWait+minWait)
					if !row.all {
						require.LessOrEqual(t, waited[c], 2*maxWait+lasts/regain+time.Duration(puts.Load())*minWait)
					}
				}
				require.Equal(t, row.all, safe.Load() == puts.Load())
				synctest.Wait()
				require.NoError(t, closeSlow(j))
			})
		})
	}
}

// closeSlow closes a journal whose disk has something to write still.
func closeSlow(j *Journal) error {
	for j.Len() > 0 || pending(j) {
		time.Sleep(time.Second)
	}
	return j.Close()
}

func pending(j *Journal) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.free) < slots
}
