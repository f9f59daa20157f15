package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/redact"
	"github.com/spanticket/spanticket/sinks"
)

// storm is the ticket for many of a service whose database is gone, with something else
// that fails beside it.
func storm(n int) correlate.Problem {
	p := correlate.Problem{
		ID: "v1abcdefghijklmnopqrstuvwxyz", Scope: correlate.Scope{Service: "checkout", Environment: "production"}, Report: correlate.ReportBudget,
		State: correlate.Open, Episode: 1, FirstSeen: at, LastSeen: at.Add(5 * time.Minute), OpenedAt: at, Total: int64(n + 40),
		Answers: correlate.Answers{Severity: "error", Sinks: []string{"tracker"}},
	}
	for i := range n {
		m := correlate.Member{
			ID: fmt.Sprintf("v2%026d", i), Rule: "errors", Count: int64(i%7 + 1), First: at.Add(time.Duration(i) * time.Second), Last: at.Add(5 * time.Minute),
			Operation: fmt.Sprintf("GET /%c%c", 'a'+i/26, 'a'+i%26), ServiceVersion: "1.8.0",
		}
		m.Title = m.Operation + ": failed"
		switch i % 4 {
		case 0, 1:
			m.Dependency = "postgresql db.internal/orders"
			m.Title = m.Dependency + " is not available"
		case 2:
			m.Operation, m.Title = "POST /cart", fmt.Sprintf("POST /cart: no price for %c", 'a'+i%26)
		}
		p.Count += m.Count
		p.Members = append(p.Members, m)
	}
	return p
}

func TestReportGolden(t *testing.T) {
	ticket, err := renderer().Ticket(t.Context(), storm(13), delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	data, err := json.MarshalIndent(ticket, "", "  ")
	require.NoError(t, err)
	golden(t, "report.json", string(data)+"\n")
	golden(t, "report.txt", ticket.Title+"\n\n"+ticket.Text())
}

// Where there is little room the groups still say how many there are.
func TestAReportThatIsCut(t *testing.T) {
	whole, err := renderer().Ticket(t.Context(), storm(300), delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Len(t, whole.Problems, 300)
	for _, test := range []struct {
		rule     string
		body     int
		problems int
		groups   bool
	}{
		{"those that come most often", 12_000, 50, true},
		{"a few, and nothing else", 2000, 5, false},
	} {
		ticket, err := renderer().Ticket(t.Context(), storm(300), delivery(correlate.OpOpen), sinks.Limits{Body: test.body})
		require.NoError(t, err)
		require.LessOrEqual(t, len([]rune(ticket.Text())), test.body, test.rule)
		require.Len(t, ticket.Problems, test.problems, test.rule)
		require.Equal(t, int64(340-test.problems), ticket.Others, test.rule)
		if test.groups {
			require.Equal(t, whole.Groups, ticket.Groups, test.rule)
			require.Contains(t, ticket.Text(), "  dependency postgresql db.internal/orders: 150 problems, ", test.rule)
		} else {
			require.Empty(t, ticket.Groups, test.rule)
		}
		requireWellFormed(t, ticket.Text())
	}
}

// What nothing has in common has no headings, and no text of a group can be mistaken
// for one.
func TestGroupsOfAReport(t *testing.T) {
	p := storm(2)
	p.Members[1].Dependency, p.Total = "", 2
	ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Empty(t, ticket.Groups)
	require.Contains(t, ticket.Text(), "\nProblems, oldest first\n")

	p = storm(4)
	secret := "ghp" + "_" + strings.Repeat("a1B2", 9)
	for i := range p.Members {
		p.Members[i].Dependency = "redis\nKey: " + secret
	}
	ticket, err = (&Renderer{Redactor: new(redact.Redactor)}).Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
	require.NoError(t, err)
	require.Len(t, ticket.Groups, 1)
	require.NotContains(t, ticket.Text(), secret)
	require.NotContains(t, ticket.Text(), "\nKey: [")
	requireWellFormed(t, ticket.Text())
}
