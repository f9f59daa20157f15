// Package sinks is the contract between the engine and whoever files tickets:
// the [Sink] interface, the [Ticket] it is handed and the [Receipt] it returns.
//
// The package uses the standard library only, so that a team's own sink
// compiles nothing but this contract. Package sinktest holds an implementation
// to the rules that stand on [Sink].
package sinks

import "time"

// State is where a ticket stands.
type State string

const (
	Open     State = "open"
	Resolved State = "resolved"
)

// Event is what made the engine send a ticket.
type Event string

const (
	EventOpened   Event = "opened"   // the problem is new: File
	EventUpdated  Event = "updated"  // it goes on: Update
	EventResolved Event = "resolved" // it stopped: Update
	EventReopened Event = "reopened" // it is back: Update, or File where there is no Updater
)

// Ticket is the finished document about one problem: plain data, redacted in
// every field, with no markup. A sink lays it out for its system and must
// encode every string for it: the text comes from spans and is hostile.
//
// Times are in UTC. Slices and maps belong to the engine; a sink reads them
// until it returns.
type Ticket struct {
	// Key identifies the ticket across retries, restarts and replicas: at most
	// 50 characters of [a-z0-9:_-]. It fits a label of every tracker.
	Key       string `json:"key"`
	Signature string `json:"signature"`
	Event     Event  `json:"event"`
	State     State  `json:"state"`

	Rule     string   `json:"rule"`
	Severity string   `json:"severity"` // critical, error, warning or info, unless a rule says otherwise
	Title    string   `json:"title"`    // one line
	Team     string   `json:"team,omitempty"`
	Runbook  string   `json:"runbook,omitempty"` // http or https
	Labels   []string `json:"labels,omitempty"`

	Namespace   string `json:"namespace,omitempty"`
	Service     string `json:"service"`
	Environment string `json:"environment,omitempty"`
	Operation   string `json:"operation"`

	Count      int64     `json:"count"` // occurrences since FirstSeen
	FirstSeen  time.Time `json:"first_seen"`
	LastSeen   time.Time `json:"last_seen"`
	OpenedAt   time.Time `json:"opened_at"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`

	Origin    Origin    `json:"origin"`
	Path      []Step    `json:"path"` // from the origin to the root of the trace
	Exception Exception `json:"exception,omitzero"`

	Impact Impact `json:"impact,omitzero"`

	// Problems are what a ticket for many lists, by their groups and first occurrence:
	// they have no tickets of their own. Others is how many more there are.
	Problems []Problem `json:"problems,omitempty"`
	Others   int64     `json:"others,omitempty"`
	// Groups are what the listed problems have in common, the largest first and the rest
	// last; there are none if they have nothing in common.
	Groups []Group `json:"groups,omitempty"`

	// Suspects are deployments that are probably to blame, the surest first. Unsuspected
	// says why there are none, if that was asked.
	Suspects    []Suspect `json:"suspects,omitempty"`
	Unsuspected string    `json:"unsuspected,omitempty"`

	Facts   []Fact   `json:"facts,omitempty"`   // the failing process, its deployment, and what enrichers found
	Missing []string `json:"missing,omitempty"` // what was looked for and not found, each with the reason
	Links   []Link   `json:"links,omitempty"`

	Evidence []Sample `json:"evidence,omitempty"` // newest first
	History  []Entry  `json:"history,omitempty"`  // oldest first
	Why      []string `json:"why,omitempty"`      // why there is a ticket, and what makes its signature

	// Previous is the earlier ticket of a problem that returned, where the sink
	// could not reopen it.
	Previous Receipt `json:"previous,omitzero"`
	// Cut names what was left out to meet the sink's [Limits].
	Cut []string `json:"cut,omitempty"`
	// MaxText bounds [Ticket.Text], in characters; 0 means no bound. The engine sets it
	// where the sink's limit is so low that it cannot be met by leaving parts out: then
	// the text ends early, and still tells the key where there is room for that.
	MaxText int `json:"-"`
}

// Origin is the deepest operation that failed.
type Origin struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	TraceID   string `json:"trace_id"`
	SpanID    string `json:"span_id"`
}

// Step is one operation on the way from the origin to the root.
type Step struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
}

// Exception is what the failing operation recorded.
type Exception struct {
	Type       string `json:"type"`
	Message    string `json:"message"`
	Stacktrace string `json:"stacktrace,omitempty"`
}

// Impact is whom and what the problem reaches.
type Impact struct {
	// Operations are those through which the requests that failed came in, in each
	// service on their way as far as it is known, the most affected first.
	Operations []Affected `json:"operations,omitempty"`
	Others     int64      `json:"others,omitempty"` // requests through operations that there is no room for
	Traces     int64      `json:"traces,omitempty"` // distinct ones; beyond 128 to within about 5 %
	Users      int64      `json:"users,omitempty"`  // likewise, where spans say for whom a request was
	Share      Share      `json:"share,omitzero"`   // of the operation of the ticket
}

// Affected is one operation through which requests came in that failed.
type Affected struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Count     int64  `json:"count"` // of those requests
	Share     Share  `json:"share,omitzero"`
}

// Share is how many of the requests of an operation failed, for whatever reason,
// within the latest five minutes, as one process saw them. It is zero if that is
// not known.
type Share struct {
	Failed   int64 `json:"failed"`
	Requests int64 `json:"requests"`
}

// Problem is what a ticket for many says of one problem or, where rules were
// switched off, of one rule.
type Problem struct {
	Signature string    `json:"signature"`
	Title     string    `json:"title"`
	Rule      string    `json:"rule"`
	Group     int       `json:"group,omitempty"` // its place in [Ticket.Groups], from 1
	Count     int64     `json:"count"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// Group is what some of the problems of a ticket for many have in common. Its numbers
// are those of all that the engine lists, however many of them this ticket has room for.
type Group struct {
	What     string `json:"what"` // dependency, operation or version (of the service), or "" for nothing
	Value    string `json:"value"`
	Problems int    `json:"problems"`
	Count    int64  `json:"count"` // occurrences of those
}

// Fact is one named thing that is known about the problem.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Link leads to something outside the ticket. URL is http or https.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Sample is one occurrence, kept as evidence.
type Sample struct {
	Time       time.Time         `json:"time"`
	Duration   time.Duration     `json:"duration"` // nanoseconds in JSON
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	Exported   bool              `json:"exported"` // whether the trace was sampled, so that a trace store may have it
	Message    string            `json:"message,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Entry is one step of a problem's history.
type Entry struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}
