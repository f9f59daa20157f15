package autoticket_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/sinks"
)

// locked is a sink whose credential works, or does not.
type locked struct {
	shelf
	out atomic.Bool
}

func (l *locked) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	if l.out.Load() {
		return sinks.Receipt{}, &sinks.Error{Reason: sinks.Unauthorized, Err: errors.New("401 Bad credentials")}
	}
	return l.shelf.File(ctx, t)
}

// A sink that refuses its credential keeps its queue, another one has a ticket that
// says so, and it goes on by itself.
func TestASinkThatRefusesItsCredentialHasATicketInAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker locked
		var chat shelf
		tracker.out.Store(true)
		_, tracer := start(t, autoticket.Config{
			Sinks: map[string]sinks.Sink{"tracker": &tracker, "chat": &chat}, Logger: slog.New(slog.DiscardHandler),
			Rules: []autoticket.Rule{{Name: "errors", When: `span.status == "ERROR"`, Sinks: []string{"tracker"}}},
		})
		_, sp := tracer.Start(t.Context(), "POST /pay")
		sp.SetStatus(codes.Error, "refused")
		sp.End()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Empty(t, tracker.tickets())
		require.Len(t, chat.tickets(), 1, "once")
		said := chat.filed[0]
		require.Equal(t, "1 sink refuses its credential: tickets wait", said.Title)
		require.Equal(t, "sink tracker: unauthorized: 401 Bad credentials", said.Problems[0].Title)

		tracker.out.Store(false)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		require.Len(t, tracker.tickets(), 1, "it goes on by itself")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.Len(t, chat.tickets(), 1)
	})
}
