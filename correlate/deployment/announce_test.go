package deployment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestRecordIsReadAgain(t *testing.T) {
	whole := Deployment{
		Scope: payment, Version: "2.4.1", Revision: fullSHA, ID: "1208", Name: "Release of Monday", Region: "eu", Time: noon, Done: minutesAfter(4), Status: Succeeded,
		By: "mara", Changelog: "https://git.example/log", Rollback: "make rollback", Links: []Link{{"pipeline run", "https://ci.example/runs/7"}}, Source: "span",
	}
	for _, c := range []struct {
		rule   string
		change func(*Deployment)
	}{
		{"whole", func(d *Deployment) {}},
		{"begun", func(d *Deployment) { d.Status, d.Done, d.Changelog, d.Rollback = Started, time.Time{}, "", "" }},
		{"failed", func(d *Deployment) { d.Status = Failed }},
		{"a rollback", func(d *Deployment) { d.Back = true }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			want := whole
			c.change(&want)
			recorder := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
			Record(t.Context(), provider.Tracer("ci"), want)
			spans := recorder.Ended()
			require.Len(t, spans, 1)
			require.Equal(t, "deployment", spans[0].Name())
			require.Equal(t, want.Status == Failed, spans[0].Status().Code == codes.Error)
			got, ok := FromSpan(spans[0])
			require.True(t, ok)
			require.Equal(t, want, got)
		})
	}
}

func TestFromSpan(t *testing.T) {
	completed := sdktrace.Event{Name: "deployment.completed", Time: minutesAfter(4), Attributes: []attribute.KeyValue{attribute.String("rollback_command", "make rollback")}}
	for _, c := range []struct {
		rule string
		stub tracetest.SpanStub
		want Deployment
		none bool
	}{
		{rule: "another span is none", stub: tracetest.SpanStub{Name: "POST /pay", Attributes: []attribute.KeyValue{attribute.String("service.version", "2"), attribute.String("service.name", "payment")}}, none: true},
		{rule: "one of that name that names no service is none", stub: tracetest.SpanStub{Name: "deployment", Attributes: []attribute.KeyValue{attribute.String("deployment.version", "2")}}, none: true},
		{rule: "values of other types are none", stub: tracetest.SpanStub{Name: "deployment", Attributes: []attribute.KeyValue{attribute.StringSlice("deployment.service", []string{"payment"}), attribute.Int("deployment.version", 2)}}, none: true},
		{rule: "any span may have the event", stub: tracetest.SpanStub{
			Name: "deploy payment", StartTime: noon, EndTime: minutesAfter(5), Events: []sdktrace.Event{completed},
			Attributes: []attribute.KeyValue{attribute.String("deployment.service", "payment"), attribute.String("deployment.git_sha", "abc1234")},
		}, want: Deployment{Revision: "abc1234", Time: noon, Done: minutesAfter(5), Status: Succeeded, Rollback: "make rollback", Source: "span"}},
		{rule: "a span that failed is one of a deployment that did", stub: tracetest.SpanStub{
			Name: "deployment", StartTime: noon, EndTime: minutesAfter(5), Status: sdktrace.Status{Code: codes.Error},
			Attributes: []attribute.KeyValue{attribute.String("deployment.service", "payment"), attribute.String("deployment.version", "2")},
		}, want: Deployment{Version: "2", Time: noon, Done: minutesAfter(5), Status: Failed, Source: "span"}},
		{rule: "what is said is above what the span is", stub: tracetest.SpanStub{
			Name: "deployment", StartTime: minutesAfter(20), EndTime: minutesAfter(21), Status: sdktrace.Status{Code: codes.Error},
			Attributes: []attribute.KeyValue{attribute.String("deployment.service", "payment"), attribute.String("deployment.version", "2"), attribute.Int64("deployment.timestamp", noon.Unix()), attribute.String("deployment.status", "running")},
		}, want: Deployment{Version: "2", Time: noon, Status: Started, Source: "span"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, ok := FromSpan(c.stub.Snapshot())
			require.Equal(t, !c.none, ok)
			if ok {
				c.want.Scope.Service = "payment"
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestFromSpanAllocatesNothingForOthers(t *testing.T) {
	span := tracetest.SpanStub{Name: "POST /pay", Events: []sdktrace.Event{{Name: "exception"}}, Attributes: []attribute.KeyValue{attribute.String("http.route", "/pay")}}.Snapshot()
	require.Zero(t, testing.AllocsPerRun(100, func() { FromSpan(span) }))
}
