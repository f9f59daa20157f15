package autoticket_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/internal/baddisk"
	"github.com/spanticket/spanticket/sinks"
)

// failNamed ends a span that failed, and returns how long that took.
func failNamed(tracer trace.Tracer, name string) time.Duration {
	_, sp := tracer.Start(context.Background(), name)
	sp.SetStatus(codes.Error, "failed")
	began := time.Now()
	sp.End()
	return time.Since(began)
}

// A disk on which every write waits for ever costs the application a moment, and
// no ticket.
func TestAFrozenDiskDoesNotHoldUpTheApplication(t *testing.T) {
	if !baddisk.Possible(t, "fsfreeze") {
		return
	}
	_, folder, ok := baddisk.Ext4(t)
	if !ok {
		return
	}
	var sink shelf
	var log lines
	engine, err := autoticket.New(autoticket.Config{
		Sinks: map[string]sinks.Sink{"shelf": &sink}, Journal: filepath.Join(folder, "journal"), Logger: textLogger(&log),
		Delivery: map[string]autoticket.Delivery{"shelf": {PerMinute: 60_000, Burst: 1000}}, // a busy machine takes more attempts
	})
	require.NoError(t, err)
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor())).Tracer("test")
	failNamed(tracer, "before")
	require.Equal(t, int64(1), engine.Stats().Journal.Kept)
	thaw := baddisk.Freeze(t, folder)
	var all, longest time.Duration
	for i := range 1000 {
		took := failNamed(tracer, "GET /"+words(i%10))
		all, longest = all+took, max(longest, took)
	}
	t.Logf("1000 spans ended in %v, the slowest in %v", all, longest)
	require.Less(t, longest, 2*time.Second, "one waits, for a quarter of a second, or as long as a busy machine takes for it")
	require.Less(t, all, 5*time.Second)
	require.NoError(t, engine.Flush(t.Context()))
	require.Len(t, sink.tickets(), 11, "and all get their tickets")
	stats := engine.Stats().Journal
	require.Equal(t, int64(1), stats.Kept)
	require.Positive(t, stats.Failed)
	require.Equal(t, 1, strings.Count(log.String(), "not kept in the journal"), "which the log says once: %s", log.String())
	thaw()
	await(t, func() bool {
		failNamed(tracer, "after "+words(int(engine.Stats().Spans)))
		return engine.Stats().Journal.Kept > 1
	})
	require.NoError(t, engine.Shutdown(t.Context()))
	b, err := os.ReadFile(filepath.Join(folder, "journal"))
	require.NoError(t, err)
	require.Equal(t, released(b), bytes.Count(b, []byte(`{"run":`)), "what is filed is not left there")
}

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func TestWithoutADiskForItThereIsNoJournal(t *testing.T) {
	for _, row := range []struct {
		rule string
		make func(t *testing.T) (folder string, ok bool)
		says string
	}{
		{rule: "a full disk", says: "no space left on device", make: func(t *testing.T) (string, bool) { return baddisk.Tmpfs(t, "64k") }},
		{rule: "a disk that is read-only", says: "read-only file system", make: func(t *testing.T) (string, bool) {
			folder, ok := baddisk.Tmpfs(t, "4m")
			if ok {
				baddisk.Run(t, "mount", "-o", "remount,ro", folder)
			}
			return folder, ok
		}},
		{rule: "a disk that stalls", says: "the disk stalls", make: func(t *testing.T) (string, bool) {
			if !baddisk.Possible(t, "fsfreeze") {
				return "", false
			}
			_, folder, ok := baddisk.Ext4(t)
			if ok {
				baddisk.Freeze(t, folder)
			}
			return folder, ok
		}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			folder, ok := row.make(t)
			if !ok {
				return
			}
			var sink shelf
			var log lines
			engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Journal: filepath.Join(folder, "journal"), Logger: textLogger(&log)})
			require.Equal(t, 1, strings.Count(log.String(), "spanticket: no journal"), "the log says so once")
			require.Contains(t, log.String(), row.says)
			for i := range 100 {
				require.Less(t, failNamed(tracer, "GET /"+words(i%10)), 2*time.Second)
			}
			require.NoError(t, engine.Flush(t.Context()))
			require.Len(t, sink.tickets(), 10, "the engine does without")
			require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log.String())
			require.Zero(t, engine.Stats().Journal)
		})
	}
}

// A disk that fails costs a service the records of what ends it, and nothing else.
func TestAServiceOnADiskThatFails(t *testing.T) {
	if !baddisk.Possible(t, "strace") {
		return
	}
	for _, row := range []struct {
		rule, inject, says string
	}{
		{rule: "no write goes well", inject: "pwrite64:error=EIO:when=1+", says: "no journal"},
		{rule: "none but those that make the file", inject: "pwrite64:error=EIO:when=3+", says: "input/output error"},
		{rule: "there is no room any more", inject: "pwrite64:error=ENOSPC:when=3+", says: "no space left on device"},
		{rule: "it is read-only now", inject: "pwrite64:error=EROFS:when=3+", says: "read-only file system"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := baddisk.Failing(row.inject)
			cmd.Env = append(os.Environ(), childDir+"="+dir, childEnd+"=storm", "GOMAXPROCS=1")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, 1, strings.Count(string(out), row.says), "it is said once: %s", out)
			require.Len(t, fileSink(filepath.Join(dir, "tickets")).tickets(), 20, "%s", out)
		})
	}
}
