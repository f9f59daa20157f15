package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/sinks"
	"github.com/spanticket/spanticket/sinks/jsonl"
)

// hostEnv tells a process that it is a server: with is one with the library.
const hostEnv = "SPANTICKET_HOSTLOAD"

// host is a server in a process of its own.
type host struct {
	addr  string
	dir   string // of its files
	cmd   *exec.Cmd
	stdin io.Closer
}

// startHost runs this program again, as a server.
func startHost(ctx context.Context, with bool) (*host, error) {
	dir, err := os.MkdirTemp("", "hostload")
	if err != nil {
		return nil, err
	}
	h := &host{dir: dir, cmd: exec.CommandContext(ctx, os.Args[0])}
	mode := "without"
	if with {
		mode = "with"
	}
	h.cmd.Env = append(os.Environ(), hostEnv+"="+mode)
	h.cmd.Dir = dir
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), h.stop())
	}
	h.addr = strings.TrimSpace(line)
	return h, nil
}

// end ends the server, and waits until it has.
func (h *host) end() error { return errors.Join(h.stdin.Close(), h.cmd.Wait()) }

// stop ends the server, and removes its files.
func (h *host) stop() error { return errors.Join(h.end(), os.RemoveAll(h.dir)) }

// serveAsHost serves until stdin ends, in the working directory.
func serveAsHost() int {
	if err := serve(os.Getenv(hostEnv) == "with", os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		return 1
	}
	return 0
}

func serve(with bool, until io.Reader, addr io.Writer) (err error) {
	// Both export what they record, as a service does.
	options := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(tracetest.NewNoopExporter())}
	if with {
		engine, stop, err := newEngine(".")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		options = append(options, sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	}
	provider := sdktrace.NewTracerProvider(options...)
	defer func() { err = errors.Join(err, provider.Shutdown(context.Background())) }()
	tracer := provider.Tracer("hostload")

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{db}/orders/{id}", func(w http.ResponseWriter, r *http.Request) { order(tracer, w, r, nil) })
	mux.HandleFunc("GET /{db}/pay/{id}", func(w http.ResponseWriter, r *http.Request) {
		order(tracer, w, r, fmt.Errorf("dial tcp 10.0.%d.%d:5432: connect: connection refused", rand.IntN(256), rand.IntN(256)))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintln(addr, l.Addr())
	_, err = io.Copy(io.Discard, until)
	err = errors.Join(err, server.Close())
	if cause := <-served; !errors.Is(cause, http.ErrServerClosed) {
		err = errors.Join(err, cause)
	}
	return err
}

// newEngine returns an engine as a careful service has it.
func newEngine(dir string) (*autoticket.Engine, func() error, error) {
	store, err := boltstore.Open(boltstore.Config{Path: filepath.Join(dir, "problems.db")})
	if err != nil {
		return nil, nil, err
	}
	file, err := jsonl.New(jsonl.Config{Path: filepath.Join(dir, ticketFile)})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	engine, err := autoticket.New(autoticket.Config{
		Store:  store,
		Sinks:  map[string]sinks.Sink{"file": file},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return engine, func() error {
		return errors.Join(engine.Shutdown(context.Background()), file.Close(), store.Close())
	}, nil
}

const ticketFile = "tickets.jsonl"

// order is a handler as services have them: a span for the request, one for the
// database it asks, which takes the time that the path says, and an answer in JSON.
func order(tracer trace.Tracer, w http.ResponseWriter, r *http.Request, failure error) {
	ctx, span := tracer.Start(r.Context(), r.Pattern, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Pattern),
		attribute.String("url.path", r.URL.Path), attribute.String("url.scheme", "http"),
		attribute.String("server.address", r.Host), attribute.String("user_agent.original", r.UserAgent()),
	))
	defer span.End()
	status := http.StatusOK
	takes, err := time.ParseDuration(r.PathValue("db"))
	if err == nil {
		err = query(ctx, tracer, takes, failure)
	}
	if err != nil {
		status = http.StatusInternalServerError
		span.SetStatus(codes.Error, "")
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"id": r.PathValue("id"), "lines": []int{1, 2, 3}, "total": "12.50 EUR"})
}

func query(ctx context.Context, tracer trace.Tracer, takes time.Duration, failure error) error {
	_, span := tracer.Start(ctx, "SELECT orders", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "postgresql"), attribute.String("db.namespace", "shop"),
		attribute.String("db.query.text", "SELECT * FROM orders WHERE id = $1"), attribute.String("server.address", "db.internal"),
	))
	defer span.End()
	if takes > 0 {
		time.Sleep(takes)
	}
	if failure != nil {
		span.RecordError(failure)
		span.SetStatus(codes.Error, failure.Error())
	}
	return failure
}
