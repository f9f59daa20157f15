package render

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/enrich"
	"github.com/spanticket/spanticket/sinks"
)

func TestFit(t *testing.T) {
	big := func() sinks.Ticket {
		p := everything()
		p.Samples = append(p.Samples, p.Samples[0])
		for i := range p.Samples {
			p.Samples[i].Exception.Stacktrace = strings.Repeat("main.handle\n\t/app/main.go:7\n", 300)
		}
		for i := range 30 {
			p.History = append(p.History, correlate.Entry{Time: at, What: fmt.Sprint("entry ", i)})
		}
		ticket, err := renderer().Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(t, err)
		return ticket
	}
	full := utf8.RuneCountInString(big().Text())
	for _, test := range []struct {
		rule string
		body int
		want []string
	}{
		{"nothing is cut without need", 100_000, nil},
		{"nor where there is no limit", 0, nil},
		{"the oldest evidence goes first", full - 1, []string{"3 older samples"}},
		{"then history, and the end of a stack trace", 5000, []string{"3 older samples", "31 entries of the history", "part of the stack trace"}},
		{"then explanations, other suspects, and all of the stack trace", 2300, []string{"3 older samples", "31 entries of the history", "the explanation of the signature", "1 other suspect", "the stack trace"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			ticket := big()
			before := ticket.Text()
			fit(&ticket, sinks.Limits{Body: test.body})
			require.Equal(t, test.want, ticket.Cut)
			if test.body > 0 {
				require.LessOrEqual(t, utf8.RuneCountInString(ticket.Text()), test.body)
			}
			if test.want == nil {
				require.Equal(t, before, ticket.Text())
				return
			}
			require.Len(t, ticket.Evidence, 1)
			require.Equal(t, "opened", ticket.History[0].What, "the ends of the history are kept")
			require.Equal(t, "entry 29", ticket.History[len(ticket.History)-1].What)
			require.Less(t, utf8.RuneCountInString(ticket.Text()), full)
			for _, what := range test.want {
				require.Contains(t, ticket.Text(), what, "what was left out is named")
			}
		})
	}
}

func TestFitTitle(t *testing.T) {
	for _, test := range []struct {
		title string
		limit int
		want  string
	}{
		{"größer", 0, "größer"},
		{"größer", 6, "größer"},
		{"größer", 5, "größ…"},
		{"größer", 1, "…"},
	} {
		ticket := sinks.Ticket{Title: test.title}
		fit(&ticket, sinks.Limits{Title: test.limit})
		require.Equal(t, test.want, ticket.Title)
	}
}

func TestFitNamesMessagesOfEvidence(t *testing.T) {
	ticket := sinks.Ticket{Key: "spt:p", Evidence: []sinks.Sample{{Message: strings.Repeat("x", 5000)}}}
	fit(&ticket, sinks.Limits{Body: 1000})
	require.Equal(t, []string{"part of the message"}, ticket.Cut)
}

// text draws text of any kind and up to so many characters.
func text(t *rapid.T, label string, most int) string {
	unit := rapid.SampledFrom([]string{"a", "word ", "ß", "漢", "😀", "\n", "a\nb\n", "\t", "`", "@all", "\u202e", "\x00", "\xff", "é"}).Draw(t, label)
	return strings.Repeat(unit, rapid.IntRange(0, most/max(1, utf8.RuneCountInString(unit))).Draw(t, label+" length"))
}

// anything draws a problem that is as bad as they come.
func anything(t *rapid.T) correlate.Problem {
	p := everything()
	p.Scope = correlate.Scope{Namespace: text(t, "namespace", 4000), Service: text(t, "service", 4000), Environment: text(t, "environment", 4000)}
	p.Rule = text(t, "rule", 1000)
	p.Answers.Title, p.Answers.Severity, p.Answers.Team = text(t, "title", 1000), text(t, "severity", 1000), text(t, "team", 1000)
	p.Answers.Runbook = "https://runbooks.example/" + strings.Repeat("x", rapid.IntRange(0, 5000).Draw(t, "runbook"))
	p.Filings[0].Previous.URL = p.Answers.Runbook
	p.Filings[0].Previous.ID = text(t, "previous", 1000)
	for range rapid.IntRange(0, 50).Draw(t, "labels") {
		p.Answers.Labels = append(p.Answers.Labels, text(t, "label", 1000))
	}
	for i := range p.Samples {
		s := &p.Samples[i]
		s.Operation, s.Message = text(t, "operation", 1000), text(t, "message", 4000)
		s.Exception = correlate.Exception{Type: text(t, "type", 1000), Message: text(t, "exception", 4000), Stacktrace: text(t, "stack", 16000)}
		s.TraceID = text(t, "trace", 100)
		for j := range s.Path {
			s.Path[j] = correlate.Step{Service: p.Scope.Service, Operation: s.Operation}
		}
		for j := range rapid.IntRange(0, 60).Draw(t, "steps") {
			s.Path = append(s.Path, correlate.Step{Service: "s", Operation: fmt.Sprint("step ", j)})
		}
		s.Attributes[text(t, "key", 1000)] = text(t, "value", 4000)
	}
	for i := range p.Suspects.Ranked {
		s := &p.Suspects.Ranked[i]
		s.Version, s.Revision, s.By, s.Name, s.ID = text(t, "version", 300), text(t, "revision", 300), text(t, "by", 600), text(t, "deployment", 600), text(t, "id", 300)
		s.Means, s.Class, s.Rollback = text(t, "means", 300), text(t, "class", 300), text(t, "rollback", 1100)
		s.Changelog = "https://git.example/" + strings.Repeat("x", rapid.IntRange(0, 2000).Draw(t, "changelog"))
		for range rapid.IntRange(0, 12).Draw(t, "evidence") {
			s.Evidence = append(s.Evidence, text(t, "piece", 400))
		}
	}
	if rapid.Bool().Draw(t, "none") {
		p.Suspects.Ranked, p.Suspects.Reason = nil, text(t, "reason", 1000)
	}
	for range rapid.IntRange(0, 40).Draw(t, "history") {
		p.History = append(p.History, correlate.Entry{Time: at, What: text(t, "what", 200)})
	}
	return p
}

// margin is what the lines of a text begin with, if they do not begin with a blank.
var margin = regexp.MustCompile(`^(Fails|Error|Service|Operation|State|Since|Last seen|Count|Severity|Team|Runbook|Trace|Rule|Labels|Previous|Signature|Key|Problems, |Facts$|Suspected deployment$|No deployment is suspected: |Path, |Links$|Stack trace$|Evidence, |Missing$|History, |Why this ticket$|Left out, |Impact$)`)

// requireWellFormed fails if something that is quoted could be taken for the text's own,
// as a fence that nobody closes. Where the text ends early its last line may be any
// part of one.
func requireWellFormed(t require.TestingT, body string) {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	for i, line := range lines {
		next := strings.Join(lines[i+1:min(i+2, len(lines))], "")
		early := strings.HasSuffix(line, "…") && (next == "" || strings.HasPrefix(next, "Key:"))
		if line != "" && line[0] != ' ' && !early {
			require.Regexp(t, margin, line)
		}
	}
}

func TestFitAlwaysFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := anything(rt)
		long := text(rt, "fact", 5000)
		r := renderer(named(text(rt, "enricher", 50), func(context.Context, correlate.Problem) (enrich.Facts, error) {
			return enrich.Facts{
				Facts:   []sinks.Fact{{Name: long, Value: long}},
				Links:   []sinks.Link{{Name: long, URL: "https://grafana.example"}, {Name: "b", URL: p.Answers.Runbook}},
				Missing: []string{long},
			}, nil
		}))
		limits := sinks.Limits{
			Title: rapid.IntRange(0, 200).Draw(rt, "title limit"),
			Body:  rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, leastBody), rapid.IntRange(leastBody, 40_000)).Draw(rt, "body limit"),
		}
		ticket, err := r.Ticket(t.Context(), p, delivery(correlate.OpOpen), limits)
		require.NoError(rt, err)
		body := ticket.Text()
		if limits.Body > 0 {
			require.LessOrEqual(rt, utf8.RuneCountInString(body), limits.Body)
		}
		if limits.Title > 0 {
			require.LessOrEqual(rt, utf8.RuneCountInString(ticket.Title), limits.Title)
		}
		if limits.Body == 0 || limits.Body >= leastBody {
			require.Zero(rt, ticket.MaxText, "what is left out is enough")
		}
		if line := "Key:       " + ticket.Key + "\n"; limits.Body == 0 || limits.Body >= len(line) {
			require.True(rt, strings.HasSuffix(body, line), "a search finds it")
		}
		requireWellFormed(rt, body)
		require.NotEmpty(rt, strings.TrimSpace(ticket.Title))
		require.NotContains(rt, ticket.Title, "\n")
		require.True(rt, utf8.ValidString(body))
		require.True(rt, utf8.ValidString(ticket.Title))
		data, err := json.Marshal(ticket)
		require.NoError(rt, err)
		require.NotContains(rt, string(data), `\u0000`)
		require.Equal(rt, "spt:"+p.ID+"-2", ticket.Key, "what finds the ticket is never cut")
		for _, what := range ticket.Cut {
			require.NotEmpty(rt, what)
		}

		whole, err := r.Ticket(t.Context(), p, delivery(correlate.OpOpen), sinks.Limits{})
		require.NoError(rt, err)
		if whole.Text() != body {
			require.NotEmpty(rt, ticket.Cut, "what was left out is named")
		}
	})
}
