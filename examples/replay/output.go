package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/sinks"
)

// ticket is what is printed of a ticket in JSON, in this order.
type ticket struct {
	Key         string       `json:"key"`
	Signature   string       `json:"signature"`
	Rule        string       `json:"rule"`
	State       sinks.State  `json:"state"`
	Service     string       `json:"service"`
	Environment string       `json:"environment"`
	Operation   string       `json:"operation"`
	Severity    string       `json:"severity"`
	Title       string       `json:"title"`
	Count       int64        `json:"count"`
	FirstSeen   time.Time    `json:"first_seen"`
	LastSeen    time.Time    `json:"last_seen"`
	Origin      sinks.Origin `json:"origin"`
	Path        []sinks.Step `json:"path"`
	Suspects    []string     `json:"suspects"` // deployments, the surest first
	Links       []sinks.Link `json:"links"`
	Exception   exception    `json:"exception"`
	Explain     []string     `json:"explain,omitempty"`
}

type exception struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

type summary struct {
	Spans       int64            `json:"spans"`
	Occurrences int64            `json:"occurrences"`
	Problems    int              `json:"problems"`
	Tickets     int              `json:"tickets"`
	Decisions   map[string]int64 `json:"decisions"`
}

func summaryOf(o rehearsal.Outcome) summary {
	return summary{Spans: o.Stats.Spans, Occurrences: o.Stats.Occurrences, Problems: o.Problems, Tickets: len(o.Tickets), Decisions: o.Stats.Decisions}
}

// suspects names the deployments that are suspected.
func suspects(t sinks.Ticket) []string {
	out := []string{}
	for _, s := range t.Suspects {
		out = append(out, s.String())
	}
	return out
}

// printJSON writes an object a ticket, and one with the summary.
func printJSON(w io.Writer, o rehearsal.Outcome, explain bool) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, t := range o.Tickets {
		line := ticket{
			Key: t.Key, Signature: t.Signature, Rule: t.Rule, State: t.State, Service: t.Service, Environment: t.Environment,
			Operation: t.Operation, Severity: t.Severity, Title: t.Title, Count: t.Count, FirstSeen: t.FirstSeen, LastSeen: t.LastSeen,
			Origin: t.Origin, Path: append([]sinks.Step{}, t.Path...), Suspects: suspects(t.Ticket), Links: append([]sinks.Link{}, t.Links...),
			Exception: exception{Type: t.Exception.Type, Message: t.Exception.Message},
		}
		if explain {
			line.Explain = t.Why
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	if err := enc.Encode(struct {
		Summary summary `json:"summary"`
	}{summaryOf(o)}); err != nil {
		return err
	}
	return out.Flush()
}

// meanings says what the decisions mean, for -explain.
var meanings = map[string]string{
	"opened":          "made a ticket",
	"reopened":        "brought a ticket back",
	"deduplicated":    "counted on a ticket that was open",
	"below_threshold": "counted; the rule waits for more",
	"symptom":         "failed because a deeper operation did",
	"late_symptom":    "the same, and ended after its trace was decided",
	"retried":         "the same call was made again and went well",
	"excluded":        "the unless of a rule holds",
	"no_rule":         "no rule wants it, nor anything that failed with it",
}

// printText writes the tickets as people read them, and a summary.
func printText(w io.Writer, o rehearsal.Outcome, explain bool) error {
	out := bufio.NewWriter(w)
	for _, t := range o.Tickets {
		if !explain {
			t.Why = nil
		}
		fmt.Fprintf(out, "%s\n[%s] %s\n\n%s\n", strings.Repeat("=", 78), t.Severity, t.Title, t.Text())
	}
	s := summaryOf(o)
	fmt.Fprintf(out, "%s\n%d spans, %d occurrences, %d problems, %d tickets\n", strings.Repeat("=", 78), s.Spans, s.Occurrences, s.Problems, s.Tickets)
	for _, reason := range slices.Sorted(maps.Keys(s.Decisions)) {
		fmt.Fprintf(out, "%9d  %s", s.Decisions[reason], reason)
		if explain && meanings[reason] != "" {
			fmt.Fprintf(out, ": %s", meanings[reason])
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}
