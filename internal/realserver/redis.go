package realserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
)

// Redis starts a Redis that keeps nothing over its end, unless args say so.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	path := program(t, "Redis", "apt-get install redis-server", "redis-server")
	dir, addr := t.TempDir(), freePort(t)
	_, port, _ := strings.Cut(addr, ":")
	s := &Server{Addr: addr, t: t}
	s.command = func() *exec.Cmd {
		return exec.Command(path, append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", ""}, args...)...)
	}
	s.ready = func(ctx context.Context) error { return ping(ctx, addr) }
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

var errNotReady = errors.New("realserver: not ready")

// ping asks Redis whether it has loaded its data.
func ping(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	answer := make([]byte, 7)
	n, err := conn.Read(answer)
	switch got := string(answer[:n]); {
	case got == "+PONG\r\n", got == "-NOAUTH":
		return nil
	default:
		return errors.Join(errNotReady, err)
	}
}
