package outbox

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

// searched is a sink whose search finds what it is told to.
type searched struct {
	full
	oldest sinks.Receipt
	asked  int
}

func (s *searched) Dedupe(context.Context, string) (sinks.Receipt, bool, error) {
	s.asked++
	return s.oldest, s.oldest.ID != "", nil
}

func TestDoublesAreClosed(t *testing.T) {
	for _, test := range []struct {
		rule   string
		oldest sinks.Receipt
		want   string
		calls  []string
	}{
		{"a ticket that stands once stays", sinks.Receipt{ID: "#1"}, "#1", []string{"file opened"}},
		{"a search that finds nothing changes nothing", sinks.Receipt{}, "#1", []string{"file opened"}},
		{"an older one goes on, and is told what it has missed", sinks.Receipt{ID: "#0"}, "#0", []string{"file opened", "update updated"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(tracker)
				s := &searched{full: full{finding{plain{tr}}}, oldest: test.oldest}
				b := newBench(t, map[string]sinks.Sink{"a": s}, options())
				b.happens("p", "a")
				b.run(time.Second)
				require.Zero(t, s.asked, "a search that lags is not asked at once")
				b.run(9 * time.Second)
				require.Equal(t, 1, s.asked)
				require.Equal(t, test.calls, tr.did())
				f := b.problem("p").Filing("a")
				require.Equal(t, test.want, f.Receipt.ID)
				require.Empty(t, f.Pending)
			})
		})
	}
}
