package realserver

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Postgres starts a PostgreSQL that keeps what was committed over SIGKILL of
// its own, and returns the URL of its database too. args are added to those of
// the server.
func Postgres(t testing.TB, args ...string) (*Server, *url.URL) {
	t.Helper()
	const install = "apt-get install postgresql"
	initdb := program(t, "PostgreSQL", install, "initdb", "/usr/lib/postgresql/*/bin/initdb")
	postgres := program(t, "PostgreSQL", install, "postgres", "/usr/lib/postgresql/*/bin/postgres")
	isready := program(t, "PostgreSQL", install, "pg_isready", "/usr/lib/postgresql/*/bin/pg_isready")

	// Not t.TempDir: another user must get into it.
	dir, err := os.MkdirTemp("", "realserver-postgres-")
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	t.Cleanup(func() {
		// What is left of a server that was killed may still write.
		for range 50 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	data := filepath.Join(dir, "data")
	addr := freePort(t)
	_, port, _ := strings.Cut(addr, ":")

	setup := exec.Command(initdb, "-D", data, "-U", "spanticket", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
	setup.Dir = dir
	if err := notAsRoot(setup, dir); err != nil {
		t.Fatalf("realserver: PostgreSQL refuses to run as root, and there is no user postgres: %v", err)
	}
	if out, err := setup.CombinedOutput(); err != nil {
		t.Fatalf("realserver: initdb: %v\n%s", err, out)
	}
	s := &Server{Addr: addr, t: t}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(postgres, append([]string{"-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir}, args...)...)
		cmd.Dir = dir
		_ = notAsRoot(cmd, dir) // it worked before
		return cmd
	}
	s.ready = func(ctx context.Context) error {
		return exec.CommandContext(ctx, isready, "-q", "-h", "127.0.0.1", "-p", port, "-U", "spanticket", "-d", "postgres").Run()
	}
	t.Cleanup(s.Kill)
	s.Start()
	u, err := url.Parse(fmt.Sprintf("postgres://spanticket@%s/postgres?sslmode=disable", addr))
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	return s, u
}
