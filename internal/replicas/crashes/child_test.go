//go:build linux

package crashes

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
	"github.com/spanticket/spanticket/sinks"
)

// order says what a child process does.
type order struct {
	Bolt     string // path, or
	Redis    string // address, or
	Postgres string // URL
	Journal  string // path; "" is none
	Tracker  string // URL
	Lease    time.Duration

	Known int // failures that there were before
	Emit  int // how many it has
	Seed  uint64
}

// childEnv holds the order of a child; the parent runs this very program.
const childEnv = "SPANTICKET_CRASH"

const (
	// quiet resolves a problem, so that some come back.
	quiet = time.Second
	// emitEvery keeps a child below what the journal takes in a second.
	emitEvery = 12 * time.Millisecond
	// flushEvery is how many failures a child has between two flushes.
	flushEvery = 6
)

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		flag.Parse()
		if err := flag.Set("test.parallel", "8"); err != nil { // tests wait most of their time
			panic(err)
		}
		os.Exit(m.Run())
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// store opens the store of an order. What it returns to close may be nil.
func (o order) store() (correlate.Store, io.Closer, error) {
	switch {
	case o.Bolt != "":
		s, err := boltstore.Open(boltstore.Config{Path: o.Bolt})
		return s, s, err
	case o.Redis != "":
		client := redis.NewClient(&redis.Options{Addr: o.Redis})
		s, err := redisstore.New(client, redisstore.Config{MaxIdle: o.Lease})
		return s, client, err
	default:
		db, err := sql.Open("pgx", o.Postgres)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(4)
		s, err := pgstore.New(db, pgstore.Config{MaxIdle: o.Lease})
		return s, db, err
	}
}

// run has failures, some of them again, and says on its output what it does: see
// child.follow. It goes on delivering until its input ends.
func (o order) run() error {
	store, closer, err := o.store()
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	res := resource.NewSchemaless(attribute.String("service.name", "checkout"))
	journal := o.Journal
	if journal == "" {
		journal = "off"
	}
	engine, err := autoticket.New(autoticket.Config{
		Store:    toldStore{store, o.Lease},
		Journal:  journal,
		Resource: res,
		Rules: []autoticket.Rule{{
			Name: "failures", When: `span.status == "ERROR"`, SignatureExpr: `[span.attributes["failure"]]`,
			Budget: 1 << 30, Quiet: quiet,
		}},
		TicketsPerHour: 1 << 30,
		Sinks:          map[string]sinks.Sink{"tracker": toldSink{tracker.Sink(o.Tracker)}},
		Delivery: map[string]autoticket.Delivery{"tracker": {
			PerMinute: 1 << 20, Burst: 1000, Concurrency: 8, Timeout: 5 * time.Second,
			MinBackoff: 50 * time.Millisecond, MaxBackoff: 500 * time.Millisecond, Attempts: 1 << 20,
		}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin)) // until the parent closes it, or is gone
	}()
	o.emit(engine, res, ended)
	<-ended
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return engine.Shutdown(ctx)
}

func (o order) emit(engine *autoticket.Engine, res *resource.Resource, ended <-chan struct{}) {
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(engine.SpanProcessor()), trace.WithResource(res))
	tracer := provider.Tracer("crashes")
	random := rand.New(rand.NewPCG(o.Seed, 2))
	tick := time.NewTicker(emitEvery)
	defer tick.Stop()
	flush := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if engine.ForceFlush(ctx) == nil {
			say('f', "")
		}
	}
	for i, known := 0, o.Known; i < o.Emit; i++ {
		n := known
		switch dice := random.IntN(6); {
		case known == 0 || dice < 2:
			known++
		case dice < 4: // it is open, most likely
			n = max(0, known-1-random.IntN(20))
		default: // it may be resolved
			n = random.IntN(known)
		}
		say('e', fmt.Sprint(n))
		_, span := tracer.Start(context.Background(), name(n))
		span.SetAttributes(attribute.String("failure", name(n)))
		span.SetStatus(codes.Error, "it fails")
		span.End()
		say('o', fmt.Sprint(n))
		if i%flushEvery == 0 {
			flush()
		}
		select {
		case <-tick.C:
		case <-ended:
			return
		}
	}
	flush()
}

// name tells failures apart by letters: numbers may be masked.
func name(n int) string {
	var letters []byte
	for range 4 {
		letters = append(letters, byte('a'+n%26))
		n /= 26
	}
	return "failure" + string(letters)
}
