package autoticket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/sinks"
)

// childDir is the variable that makes this program a service that ends badly: it
// has the folder of its files. childEnd says how it ends.
const childDir, childEnd = "SPANTICKET_TEST_DIR", "SPANTICKET_TEST_END"

func init() {
	if dir := os.Getenv(childDir); dir != "" {
		if err := service(dir, os.Getenv(childEnd)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		os.Exit(0)
	}
}

// fileSink appends tickets to a file, and can be asked what is there.
type fileSink string

func (f fileSink) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	out, err := os.OpenFile(string(f), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return sinks.Receipt{}, err
	}
	defer out.Close()
	_, err = fmt.Fprintf(out, "%s\t%s\n", t.Key, t.Origin.Operation)
	return sinks.Receipt{ID: t.Key}, err
}

func (f fileSink) Find(_ context.Context, key string) (sinks.Receipt, bool, error) {
	b, _ := os.ReadFile(string(f))
	return sinks.Receipt{ID: key}, bytes.Contains(b, []byte(key+"\t")), nil
}

// tickets returns the lines of the file.
func (f fileSink) tickets() []string {
	var out []string
	b, _ := os.ReadFile(string(f))
	for line := range bytes.Lines(b) {
		out = append(out, string(line))
	}
	return out
}

// service files what an earlier run has left, if it is given the time, and ends as
// it is told.
func service(dir, end string) error {
	end, bolt := strings.CutSuffix(end, " on bolt")
	store, err := openStore(dir, bolt)
	if err != nil {
		return err
	}
	defer store.Close()
	r := resource.NewSchemaless(attribute.String("service.name", "checkout"))
	c := autoticket.Config{
		Store: store, Journal: filepath.Join(dir, "journal"),
		Sinks:    map[string]sinks.Sink{"file": fileSink(filepath.Join(dir, "tickets"))},
		Delivery: map[string]autoticket.Delivery{"file": {PerMinute: 1e6, Burst: 1e6}},
	}
	end, unnamed := strings.CutSuffix(end, "unnamed")
	if !unnamed {
		c.Resource = r
	}
	engine, err := autoticket.New(c)
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()), sdktrace.WithResource(r))
	if end != "panic at once" {
		if err := engine.Flush(context.Background()); err != nil {
			return err
		}
	}
	if end == "storm" {
		for i := range 20 {
			_, sp := provider.Tracer("test").Start(context.Background(), "GET /"+words(i))
			sp.SetStatus(codes.Error, "failed")
			sp.End()
		}
	}
	if end == "" || end == "storm" {
		return errors.Join(provider.Shutdown(context.Background()), engine.Shutdown(context.Background()))
	}
	handle(engine, provider.Tracer("test"), end)
	return nil
}

// lasting is a store that outlives its process.
type lasting interface {
	correlate.Store
	io.Closer
}

func openStore(dir string, bolt bool) (lasting, error) {
	if bolt {
		return boltstore.Open(boltstore.Config{Path: filepath.Join(dir, "store")})
	}
	return openLogStore(filepath.Join(dir, "store"))
}

// handle is the request that ends the process.
func handle(engine *autoticket.Engine, tracer trace.Tracer, end string) {
	ctx, sp := tracer.Start(context.Background(), "POST /checkout", trace.WithSpanKind(trace.SpanKindServer))
	switch end {
	case "recover": // nothing ends the span
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer engine.Recover(ctx)
			charge(nil)
		}()
		<-done
		select {}
	case "recover both":
		defer sp.End()
		defer engine.Recover(ctx)
		charge(nil)
	case "exit", "fatal", "kill":
		_, db := tracer.Start(ctx, "INSERT orders", trace.WithSpanKind(trace.SpanKindClient))
		db.RecordError(errors.New("connection refused"))
		db.SetStatus(codes.Error, "connection refused")
		db.End()
		sp.SetStatus(codes.Error, "insert failed")
		sp.End()
		switch end {
		case "exit":
			os.Exit(1)
		case "fatal":
			log.Fatal("insert failed")
		}
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		panic(err) // it is not reached
	default:
		defer sp.End()
		charge(nil)
	}
}

//go:noinline
func charge(amount *int) { *amount++ }

// run runs the service in a process of its own.
func run(t *testing.T, dir, end string) (output string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childEnd+"="+end)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// problems returns what the store of the service has.
func problems(t *testing.T, dir string, bolt bool) (out []correlate.Problem) {
	store, err := openStore(dir, bolt)
	require.NoError(t, err)
	defer store.Close()
	records, err := store.List(t.Context(), correlate.Page{Kind: correlate.KindProblem, Max: 100})
	require.NoError(t, err)
	for _, r := range records {
		p, err := correlate.DecodeProblem(r)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

// restarts is how often the service is started again. SPANTICKET_TEST_RESTARTS
// has more of them than CI has the time for.
func restarts() int {
	if n, err := strconv.Atoi(os.Getenv("SPANTICKET_TEST_RESTARTS")); err == nil {
		return n
	}
	return 20
}

// A service that dies of its first request, again and again, has one ticket, and
// that after the first restart.
func TestAServiceThatDiesOfItsFirstRequest(t *testing.T) {
	for _, row := range []struct {
		rule, end string
		quit      string // how it ends well
		operation string
		late      bool // it is not given the time to file anything before it dies
	}{
		{rule: "a panic in a span that a deferred call ends", end: "panic", operation: "POST /checkout"},
		{rule: "before anything that was left is filed", end: "panic at once", operation: "POST /checkout", late: true},
		{rule: "without a configured resource", end: "panic unnamed", quit: "unnamed", operation: "POST /checkout"},
		{rule: "a panic on a guarded goroutine, in a span that nothing ends", end: "recover", operation: "POST /checkout"},
		{rule: "a panic that the guard and the span see", end: "recover both", operation: "POST /checkout"},
		{rule: "os.Exit", end: "exit", operation: "INSERT orders"},
		{rule: "log.Fatal", end: "fatal", operation: "INSERT orders"},
		{rule: "SIGKILL", end: "kill", operation: "INSERT orders"},
		{rule: "a panic, with the store that one has", end: "panic on bolt", quit: " on bolt", operation: "POST /checkout"},
		{rule: "SIGKILL, with the store that one has", end: "kill on bolt", quit: " on bolt", operation: "INSERT orders"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			sink := fileSink(filepath.Join(dir, "tickets"))
			n := restarts()
			for i := range n {
				out, err := run(t, dir, row.end)
				_, ended := errors.AsType[*exec.ExitError](err)
				require.True(t, ended, "%v\n%s", err, out)
				require.NotContains(t, out, "DATA RACE")
				if strings.HasPrefix(row.end, "panic") || strings.HasPrefix(row.end, "recover") {
					require.Contains(t, out, "nil pointer dereference", "it panics on")
					require.Contains(t, out, "charge", "with its stack")
				}
				if i > 0 && !row.late {
					require.Len(t, sink.tickets(), 1, "after %d restarts\n%s", i, out)
				}
			}
			out, err := run(t, dir, row.quit)
			require.NoError(t, err, out)
			require.Len(t, sink.tickets(), 1)
			require.Contains(t, sink.tickets()[0], "\t"+row.operation+"\n")
			all := problems(t, dir, strings.HasSuffix(row.end, " on bolt"))
			require.Len(t, all, 1)
			require.Equal(t, int64(n), all[0].Count, "each is counted once")

			out, err = run(t, dir, row.quit)
			require.NoError(t, err, out)
			require.NotContains(t, out, "left in the journal", "after a clean end nothing is replayed")
			require.Equal(t, int64(n), problems(t, dir, strings.HasSuffix(row.end, " on bolt"))[0].Count)
		})
	}
}

func TestWithoutAPlaceForItThereIsNoJournal(t *testing.T) {
	for _, row := range []struct {
		rule, path string
	}{
		{rule: "a folder that does not exist", path: filepath.Join(t.TempDir(), "none", "journal")},
		{rule: "a folder", path: t.TempDir()},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var log bytes.Buffer
			var sink shelf
			engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Journal: row.path, Logger: textLogger(&log)})
			failingRequest(tracer)
			require.NoError(t, engine.Flush(t.Context()))
			require.Len(t, sink.tickets(), 1, "the engine does without")
			require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("spanticket: no journal")), "and says so once")
		})
	}
}

// placed is a store that is kept in a file.
type placed struct {
	correlate.Memory
	path string
}

func (p *placed) Path() string { return p.path }

func TestTheJournalIsBesideItsStore(t *testing.T) {
	for _, row := range []struct {
		rule, journal string
		there         bool
	}{
		{rule: "where the store says that it is in a file", there: true},
		{rule: "unless it is switched off", journal: "off"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			store := &placed{path: filepath.Join(t.TempDir(), "problems.db")}
			start(t, autoticket.Config{Store: store, Journal: row.journal, Sinks: map[string]sinks.Sink{"shelf": new(shelf)}})
			_, err := os.Stat(store.path + ".journal")
			require.Equal(t, row.there, err == nil)
		})
	}
}

// What was kept and turned out to be no occurrence, or was stored, leaves nothing.
func TestWhatIsDecidedLeavesTheJournal(t *testing.T) {
	dir := t.TempDir()
	var sink shelf
	engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, Journal: filepath.Join(dir, "journal"), WholeTraces: true})
	failingRequest(tracer)
	// A call that is made again and goes well.
	ctx, server := tracer.Start(context.Background(), "GET /retry", trace.WithSpanKind(trace.SpanKindServer))
	for _, code := range []codes.Code{codes.Error, codes.Ok} {
		_, sp := tracer.Start(ctx, "GET", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("url.full", "http://a/b")))
		sp.SetStatus(code, "")
		sp.End()
	}
	server.End()
	// One that its caller gave up, and what failed of that.
	ctx, server = tracer.Start(context.Background(), "GET /canceled", trace.WithSpanKind(trace.SpanKindServer))
	_, sp := tracer.Start(ctx, "SELECT")
	for _, sp := range []trace.Span{sp, server} {
		sp.RecordError(context.Canceled)
		sp.SetStatus(codes.Error, context.Canceled.Error())
		sp.End()
	}
	require.Positive(t, kept(t, dir), "it is there at once")
	require.NoError(t, engine.Flush(t.Context()))
	await(t, func() bool { return kept(t, dir) == 0 })
	require.Len(t, sink.tickets(), 1)
	require.Equal(t, int64(1), engine.Stats().Decisions["retried"])
	require.Equal(t, int64(2), engine.Stats().Decisions["canceled"])
}

// kept returns how many records the journal in a folder has.
func kept(t *testing.T, dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	return bytes.Count(b, []byte(`{"run":`)) - released(b)
}

// released returns how many records are there of which the slot is free.
func released(b []byte) (n int) {
	const header, slot, head = 4096, 2560, 24
	for at := header; at+slot <= len(b); at += slot {
		if b[at] == 0 && bytes.HasPrefix(b[at+head:], []byte(`{"run":`)) {
			n++
		}
	}
	return n
}

// Of a request that fails in its database there is one record: that of the origin,
// though it is the rule of the server that takes it.
func TestTheJournalHasOrigins(t *testing.T) {
	for _, row := range []struct {
		rule, when string
		want       []string // operations
	}{
		{rule: "which their own rule takes", when: `span.status == "ERROR"`, want: []string{"INSERT orders"}},
		{rule: "which the rule of an operation above takes", when: `span.status == "ERROR" && span.kind == "SERVER"`, want: []string{"INSERT orders"}},
		{rule: "and nothing that no rule takes", when: `span.name == "other"`},
	} {
		t.Run(row.rule, func(t *testing.T) {
			dir := t.TempDir()
			store := &stuckStore{}
			engine, err := autoticket.New(autoticket.Config{
				Store: store, Journal: filepath.Join(dir, "journal"), Rules: []autoticket.Rule{{Name: "errors", When: row.when}}, Logger: textLogger(t.Output()),
			})
			require.NoError(t, err)
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
			for range 3 {
				failingRequest(provider.Tracer("test"))
			}
			require.Equal(t, row.want, operations(t, dir))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_ = engine.Shutdown(ctx)
			require.Equal(t, row.want, operations(t, dir), "what did not come into the store stays there")
		})
	}
}

// stuckStore is a store that is out of reach.
type stuckStore struct{ correlate.Memory }

func (*stuckStore) Update(context.Context, correlate.Key, correlate.UpdateFunc) error {
	return errors.New("no route to host")
}

// operations returns those that the journal in a folder has.
func operations(t *testing.T, dir string) (out []string) {
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	for {
		_, rest, ok := bytes.Cut(b, []byte(`{"run":`))
		if !ok {
			return out
		}
		var record struct{ Says struct{ Operation string } }
		require.NoError(t, json.NewDecoder(bytes.NewReader(append([]byte(`{"run":`), rest...))).Decode(&record))
		out, b = append(out, record.Says.Operation), rest
	}
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
