package fleet

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

var (
	errCut    = errors.New("connection reset")
	errAnswer = errors.New("the server says no")
)

// table is a server with one record, on which a script says what goes wrong.
type table struct {
	data   string
	found  bool
	marks  []byte
	leased bool
	reads  []string // what becomes of each read: "" or "cut"
	writes []string // of each write: "", "conflict", "no", "cut", or "lost answer"
}

func take(script *[]string) (next string) {
	if len(*script) > 0 {
		next, *script = (*script)[0], (*script)[1:]
	}
	return next
}

func (b *table) server() Server {
	return Server{
		Read: func(context.Context, correlate.Key, *Settlement) (Stored, error) {
			if take(&b.reads) == "cut" {
				return Stored{}, errCut
			}
			return Stored{Record: correlate.Record{Version: 1, Data: []byte(b.data)}, Found: b.found, Marks: b.marks, Leased: b.leased}, nil
		},
		Write: func(_ context.Context, w Write) (bool, error) {
			what := take(&b.writes)
			switch what {
			case "conflict":
				b.data, b.found, b.marks = b.data+"+", true, NewWriter().Next().Add(b.marks)
				return false, nil
			case "no":
				return false, errAnswer
			case "cut":
				return false, errCut
			}
			b.data, b.found, b.marks = string(w.Next.Data), w.Next.Data != nil, w.Marks
			if what == "lost answer" {
				return false, errCut
			}
			return true, nil
		},
		Refused:  func(err error) bool { return errors.Is(err, errAnswer) },
		Patience: time.Second,
		Lull:     NewLull(time.Minute),
	}
}

func TestUpdates(t *testing.T) {
	cuts := func(n int) (out []string) {
		for range n {
			out = append(out, "cut")
		}
		return out
	}
	for _, test := range []struct {
		rule   string
		table  table
		settle bool
		want   string // data
		err    error
		unsure bool // the error says that the outcome is not known
	}{
		{"a record is written once", table{}, false, "x", nil, false},
		{"what another one wrote meanwhile is seen", table{data: "a", found: true, writes: []string{"conflict", "conflict"}}, false, "a++x", nil, false},
		{"what took effect is not done twice", table{writes: []string{"lost answer"}}, false, "x", nil, false},
		{"nor if the server cannot be asked for a while", table{writes: []string{"lost answer"}, reads: append([]string{""}, cuts(3)...)}, false, "x", nil, false},
		{"what did not is done", table{writes: []string{"cut", "cut"}}, false, "x", nil, false},
		{"an answer is an answer", table{writes: []string{"no"}}, false, "", errAnswer, false},
		{"in doubt it is none", table{writes: []string{"lost answer", "no"}}, false, "x", nil, false},
		{"a read that fails is told at once", table{reads: cuts(1)}, false, "", errCut, false},
		{"what cannot be found out is said", table{writes: []string{"lost answer"}, reads: append([]string{""}, cuts(1000)...)}, false, "x", errCut, true},
		{"a settlement needs its lease", table{data: "a", found: true}, true, "a", correlate.ErrLeaseLost, false},
		{"and writes with it", table{data: "a", found: true, leased: true}, true, "ax", nil, false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := test.table
				u := NewUpdates(b.server())
				fn := func(cur correlate.Record, found bool) (correlate.Record, []correlate.Delivery, error) {
					return correlate.Record{Version: 1, Data: append([]byte(string(cur.Data)), 'x')}, nil, nil
				}
				var err error
				if key := (correlate.Key{ID: "p"}); test.settle {
					err = u.Settle(t.Context(), correlate.Delivery{Key: key}, correlate.Outcome{Done: true}, fn)
				} else {
					err = u.Update(t.Context(), key, fn)
				}
				require.ErrorIs(t, err, test.err)
				if test.unsure {
					require.ErrorContains(t, err, "not known")
				}
				require.Equal(t, test.want, b.data)
			})
		})
	}
}

func TestUpdatesThatChangeNothing(t *testing.T) {
	b := table{data: "a", found: true, leased: true}
	u := NewUpdates(b.server())
	same := func(cur correlate.Record, _ bool) (correlate.Record, []correlate.Delivery, error) {
		return cur, nil, nil
	}
	require.NoError(t, u.Update(t.Context(), correlate.Key{}, same))
	require.Empty(t, b.marks, "nothing is written")
	require.NoError(t, u.Settle(t.Context(), correlate.Delivery{}, correlate.Outcome{}, nil))
	require.NotEmpty(t, b.marks, "a settlement always is")
	require.Equal(t, "a", b.data)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, u.Update(ctx, correlate.Key{}, same), context.Canceled)
	failed := errors.New("failed")
	require.ErrorIs(t, u.Update(t.Context(), correlate.Key{}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
		return correlate.Record{Data: []byte("y")}, nil, failed
	}), failed)
	require.Equal(t, "a", b.data)
}

func TestClaim(t *testing.T) {
	l, c := NewLull(time.Minute), correlate.Claim{Sinks: []string{"a"}, Now: time.Now(), Max: 1}
	asked := 0
	var answer []correlate.Delivery
	var failed error
	claim := func(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
		return l.Claim(ctx, c, func() ([]correlate.Delivery, time.Time, time.Duration, error) {
			asked++
			return answer, time.Time{}, -1, failed
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := claim(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	_, err = claim(t.Context(), correlate.Claim{Max: 1})
	require.NoError(t, err)
	_, err = claim(t.Context(), correlate.Claim{Sinks: []string{"a"}})
	require.NoError(t, err)
	require.Zero(t, asked, "there is nothing to ask")

	failed = errCut
	_, err = claim(t.Context(), c)
	require.ErrorIs(t, err, errCut)
	failed, answer = nil, []correlate.Delivery{{ID: "d"}}
	got, err := claim(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, answer, got)
	answer = nil
	for range 3 {
		got, err = claim(t.Context(), c)
		require.NoError(t, err)
		require.Empty(t, got)
	}
	require.Equal(t, 3, asked, "what found nothing is not asked again at once")
}
