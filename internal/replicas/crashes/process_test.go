//go:build linux

package crashes

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// process is one run of the child, and what it said.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   strings.Builder
	saw   func(point)   // is told where it is
	up    chan struct{} // it has begun to work
	gone  chan struct{}

	// To be read when it is gone.
	err       error
	emitted   []int // failures that it began
	ended     []int // those of which OnEnd had returned
	confirmed []int // those that a flush has brought into the store

	noted, calling, answered, storing map[string]bool // problems, and what is done about them
}

// start starts a process. see is told of the points that it says it has reached.
func start(t *testing.T, o order, see func(*process, point)) *process {
	text, err := json.Marshal(o)
	require.NoError(t, err)
	p := &process{
		up: make(chan struct{}), gone: make(chan struct{}),
		noted: map[string]bool{}, calling: map[string]bool{}, answered: map[string]bool{}, storing: map[string]bool{},
	}
	p.saw = func(at point) { see(p, at) }
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.log
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.gone)
		p.follow(stdout)
		p.err = p.cmd.Wait()
	}()
	return p
}

// follow reads what the process says, also what it had said when it was killed.
func (p *process) follow(stdout io.Reader) {
	stored := 0 // of emitted
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		what, about, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			continue
		}
		n, _ := strconv.Atoi(about) // only failures are numbers
		switch what {
		case "e": // a failure begins
			if len(p.emitted) == 0 {
				close(p.up)
			}
			p.emitted = append(p.emitted, n)
		case "o": // its span has ended
			p.ended = append(p.ended, n)
		case "f": // all are in the store
			p.confirmed = append(p.confirmed, p.emitted[stored:]...)
			stored = len(p.emitted)
		case "u": // the store is about to commit
			p.storing[about] = true
			p.saw(storing)
		case "U": // it has returned
			delete(p.storing, about)
		case "i": // a call is noted
			p.noted[about] = true
			p.saw(noted)
		case "c": // the sink is called
			delete(p.noted, about)
			delete(p.answered, about)
			p.calling[about] = true
		case "C": // it has returned
			delete(p.calling, about)
			p.answered[about] = true
		case "s": // its outcome is stored
			delete(p.answered, about)
		}
	}
}

// kill kills the process, if it is still there.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// caught says in the midst of what the process was killed.
func (p *process) caught() (in []string) {
	for _, w := range []struct {
		what string
		of   map[string]bool
	}{
		{"between intent and call", p.noted}, {"during a call", p.calling},
		{"between answer and settling", p.answered}, {"during a commit", p.storing},
	} {
		if len(w.of) > 0 {
			in = append(in, w.what)
		}
	}
	if in == nil {
		in = []string{"elsewhere"}
	}
	return in
}

// sound returns what is wrong with the process beside its end.
func (p *process) sound() error {
	for _, bad := range []string{"DATA RACE", "defect", "panic", "fatal error"} {
		if strings.Contains(p.log.String(), bad) {
			return fmt.Errorf("a process says %q:\n%s", bad, p.log.String())
		}
	}
	return nil
}
