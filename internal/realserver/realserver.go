// Package realserver starts Redis, PostgreSQL and Prometheus for tests: on loopback, on a
// port of their own, with a data directory of their own, out of the packages of
// the operating system. They end with the test, also when it is killed (Linux).
package realserver

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Server is a process of one server. Its methods fail the test when they do not
// work. They are not to be called concurrently.
type Server struct {
	Addr string // host and port

	t       testing.TB
	command func() *exec.Cmd
	ready   func(context.Context) error
	running *exec.Cmd
	output  *bytes.Buffer // what the running process says
	exited  chan struct{}
}

// Start starts the server, again on the same port with the same data, and
// returns when it answers. It tries for half a minute: what is left of one that
// was killed may still hold the port or the memory.
func (s *Server) Start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.running == nil {
			s.launch()
		}
		err := s.ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-s.exited:
			s.running = nil
		default:
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Kill()
			s.t.Fatalf("realserver: the server does not answer: %v\n%s", err, s.output)
		}
	}
}

func (s *Server) launch() {
	s.t.Helper()
	cmd := s.command()
	s.output = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("realserver: %s does not start: %v", cmd.Path, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed, in the end
		close(exited)
	}()
	s.running, s.exited = cmd, exited
}

// Kill ends the server as a crash does, with SIGKILL. Killing one that is not
// running does nothing.
func (s *Server) Kill() {
	if s.running == nil {
		return
	}
	kill(s.running)
	<-s.exited
	s.running = nil
}

// program finds a program of the server. If it is not on the machine the test
// fails where CI=true is set; elsewhere it is left out, and says so.
func program(t testing.TB, what, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if found, _ := filepath.Glob(name); len(found) > 0 { // the pattern is well formed
			return slices.Max(found)
		}
	}
	text := fmt.Sprintf("LEFT OUT: nothing was tested against %s, which is not on this machine (%s)", what, install)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// freePort returns an address of loopback at which nothing listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
