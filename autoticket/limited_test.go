package autoticket_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// narrow is a tracker that refuses what is over its limits, and tickets without a
// title.
type narrow struct {
	limits sinks.Limits
	filed  chan sinks.Ticket
}

func (n narrow) Limits() sinks.Limits { return n.limits }

func (n narrow) File(_ context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	over := func(s string, most int) bool { return most > 0 && utf8.RuneCountInString(s) > most }
	if t.Title == "" || over(t.Title, n.limits.Title) || over(t.Text(), n.limits.Body) {
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.Rejected}
	}
	n.filed <- t
	return sinks.Receipt{ID: t.Key}, nil
}

// However little a tracker takes, and though the title of the rule cannot be made,
// the ticket is filed.
func TestNarrowTrackersHaveTheTicket(t *testing.T) {
	filed := make(chan sinks.Ticket, 10)
	trackers := map[string]sinks.Sink{}
	for name, limits := range map[string]sinks.Limits{
		"no": {}, "one": {Title: 1, Body: 1}, "small": {Title: 20, Body: 100}, "usual": {Title: 255, Body: 2000}, "roomy": {Title: 1000, Body: 30_000},
	} {
		trackers[name] = narrow{limits, filed}
	}
	engine, err := autoticket.New(autoticket.Config{
		Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Title: `string(int(span.name))`}},
		Sinks: trackers,
	})
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(engine.SpanProcessor()))
	_, sp := provider.Tracer("shop").Start(t.Context(), "charge")
	sp.SetStatus(codes.Error, strings.Repeat("```\nrefused größer 漢 ", 500))
	sp.End()
	require.NoError(t, engine.Flush(t.Context()))
	require.NoError(t, provider.Shutdown(t.Context()))
	require.NoError(t, engine.Shutdown(t.Context()))
	require.Len(t, filed, len(trackers), "all have it")
	for range len(trackers) {
		ticket := <-filed
		require.True(t, strings.HasPrefix("charge: ```", string([]rune(ticket.Title)[:min(5, utf8.RuneCountInString(ticket.Title)-1)])), ticket.Title)
	}
}
