package autoticket_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

var epoch = time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)

// recording is an hour of a checkout that calls a payment, which fails every
// ten seconds in the second quarter of the hour.
func recording() []sdktrace.ReadOnlySpan {
	var out []sdktrace.ReadOnlySpan
	of := func(service string) *resource.Resource {
		return resource.NewSchemaless(attribute.String("service.name", service))
	}
	checkout, payment := of("checkout"), of("payment")
	for i := range 360 {
		at := epoch.Add(time.Duration(i) * 10 * time.Second)
		status := sdktrace.Status{}
		if i >= 90 && i < 180 {
			status = sdktrace.Status{Code: codes.Error, Description: "pool exhausted"}
		}
		span := func(n byte) trace.SpanContext {
			return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 14: byte(i >> 8), 15: byte(i)}, SpanID: trace.SpanID{n, 7: 1}, TraceFlags: trace.FlagsSampled})
		}
		out = append(out,
			// The root does well in spite of all: it is on the path all the same.
			tracetest.SpanStub{Name: "POST /checkout", SpanKind: trace.SpanKindServer, SpanContext: span(1), Resource: checkout, StartTime: at, EndTime: at.Add(30 * time.Millisecond)}.Snapshot(),
			tracetest.SpanStub{Name: "POST", SpanKind: trace.SpanKindClient, SpanContext: span(2), Parent: span(1), Resource: checkout, Status: status, StartTime: at, EndTime: at.Add(25 * time.Millisecond)}.Snapshot(),
			tracetest.SpanStub{Name: "POST /pay", SpanKind: trace.SpanKindServer, SpanContext: span(3), Parent: span(2), Resource: payment, Status: status, StartTime: at, EndTime: at.Add(20 * time.Millisecond)}.Snapshot(),
		)
	}
	return out
}

func TestReplayIsOneTicketAtTheOriginInTheTimeOfTheSpans(t *testing.T) {
	var sink shelf
	st, err := autoticket.Replay(t.Context(), autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, WholeTraces: true,
		Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Quiet: 10 * time.Minute}}}, recording())
	require.NoError(t, err)
	require.Len(t, sink.filed, 1)
	got := sink.filed[0]
	require.Equal(t, "payment", got.Service)
	require.Equal(t, []sinks.Step{{Service: "payment", Operation: "POST /pay"}, {Service: "checkout", Operation: "POST"}, {Service: "checkout", Operation: "POST /checkout"}}, got.Path)
	first := epoch.Add(15 * time.Minute)
	require.Equal(t, first.Add(20*time.Millisecond), got.FirstSeen)
	require.WithinDuration(t, first, got.OpenedAt, 3*time.Second, "a moment after the root has ended")
	last := sink.updates[len(sink.updates)-1]
	require.Equal(t, sinks.EventResolved, last.Event)
	require.Equal(t, int64(90), last.Count)
	require.WithinDuration(t, epoch.Add(40*time.Minute), last.ResolvedAt, 30*time.Second)
	require.Equal(t, map[string]int64{"opened": 1, "deduplicated": 89, "symptom": 90}, st.Decisions)
	require.Equal(t, int64(1080), st.Spans)
	require.Equal(t, int64(1080-180), st.Healthy)
}

func TestReplayGivesTheSameBytesWhateverTheOrderOfTheSpans(t *testing.T) {
	run := func(shuffle uint64) string {
		spans := recording()
		if shuffle > 0 {
			rand.New(rand.NewPCG(shuffle, 0)).Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		}
		fails := 0
		sink := shelf{fail: func(sinks.Ticket) error { // retries and their jitter are part of it
			if fails++; fails < 4 {
				return errors.New("down")
			}
			return nil
		}}
		st, err := autoticket.Replay(t.Context(), autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}, WholeTraces: true}, spans)
		require.NoError(t, err)
		data, err := json.Marshal(slices.Concat(sink.filed, sink.updates))
		require.NoError(t, err)
		stats, err := json.Marshal(st)
		require.NoError(t, err)
		return string(data) + string(stats)
	}
	want := run(0)
	for i := range uint64(5) {
		require.Equal(t, want, run(i+1))
	}
}

func TestReplayEndsWhenASinkNeverTakesItsTickets(t *testing.T) {
	sink := shelf{fail: func(sinks.Ticket) error { return &sinks.Error{Reason: sinks.Unauthorized, Err: errors.New("401")} }}
	_, err := autoticket.Replay(t.Context(), autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}}, recording())
	require.ErrorContains(t, err, "does not take")
}

func TestReplayOfNothing(t *testing.T) {
	st, err := autoticket.Replay(t.Context(), autoticket.Config{}, nil)
	require.NoError(t, err)
	require.Zero(t, st.Spans)
}
