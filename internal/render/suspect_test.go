package render

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

func TestSuspectsOnATicket(t *testing.T) {
	payment := correlate.Suspect{
		Scope: correlate.Scope{Service: "payment"}, Version: "2.3.1", Time: at, Class: "likely", Delay: time.Minute,
		Changelog: "https://git.example/2.3.1", Rollback: "helm rollback payment 41",
	}
	for _, test := range []struct {
		rule string
		s    correlate.Suspects
		want []string
		not  []string
	}{
		{"nobody was asked: the ticket says nothing", correlate.Suspects{}, nil, []string{"uspect"}},
		{
			"why there is none stands on one line", correlate.Suspects{Asked: at, Reason: "nothing was deployed\nshortly before"},
			[]string{"\nNo deployment is suspected: nothing was deployed\\nshortly before\n"}, []string{"Suspected deployment"},
		},
		{
			"the command is text", correlate.Suspects{Asked: at, Ranked: []correlate.Suspect{payment}},
			[]string{"  to roll it back, by hand:\n      helm rollback payment 41\n", "  changelog: https://git.example/2.3.1\n", "1m before the first failure"}, []string{"failed: before", "others:"},
		},
		{
			"a changelog that is no web page is left out", correlate.Suspects{Asked: at, Ranked: []correlate.Suspect{func() correlate.Suspect {
				s := payment
				s.Changelog = "javascript:alert(1)"
				return s
			}()}}, nil, []string{"changelog", "javascript"},
		},
		{
			"a secret in a command is withheld", correlate.Suspects{Asked: at, Ranked: []correlate.Suspect{func() correlate.Suspect {
				s := payment
				s.Rollback = "curl -H 'Authorization: Bearer " + "ghp" + "_" + strings.Repeat("a1B2", 9) + "' https://ci.example/rollback"
				return s
			}()}}, []string{"[REDACTED:"}, []string{"a1B2a1B2"},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := everything()
			p.Suspects = test.s
			ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
			require.NoError(t, err)
			for _, s := range test.want {
				require.Contains(t, ticket.Text(), s)
			}
			for _, s := range test.not {
				require.NotContains(t, ticket.Text(), s)
			}
		})
	}
}

// What many problems share may be a deployment.
func TestASuspectThatManyShare(t *testing.T) {
	p := everything()
	p.Report = correlate.ReportBudget
	for i := range 6 {
		m := correlate.Member{ID: string(rune('a' + i)), Title: "t", Rule: "r", Count: 2}
		if i > 0 {
			m.Deployment = "payment 2.3.1"
		}
		p.Members = append(p.Members, m)
	}
	ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Contains(t, ticket.Title, "mostly of suspected deployment payment 2.3.1")
	require.Contains(t, ticket.Text(), "suspected deployment payment 2.3.1: of 5 of the 6 listed, 10 occurrences")
}
