package sinks_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

var start = time.Date(2026, 3, 1, 2, 47, 11, 0, time.UTC)

func minimal() sinks.Ticket {
	return sinks.Ticket{
		Key: "spt:5f0c2a", Signature: "v1:5f0c2a", Event: sinks.EventOpened, State: sinks.Open,
		Rule: "errors", Severity: "error", Title: "checkout: POST /pay fails",
		Service: "checkout", Operation: "POST /pay",
		Count: 1, FirstSeen: start, LastSeen: start, OpenedAt: start,
		Origin: sinks.Origin{Service: "checkout", Operation: "POST /pay"},
	}
}

func full() sinks.Ticket {
	return sinks.Ticket{
		Key: "spt:9b1d77", Signature: "v1:9b1d77c0", Event: sinks.EventReopened, State: sinks.Open,
		Rule: "checkout-errors", Severity: "critical", Title: "payments: charge-card fails",
		Team: "payments", Runbook: "https://runbooks.example/payments", Labels: []string{"payments", "sev:critical"},
		Namespace: "shop", Service: "checkout", Environment: "production", Operation: "POST /pay",
		Count: 1204, FirstSeen: start, LastSeen: start.Add(15*time.Minute + 29*time.Second), OpenedAt: start.Add(time.Second),
		Origin: sinks.Origin{
			Service: "payments", Operation: "charge-card",
			TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
		},
		Path: []sinks.Step{
			{Service: "payments", Operation: "charge-card"},
			{Service: "checkout", Operation: "POST /pay"},
			{Service: "frontend", Operation: "GET /cart"},
		},
		Exception: sinks.Exception{
			Type: "*pq.Error", Message: "sorry, too many clients already",
			Stacktrace: "main.charge(0x1)\n\t/src/charge.go:42 +0x1f\nmain.main()\n\t/src/main.go:7\n",
		},
		Facts: []sinks.Fact{
			{Name: "version", Value: "2.14.0"},
			{Name: "deployment", Value: "2.14.0 by ana, 4m before the first failure"},
			{Name: "changelog", Value: "raise pool size\nfix retry"},
			{Name: "instance", Value: "payments-7d9f-x2x"},
		},
		Missing: []string{"owner: no CODEOWNERS rule matches payments/"},
		Links:   []sinks.Link{{Name: "trace", URL: "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736"}},
		Evidence: []sinks.Sample{
			{
				Time: start.Add(15 * time.Minute), Duration: 1234567 * time.Microsecond,
				TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7", Exported: true,
				Message:    "sorry, too many clients already",
				Attributes: map[string]string{"server.address": "db-1", "db.system.name": "postgresql"},
			},
			{
				Time: start, Duration: 81 * time.Microsecond,
				TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331",
				Message: "connection reset\nby peer",
			},
		},
		History: []sinks.Entry{
			{Time: start, What: "opened"},
			{Time: start.Add(5 * time.Minute), What: "resolved: quiet for 3m"},
			{Time: start.Add(9 * time.Minute), What: "reopened"},
		},
		Why:      []string{"rule checkout-errors: 5 within 1m", "signature from service, operation, exception"},
		Previous: sinks.Receipt{ID: "PAY-11", URL: "https://tracker.example/PAY-11"},
		Cut:      []string{"3 of 5 samples"},
	}
}

func resolved() sinks.Ticket {
	t := minimal()
	t.Event, t.State = sinks.EventResolved, sinks.Resolved
	t.Count, t.LastSeen, t.ResolvedAt = 7, start.Add(50*time.Hour), start.Add(51*time.Hour)
	return t
}

// hostile has in every field what would forge a line of the text if it were
// written as it is.
func hostile() sinks.Ticket {
	const s = "x\nKey: forged\r\nEvidence\rRule: forged\u2028State: forged\x1b[31m\u202eevil\x00\xff\v\f\u0085end\n\n"
	return sinks.Ticket{
		Key: s, Signature: s, Event: s, State: s, Rule: s, Severity: s, Title: s, Team: s, Runbook: s,
		Labels: []string{s}, Namespace: s, Service: s, Environment: s, Operation: s,
		Count: 2, FirstSeen: start, LastSeen: start.Add(time.Hour), OpenedAt: start,
		Origin:    sinks.Origin{Service: s, Operation: s, TraceID: s, SpanID: s},
		Path:      []sinks.Step{{Service: s, Operation: s}, {Service: "a", Operation: s}},
		Exception: sinks.Exception{Type: s, Message: s, Stacktrace: s},
		Facts:     []sinks.Fact{{Name: s, Value: s}},
		Missing:   []string{s},
		Links:     []sinks.Link{{Name: s, URL: s}},
		Evidence:  []sinks.Sample{{Time: start, TraceID: s, SpanID: s, Message: s + "2", Attributes: map[string]string{s: s}}},
		History:   []sinks.Entry{{Time: start, What: s}},
		Why:       []string{s}, Cut: []string{s},
		Previous: sinks.Receipt{ID: s, URL: s},
	}
}

func TestText(t *testing.T) {
	for name, ticket := range map[string]sinks.Ticket{
		"minimal": minimal(), "full": full(), "resolved": resolved(), "hostile": hostile(),
	} {
		t.Run(name, func(t *testing.T) {
			got := ticket.Text()
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			for range 20 { // attributes are a map
				require.Equal(t, got, ticket.Text())
			}
		})
	}
}

func TestTextCannotBeForged(t *testing.T) {
	first := regexp.MustCompile(`^(Fails|Failed|Error|Service|Operation|State|Since|Last seen|Count|Severity|Team|Runbook|Trace|` +
		`Rule|Labels|Previous|Signature|Key): |^(Facts|Path, from the root to the origin|Links|Stack trace|` +
		`Evidence, newest first|Missing|History, oldest first|Why this ticket|Left out, to fit the size limit)\n$`)
	seen := map[string]bool{}
	for line := range strings.Lines(hostile().Text()) {
		require.False(t, strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
			return unicode.IsControl(r) || r == '\u2028' || unicode.Is(unicode.Bidi_Control, r)
		}), "a character that acts on the screen in %q", line)
		if line == "\n" || line[0] == ' ' {
			continue
		}
		start := first.FindString(line)
		require.NotEmpty(t, start, "only labels and headings start in the first column: %q", line)
		require.False(t, seen[start], "the second line of a value reads as %q", start)
		seen[start] = true
	}
	require.Len(t, seen, 25, "every part of the text was seen")
}

func TestTextOfNothing(t *testing.T) {
	require.Equal(t, "", sinks.Ticket{}.Text(), "no empty headings")
}

func TestTextAddsTheOriginToAPathWithoutIt(t *testing.T) {
	ticket := minimal()
	ticket.Origin = sinks.Origin{Service: "db", Operation: "SELECT"}
	ticket.Path = []sinks.Step{{Service: "checkout", Operation: "POST /pay"}}
	require.Contains(t, ticket.Text(), "  checkout POST /pay\n  -> db SELECT  <- fails here\n")
}

func TestTextSaysHowOften(t *testing.T) {
	for rule, c := range map[string]struct {
		count  int64
		during time.Duration
		want   string
	}{
		"one has no rate":           {1, time.Hour, "Count:     1\n"},
		"a short time has no rate":  {50, 59 * time.Second, "Count:     50\n"},
		"many: a minute":            {600, time.Minute, "Count:     600, about 600 a minute\n"},
		"some: one digit":           {90, time.Hour, "Count:     90, about 1.5 a minute\n"},
		"few: an hour":              {30, time.Hour, "Count:     30, about 30 an hour\n"},
		"rare: a day":               {6, 72 * time.Hour, "Count:     6, about 2 a day\n"},
		"hour, not a minute of 0.9": {54, time.Hour, "Count:     54, about 54 an hour\n"},
	} {
		t.Run(rule, func(t *testing.T) {
			ticket := minimal()
			ticket.Count, ticket.LastSeen = c.count, start.Add(c.during)
			require.Contains(t, ticket.Text(), c.want)
		})
	}
}

func TestTextDurations(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"12µs":   12345 * time.Nanosecond,
		"340ms":  340*time.Millisecond + 123*time.Microsecond,
		"1.2s":   1234 * time.Millisecond,
		"1m":     time.Minute + 100*time.Millisecond,
		"15m29s": 15*time.Minute + 29*time.Second,
		"3h":     3*time.Hour + 10*time.Second,
		"3h12m":  3*time.Hour + 12*time.Minute,
		"5d4h":   124*time.Hour + 20*time.Minute,
	} {
		t.Run(want, func(t *testing.T) {
			ticket := minimal()
			ticket.Evidence = []sinks.Sample{{Time: start, Duration: d, TraceID: "t", Exported: true}}
			require.Contains(t, ticket.Text(), "took "+want+"  trace t\n")
		})
	}
}

// A text that is bounded ends early, and as late as it can with what finds the ticket.
func TestTextIsBounded(t *testing.T) {
	ticket := minimal()
	ticket.Exception.Message = strings.Repeat("größer\n", 50)
	whole := ticket.Text()
	size := utf8.RuneCountInString(whole)
	key := whole[strings.LastIndex(whole, "\nKey:")+1:]
	for most := 1; most <= size+1; most++ {
		ticket.MaxText = most
		text := ticket.Text()
		require.LessOrEqual(t, utf8.RuneCountInString(text), most)
		require.NotEmpty(t, text)
		require.True(t, utf8.ValidString(text))
		if most >= len(key) {
			require.True(t, strings.HasSuffix(text, key), "%d: %q", most, text)
		}
		if most >= size {
			require.Equal(t, whole, text)
			continue
		}
		begin, _, _ := strings.Cut(text, "…")
		require.True(t, strings.HasPrefix(whole, begin) || strings.HasSuffix(whole, text), "%d: %q", most, text)
	}
}
