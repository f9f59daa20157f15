//go:build linux

package replicas

import (
	"context"
	"database/sql"
	"encoding/json"
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
	"github.com/spanticket/spanticket/correlate/pgstore"
	"github.com/spanticket/spanticket/correlate/redisstore"
	"github.com/spanticket/spanticket/internal/replicas/tracker"
	"github.com/spanticket/spanticket/sinks"
)

// order says what a child process does.
type order struct {
	Redis    string // address, or
	Postgres string // URL
	Tracker  string // URL
	Failures int
	Rounds   int // how often it has each failure
	Seed     uint64
}

// childEnv holds the order of a child; the parent runs this very program.
const childEnv = "SPANTICKET_REPLICA"

// lease is how long a claim is good for, so that a stopped process loses it
// soon. The engine's own is longer than any test.
const lease = 2 * time.Second

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
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

// flushEvery is how many failures a process has between two flushes.
const flushEvery = 50

// shortLease is a store whose leases are short.
type shortLease struct{ correlate.Store }

func (s shortLease) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	c.Lease = min(c.Lease, lease)
	return s.Store.Claim(ctx, c)
}

func (o order) store() (correlate.Store, error) {
	if o.Redis != "" {
		return redisstore.New(redis.NewClient(&redis.Options{Addr: o.Redis}), redisstore.Config{MaxIdle: lease})
	}
	db, err := sql.Open("pgx", o.Postgres)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(3)
	return pgstore.New(db, pgstore.Config{MaxIdle: lease})
}

// run says "e" with a number before each failure it has, "f" when all of them
// are in the store, and "d" at the end. It goes on delivering until its input
// ends.
func (o order) run() error {
	store, err := o.store()
	if err != nil {
		return err
	}
	res := resource.NewSchemaless(attribute.String("service.name", "checkout"))
	engine, err := autoticket.New(autoticket.Config{
		Store:    shortLease{store},
		Resource: res,
		Rules: []autoticket.Rule{{
			Name: "failures", When: `span.status == "ERROR"`, SignatureExpr: `[span.attributes["failure"]]`,
			Budget: 1 << 30, Quiet: 24 * time.Hour,
		}},
		TicketsPerHour: 1 << 30,
		Sinks:          map[string]sinks.Sink{"tracker": tracker.Sink(o.Tracker)},
		Delivery: map[string]autoticket.Delivery{"tracker": {
			PerMinute: 1 << 20, Burst: 1000, Concurrency: 4, Timeout: 5 * time.Second,
			MinBackoff: 50 * time.Millisecond, MaxBackoff: 500 * time.Millisecond, Attempts: 1 << 20,
		}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(engine.SpanProcessor()), trace.WithResource(res))
	tracer := provider.Tracer("replicas")
	random := rand.New(rand.NewPCG(o.Seed, 2))
	flush := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if engine.ForceFlush(ctx) == nil {
			fmt.Println("f")
		}
	}
	for range o.Rounds {
		for i, n := range random.Perm(o.Failures) {
			fmt.Println("e", n)
			_, span := tracer.Start(context.Background(), name(n))
			span.SetAttributes(attribute.String("failure", name(n)))
			span.SetStatus(codes.Error, "it fails")
			span.End()
			if i%flushEvery == flushEvery-1 {
				flush()
			}
		}
	}
	flush()
	fmt.Println("d")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it, or is gone
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return engine.Shutdown(ctx)
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
