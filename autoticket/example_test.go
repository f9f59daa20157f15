package autoticket_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// printer is a team's own sink.
type printer struct{}

func (printer) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	fmt.Printf("[%s] %s (%s)\n", t.Severity, t.Title, t.Team)
	return sinks.Receipt{ID: t.Key}, nil
}

// A service makes one engine and gives its processor to the TracerProvider.
func Example() {
	engine, err := autoticket.New(autoticket.Config{
		RuleYAML: []byte(`
version: 1
rules:
  - name: payment-errors
    when: span.status == "ERROR" && resource.attributes["service.name"] == "payment"
    title: '"Payment fails: " + exception.message'
    severity: critical
    team: payments
`),
		Sinks: map[string]sinks.Sink{"printer": printer{}},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // and go on: a nil engine does nothing
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(engine.SpanProcessor()),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "payment"))),
	)

	for range 1000 {
		_, span := provider.Tracer("example").Start(context.Background(), "charge")
		span.RecordError(errors.New("no connection for 4111 1111 1111 1111"))
		span.SetStatus(codes.Error, "charge failed")
		span.End()
	}

	provider.Shutdown(context.Background())
	engine.Shutdown(context.Background())
	fmt.Println(engine.Stats().Decisions)
	// Output:
	// [critical] Payment fails: no connection for [REDACTED:card] (payments)
	// map[deduplicated:999 opened:1]
}

// Recorded spans run through the same stages, in their own time.
func ExampleReplay() {
	span := tracetest.SpanStub{Name: "charge", Status: sdktrace.Status{Code: codes.Error, Description: "declined"}}
	stats, err := autoticket.Replay(context.Background(), autoticket.Config{
		Sinks: map[string]sinks.Sink{"printer": printer{}},
	}, []sdktrace.ReadOnlySpan{span.Snapshot()})
	fmt.Println(stats.Occurrences, err)
	// Output:
	// [error] charge: declined ()
	// 1 <nil>
}

// A new rule begins as a draft: it files what somebody approves.
func ExampleEngine_Approve() {
	ctx := context.Background()
	engine, _ := autoticket.New(autoticket.Config{
		Rules: []autoticket.Rule{{Name: "new-rule", When: `span.status == "ERROR"`, Mode: "draft: 3d"}},
		Sinks: map[string]sinks.Sink{"printer": printer{}},
	})
	defer engine.Shutdown(ctx)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	_, span := provider.Tracer("example").Start(ctx, "charge")
	span.SetStatus(codes.Error, "declined")
	span.End()
	engine.Flush(ctx)

	drafts, _ := engine.Held(ctx)
	for _, d := range drafts {
		fmt.Printf("%s: %s (%s)\n", d.Rule, d.Title, d.Reason)
		engine.Approve(ctx, d.Signature, "ann")
	}
	engine.Flush(ctx)
	// Output:
	// new-rule: charge: declined (draft)
	// [error] charge: declined ()
}
