package outage

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// hung is a store that never answers.
type hung struct{}

func (hung) Update(ctx context.Context, _ correlate.Key, _ correlate.UpdateFunc) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hung) Claim(ctx context.Context, _ correlate.Claim) ([]correlate.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hung) Settle(ctx context.Context, _ correlate.Delivery, _ correlate.Outcome, _ correlate.UpdateFunc) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hung) List(ctx context.Context, _ correlate.Page) ([]correlate.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestEveryCallOfAStoreEnds(t *testing.T) {
	s := NewStore(hung{}, 5*time.Second, true)
	for rule, call := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error { return s.Update(ctx, key("a"), write("x")) },
		"claim":  func(ctx context.Context) error { _, err := s.Claim(ctx, correlate.Claim{}); return err },
		"settle": func(ctx context.Context) error {
			return s.Settle(ctx, correlate.Delivery{}, correlate.Outcome{}, nil)
		},
		"list": func(ctx context.Context) error { _, err := s.List(ctx, correlate.Page{}); return err },
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := call(t.Context())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "the store gave no answer within 5s")
				require.Equal(t, 5*time.Second, time.Since(began))

				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				require.ErrorIs(t, call(ctx), context.Canceled)
			})
		})
	}
	require.Empty(t, s.Known())
}

func key(id string) correlate.Key { return correlate.Key{Kind: correlate.KindProblem, ID: id} }

func write(data string) correlate.UpdateFunc {
	return func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		if data == "" {
			return correlate.Record{}, nil, nil
		}
		return correlate.Record{Data: []byte(data)}, nil, nil
	}
}

func TestWhatIsRemembered(t *testing.T) {
	ctx := t.Context()
	memory := new(correlate.Memory)
	s := NewStore(memory, time.Minute, true)
	known := func() (out []string) {
		for _, r := range s.Known() {
			out = append(out, r.Key.ID+" "+string(r.Data))
		}
		return out
	}
	require.NoError(t, s.Update(ctx, key("a"), write("1")))
	require.NoError(t, s.Update(ctx, key("b"), write("1")))
	require.NoError(t, s.Update(ctx, key("a"), write("2")))
	require.Equal(t, []string{"b 1", "a 2"}, known(), "what was written last, as it was")

	failed := errors.New("no")
	require.ErrorIs(t, s.Update(ctx, key("a"), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Data: []byte("3")}, nil, failed
	}), failed)
	require.NoError(t, s.Update(ctx, correlate.Key{Kind: correlate.KindAlias, ID: "c"}, write("1")))
	require.Equal(t, []string{"b 1", "a 2"}, known(), "nothing that was not written, and problems alone")

	require.NoError(t, s.Update(ctx, key("b"), write("")))
	require.Equal(t, []string{"a 2"}, known(), "nothing that was deleted")

	require.NoError(t, memory.Update(ctx, key("d"), write("by another")))
	require.NoError(t, memory.Update(ctx, key("e"), func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Data: []byte("over"), Expires: time.Now()}, nil, nil
	}))
	_, err := s.List(ctx, correlate.Page{Kind: correlate.KindProblem, Max: 9})
	require.NoError(t, err)
	require.Equal(t, []string{"a 2", "d by another"}, known(), "what others have open")

	s.known.most = 2 * cost(correlate.Record{Data: []byte("1")})
	require.NoError(t, s.Update(ctx, key("f"), write("1")))
	require.LessOrEqual(t, s.known.bytes, s.known.most)
	require.Equal(t, []string{"f 1"}, known(), "there is a bound, and the oldest go")

	require.Empty(t, NewStore(memory, time.Minute, false).Known())
}

type (
	plain   struct{}
	updates struct{ plain }
	keyed   struct{ plain }
	both    struct{ updates }
	wraps   struct {
		plain
		inner sinks.Sink
	}
)

func (plain) File(context.Context, sinks.Ticket) (sinks.Receipt, error) { return sinks.Receipt{}, nil }

func (updates) Update(context.Context, sinks.Receipt, sinks.Ticket) (sinks.Receipt, error) {
	return sinks.Receipt{}, nil
}
func (keyed) Keyed()               {}
func (both) Keyed()                {}
func (w wraps) Unwrap() sinks.Sink { return w.inner }

func TestFit(t *testing.T) {
	all := map[string]sinks.Sink{"plain": plain{}, "updates": updates{}, "keyed": keyed{}, "both": both{}, "wrapped": wraps{inner: both{}}}
	var names []string
	for name := range Fit(all) {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"both", "wrapped"}, names)
}
