//go:build linux

package replicas

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/internal/realserver"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
)

var (
	processes = flag.Int("processes", 4, "how many processes share a store")
	failures  = flag.Int("failures", 100, "how many different failures each of them has")
	rounds    = flag.Int("rounds", 2, "how often it has each")
	faults    = flag.Int("faults", 8, "how often something happens")
	seedFlag  = flag.Uint64("seed", 0, "what happens; 0: something new")
)

// fleet is the processes, and what is known of what they did.
type fleet struct {
	t     *testing.T
	order order
	seed  uint64

	mu       sync.Mutex
	emitted  map[int]int64 // how often a failure was begun, at most
	counted  map[int]int64 // how often it is in the store, at least
	children []*child
	killed   int64
}

type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // it has had all failures
	gone  chan struct{} // it has ended
	err   error         // how; read after gone
}

// start starts a process and follows what it says.
func (f *fleet) start(rounds int) *child {
	f.seed++
	o := f.order
	o.Rounds, o.Seed = rounds, f.seed
	text, err := json.Marshal(o)
	require.NoError(f.t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log := new(strings.Builder)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	require.NoError(f.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, cmd.Start())
	c := &child{cmd: cmd, stdin: stdin, done: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(c.gone)
		var open []int // not known to be in the store
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var n int
			switch line := lines.Text(); line[0] {
			case 'e':
				_, _ = fmt.Sscanf(line, "e %d", &n) // the child writes nothing else
				open = append(open, n)
				f.mu.Lock()
				f.emitted[n]++
				f.mu.Unlock()
			case 'f':
				f.mu.Lock()
				for _, n := range open {
					f.counted[n]++
				}
				f.mu.Unlock()
				open = nil
			case 'd':
				close(c.done)
			}
		}
		if c.err = cmd.Wait(); c.err != nil {
			c.err = fmt.Errorf("%w\n%s", c.err, log)
		}
	}()
	f.children = append(f.children, c)
	return c
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	require.NoError(t, c.cmd.Process.Signal(s))
}

// kill ends a process with SIGKILL, and reads what it had said.
func (f *fleet) kill(c *child) {
	c.signal(f.t, syscall.SIGKILL)
	<-c.gone
	f.killed++
	f.children = slices.DeleteFunc(f.children, func(o *child) bool { return o == c })
}

func TestRedis(t *testing.T) {
	server := realserver.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	proxy := realserver.NewProxy(t, server.Addr)
	o := order{Redis: server.Addr}
	store, err := o.store()
	require.NoError(t, err)
	test(t, server, proxy, store, order{Redis: proxy.Addr})
}

func TestPostgres(t *testing.T) {
	server, u := realserver.Postgres(t)
	proxy := realserver.NewProxy(t, server.Addr)
	o := order{Postgres: u.String()}
	store, err := o.store()
	require.NoError(t, err)
	require.NoError(t, store.(*pgstore.Store).Migrate(t.Context()))
	u.Host = proxy.Addr
	test(t, server, proxy, store, order{Postgres: u.String()})
}

func test(t *testing.T, server *realserver.Server, proxy *realserver.Proxy, store correlate.Store, o order) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-args -seed %d", seed)
	tr := tracker.Start(t, tracker.Faults{Seed: seed, Lost: 25, Failed: 25})
	o.Tracker, o.Failures = tr.URL, *failures
	f := &fleet{t: t, order: o, seed: seed, emitted: map[int]int64{}, counted: map[int]int64{}}
	t.Cleanup(func() {
		for _, c := range f.children {
			_ = c.cmd.Process.Kill() // it may have ended
		}
	})
	for range *processes {
		f.start(*rounds)
	}
	f.harm(rand.New(rand.NewPCG(seed, 3)), server, proxy)

	// Everything works again. What is left is delivered, by whoever is there.
	for _, c := range f.children {
		select {
		case <-c.done:
		case <-c.gone:
			t.Fatalf("a process has ended: %v", c.err)
		case <-time.After(2 * time.Minute):
			t.Fatal("a process does not get its failures into the store")
		}
	}
	require.Eventually(t, func() bool {
		standing := tr.Standing()
		for _, issues := range standing {
			if len(issues) != 1 {
				return false
			}
		}
		return len(standing) == *failures
	}, time.Minute, 200*time.Millisecond, "there must be one open ticket for each failure")
	for _, c := range f.children {
		require.NoError(t, c.stdin.Close())
	}
	for _, c := range f.children {
		<-c.gone
		require.NoError(t, c.err)
	}
	f.judge(store, tr)
	t.Logf("%d tickets for %d failures; %d doubles were closed", len(tr.Standing()), *failures, tr.Duplicates())
}

// harm does what happens to processes.
func (f *fleet) harm(random *rand.Rand, server *realserver.Server, proxy *realserver.Proxy) {
	for range *faults {
		time.Sleep(time.Duration(100+random.IntN(400)) * time.Millisecond)
		c := f.children[random.IntN(len(f.children))]
		switch random.IntN(4) {
		case 0:
			f.t.Log("a process is killed, and another starts")
			f.kill(c)
			f.start(1)
		case 1:
			f.t.Log("a process is stopped for longer than a lease")
			c.signal(f.t, syscall.SIGSTOP)
			time.Sleep(lease + time.Second)
			c.signal(f.t, syscall.SIGCONT)
		case 2:
			f.t.Log("the store is killed, and comes back")
			server.Kill()
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			server.Start()
		case 3:
			f.t.Log("answers of the store are lost")
			lost := rand.New(rand.NewPCG(random.Uint64(), 0))
			proxy.DropAnswers(func() bool { return lost.IntN(20) == 0 })
			time.Sleep(time.Second)
			proxy.DropAnswers(nil)
		}
	}
}

// judge looks at what is there at the end.
func (f *fleet) judge(store correlate.Store, tr *tracker.Tracker) {
	t := f.t
	standing := tr.Standing()
	require.Len(t, standing, *failures, "one ticket for each failure")
	numbers := map[string]int{}
	for n := range *failures {
		numbers[name(n)] = n
	}
	var short, total int64
	problems := 0
	page := correlate.Page{Kind: correlate.KindProblem, Max: 500}
	for more := true; more; {
		records, err := store.List(t.Context(), page)
		require.NoError(t, err)
		more = len(records) == page.Max
		for _, r := range records {
			p, err := correlate.DecodeProblem(r)
			require.NoError(t, err)
			page.After = r.Key
			problems++
			issues := standing["spt:"+p.ID]
			require.Len(t, issues, 1, "tickets of %s", p.ID)
			n, ok := numbers[issues[0].Name]
			require.True(t, ok, "a ticket about no failure: %+v", issues[0])
			require.LessOrEqual(t, p.Count, f.emitted[n], "%s is counted too high", name(n))
			require.GreaterOrEqual(t, p.Count, f.counted[n], "%s lost what was in the store", name(n))
			require.LessOrEqual(t, issues[0].Count, p.Count, "%s is shown too high", name(n))
			short += f.emitted[n] - p.Count
			total += f.emitted[n]
		}
	}
	require.Equal(t, *failures, problems)
	require.LessOrEqual(t, short, f.killed*flushEvery, "each process that was killed lost what it had since its last flush at most")
	t.Logf("%d failures of %d are not counted, of %d processes that were killed", short, total, f.killed)
}
