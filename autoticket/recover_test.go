package autoticket_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

func TestRecoverPanicsOn(t *testing.T) {
	boom := errors.New("boom")
	for _, row := range []struct {
		rule    string
		off     bool // the engine is nil
		down    bool // it was shut down
		value   any
		tickets int
	}{
		{rule: "an error is filed before it goes on", value: boom, tickets: 1},
		{rule: "so is a text", value: "boom", tickets: 1},
		{rule: "a handler that is aborted is no failure", value: http.ErrAbortHandler},
		{rule: "no engine is in the way", off: true, value: boom},
		{rule: "nor one that was shut down", down: true, value: boom},
		{rule: "and nothing happens where nothing panics"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var sink shelf
			engine, tracer := start(t, autoticket.Config{Sinks: map[string]sinks.Sink{"shelf": &sink}})
			if row.down {
				require.NoError(t, engine.Shutdown(t.Context()))
			}
			guard := engine
			if row.off {
				guard = nil
			}
			ctx, sp := tracer.Start(t.Context(), "job")
			work := func(ctx context.Context) {
				defer guard.Recover(ctx)
				if row.value != nil {
					panic(row.value)
				}
			}
			if row.value == nil {
				require.NotPanics(t, func() { work(ctx) })
			} else {
				require.PanicsWithValue(t, row.value, func() { work(ctx) })
			}
			require.Len(t, sink.tickets(), row.tickets, "it is delivered by then")
			sp.End()
			require.NoError(t, engine.Flush(t.Context()))
			require.Len(t, sink.tickets(), row.tickets, "the span's end makes no second one")
			for _, ticket := range sink.tickets() {
				require.Equal(t, "job", ticket.Origin.Operation)
			}
		})
	}
}
