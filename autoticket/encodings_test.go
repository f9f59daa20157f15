package autoticket_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
)

// declined is an error with a type of its own, as its message is not.
type declined struct{}

func (*declined) Error() string { return "card declined" }

const (
	errorType    = "*autoticket_test.declined"
	errorMessage = "card declined"
)

// encoding is one way to tell of an error within a span.
type encoding struct {
	name  string
	tells bool // the type and the message
	after bool // the span has ended
	write func(ctx context.Context, sp trace.Span, logs log.Logger)
}

// encodings are those that instrumentations use. Each says that a span failed
// with the same error; that its status is ERROR is said beside them.
var encodings = []encoding{
	{name: "a status description", write: func(_ context.Context, sp trace.Span, _ log.Logger) {
		sp.SetStatus(codes.Error, "charge: "+errorMessage)
	}},
	{name: "error.type", write: func(_ context.Context, sp trace.Span, _ log.Logger) {
		sp.SetAttributes(attribute.String("error.type", errorType))
	}},
	{name: "span attributes", tells: true, write: func(_ context.Context, sp trace.Span, _ log.Logger) {
		sp.SetAttributes(attribute.String("exception.type", errorType), attribute.String("exception.message", errorMessage))
	}},
	{name: "an event", tells: true, write: func(_ context.Context, sp trace.Span, _ log.Logger) { sp.RecordError(new(declined)) }},
	{name: "a newer event", tells: true, write: func(_ context.Context, sp trace.Span, _ log.Logger) {
		sp.AddEvent("http.client.request.exception", trace.WithAttributes(
			attribute.String("exception.type", errorType), attribute.String("exception.message", errorMessage)))
	}},
	{name: "a log record", tells: true, write: func(ctx context.Context, _ trace.Span, logs log.Logger) {
		emit(ctx, logs, log.SeverityError, attribute.String("exception.type", errorType), attribute.String("exception.message", errorMessage))
	}},
	{name: "the error of a log record, twice through a bridge", tells: true, write: func(ctx context.Context, _ trace.Span, logs log.Logger) {
		for range 2 {
			var r log.Record
			r.SetSeverity(log.SeverityWarn)
			r.SetBody(attribute.StringValue("charge failed"))
			r.SetErr(fmt.Errorf("%w", new(declined)))
			logs.Emit(ctx, r)
		}
	}},
	{name: "a log record in words", write: func(ctx context.Context, _ trace.Span, logs log.Logger) {
		emit(ctx, logs, log.SeverityError)
	}},
	{name: "a log record after the end", tells: true, after: true, write: func(ctx context.Context, _ trace.Span, logs log.Logger) {
		emit(ctx, logs, log.SeverityError, attribute.String("exception.type", errorType), attribute.String("exception.message", errorMessage))
	}},
	{name: "a log record in words after the end", after: true, write: func(ctx context.Context, _ trace.Span, logs log.Logger) {
		emit(ctx, logs, log.SeverityError)
	}},
}

func emit(ctx context.Context, logs log.Logger, severity log.Severity, attrs ...attribute.KeyValue) {
	var r log.Record
	r.SetSeverity(severity)
	r.SetBody(attribute.StringValue("charge failed"))
	r.AddAttributes(attrs...)
	logs.Emit(ctx, r)
}

// startLogs gives an engine a LoggerProvider of the service that start makes.
func startLogs(t *testing.T, engine *autoticket.Engine) log.Logger {
	t.Helper()
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(engine.LogProcessor()),
		sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "checkout"), attribute.String("deployment.environment.name", "test"))),
	)
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.WithoutCancel(t.Context()))) })
	return provider.Logger("shop")
}

// signatures keeps the signatures of the occurrences of each trace.
type signatures struct {
	mu  sync.Mutex
	ids map[string][]string
}

func (s *signatures) keep(d correlate.Decision) {
	if d.Reason == correlate.Origin {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ids == nil {
			s.ids = map[string][]string{}
		}
		s.ids[d.TraceID] = append(s.ids[d.TraceID], d.Signature)
	}
}

// failIn makes a request in which one operation fails, told in some encodings,
// and returns its trace. order says which comes when.
func failIn(tracer trace.Tracer, logs log.Logger, order []int) string {
	ctx, root := tracer.Start(context.Background(), "POST /checkout", trace.WithSpanKind(trace.SpanKindServer))
	ctx, sp := tracer.Start(ctx, "charge")
	sp.SetStatus(codes.Error, "")
	for _, i := range order {
		if e := encodings[i]; !e.after {
			e.write(ctx, sp, logs)
		}
	}
	sp.End()
	for _, i := range order {
		if e := encodings[i]; e.after {
			e.write(ctx, sp, logs)
		}
	}
	root.End()
	return root.SpanContext().TraceID().String()
}

// names says in words which encodings there are, in which order.
func names(order []int) (out []string) {
	for _, i := range order {
		out = append(out, encodings[i].name)
	}
	return out
}

// An error in any mix of encodings is one occurrence, and those that carry the
// same type and message are one problem.
func TestEveryEncodingIsOneFailure(t *testing.T) {
	var kept signatures
	engine, tracer := start(t, autoticket.Config{OnDecision: kept.keep})
	logs := startLogs(t, engine)
	mixes := map[string][]int{} // by trace
	for set := range 1 << len(encodings) {
		var order []int
		for i := range encodings {
			if set&(1<<i) != 0 {
				order = append(order, i)
			}
		}
		mixes[failIn(tracer, logs, order)] = order
		slices.Reverse(order)
		order = slices.Clone(order)
		mixes[failIn(tracer, logs, order)] = order
		if set%64 == 0 { // the queue has no room for all at once
			require.NoError(t, engine.ForceFlush(t.Context()))
		}
	}
	require.NoError(t, engine.Flush(t.Context()))
	stats := engine.Stats()
	require.Equal(t, int64(len(mixes)), stats.Occurrences)
	accountFor(t, stats)
	problems := map[string]bool{}
	for id, order := range mixes {
		require.Len(t, kept.ids[id], 1, names(order))
		if slices.ContainsFunc(order, func(i int) bool { return encodings[i].tells }) {
			problems[kept.ids[id][0]] = true
		}
	}
	require.Len(t, problems, 1, slices.Collect(maps.Keys(problems)))
}

// Nor does it matter in which order they come, and how many there are of each.
func TestEncodingsInAnyOrder(t *testing.T) {
	var kept signatures
	engine, tracer := start(t, autoticket.Config{OnDecision: kept.keep})
	logs := startLogs(t, engine)
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.SliceOfN(rapid.IntRange(0, len(encodings)-1), 0, 12).Draw(t, "order")
		id := failIn(tracer, logs, append(order, 3))
		require.NoError(t, engine.ForceFlush(context.Background()))
		require.Len(t, kept.ids[id], 1, names(order))
	})
	accountFor(t, engine.Stats())
	seen := map[string]bool{}
	for _, ids := range kept.ids {
		seen[ids[0]] = true
	}
	require.Len(t, seen, 1)
}

// A failure of which nothing is said has its operation and, if there is one, the
// description of its status.
func TestAStatusIsEnough(t *testing.T) {
	var kept signatures
	engine, tracer := start(t, autoticket.Config{OnDecision: kept.keep})
	ended := func(operation, description string) string {
		_, sp := tracer.Start(context.Background(), operation)
		sp.SetStatus(codes.Error, description)
		sp.End()
		require.NoError(t, engine.ForceFlush(t.Context()))
		return kept.ids[sp.SpanContext().TraceID().String()][0]
	}
	require.Equal(t, ended("charge", ""), ended("charge", ""))
	require.Equal(t, ended("charge", "declined: card 4711"), ended("charge", "declined: card 4712"))
	require.NotEqual(t, ended("charge", ""), ended("charge", "declined"))
	require.NotEqual(t, ended("charge", ""), ended("refund", ""))
}
