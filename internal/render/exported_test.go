package render

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

// A ticket leads to a trace that is there, and says so where none is.
func TestTicketOfTracesThatWereNotExported(t *testing.T) {
	link, err := enrich.NewLink("trace", enrich.Jaeger("https://jaeger.example"))
	require.NoError(t, err)
	const missing, notSampled = "trace: not exported (sampled out)", "(not sampled: a trace store does not have it)"
	for _, tt := range []struct {
		rule     string
		exported []bool // of the samples, oldest first
		trace    int    // which of them the ticket names
		link     bool
	}{
		{"all were", []bool{true, true, true}, 2, true},
		{"the newest was not: the one before it", []bool{true, true, false}, 1, true},
		{"the first alone", []bool{true, false, false}, 0, true},
		{"none was: the newest, and that it was not", []bool{false, false, false}, 2, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			p := everything()
			for i := range p.Samples {
				p.Samples[i].Exported = tt.exported[i]
			}
			want := p.Samples[tt.trace].TraceID
			ticket, err := renderer(&Named{Name: "trace link", Enricher: link}).Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
			require.NoError(t, err)
			require.Equal(t, want, ticket.Origin.TraceID)
			require.Equal(t, tt.link, len(ticket.Links) == 1)
			if tt.link {
				require.Contains(t, ticket.Links[0].URL, want, "the same trace")
				require.NotContains(t, ticket.Missing, missing)
			} else {
				require.Contains(t, ticket.Missing, missing)
			}
			_, summary, _ := strings.Cut(ticket.Text(), "\nTrace:")
			summary, _, _ = strings.Cut(summary, "\n")
			require.Contains(t, summary, want)
			require.Equal(t, !tt.link, strings.HasSuffix(summary, notSampled), summary)
		})
	}

	p := everything()
	p.Samples = nil
	ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.NotContains(t, ticket.Missing, missing, "no trace is known of")
}
