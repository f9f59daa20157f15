package realserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Prometheus starts a Prometheus that has what openMetrics says, a text in the format
// OpenMetrics with timestamps, and scrapes nothing.
func Prometheus(t testing.TB, openMetrics string) *Server {
	t.Helper()
	const install = "apt-get install prometheus"
	prometheus := program(t, "Prometheus", install, "prometheus")
	promtool := program(t, "Prometheus", install, "promtool")

	dir, addr := t.TempDir(), freePort(t)
	metrics, config, data := filepath.Join(dir, "metrics"), filepath.Join(dir, "config"), filepath.Join(dir, "data")
	for path, text := range map[string]string{metrics: openMetrics, config: "global: {}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatalf("realserver: %v", err)
		}
	}
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", metrics, data).CombinedOutput(); err != nil {
		t.Fatalf("realserver: promtool: %v\n%s", err, out)
	}
	s := &Server{Addr: addr, t: t}
	s.command = func() *exec.Cmd {
		return exec.Command(prometheus, "--config.file", config, "--web.listen-address", addr,
			"--storage.tsdb.path", data, "--storage.tsdb.retention.time", "100y", "--log.level", "warn")
	}
	s.ready = func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/-/ready", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%w: %s", errNotReady, resp.Status)
		}
		return nil
	}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}
