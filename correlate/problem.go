package correlate

import "time"

// State is where a problem stands.
type State string

const (
	Watching State = "watching" // seen, below its rule's threshold: no ticket
	Open     State = "open"
	Resolved State = "resolved"
)

// Problem is what is stored for one signature. What is in it was redacted
// before it was stored.
type Problem struct {
	ID         string    `json:"id"` // of the signature
	Scope      Scope     `json:"scope"`
	Signature  Signature `json:"signature"`
	Rule       string    `json:"rule"`
	State      State     `json:"state"`
	Episode    int       `json:"episode"` // how often it has opened with a ticket
	Count      int64     `json:"count"`   // occurrences ever
	FirstSeen  time.Time `json:"first_seen"`
	LastSeen   time.Time `json:"last_seen"`
	OpenedAt   time.Time `json:"opened_at"`   // of the newest episode
	BeganAt    time.Time `json:"began_at"`    // the first of the occurrences that opened it, as far as they were counted
	ResolvedAt time.Time `json:"resolved_at"` // of the newest episode that ended

	Answers Answers  `json:"answers"` // of its rule; frozen when it opens
	Recent  []Bucket `json:"recent"`  // counts over time, oldest first
	Samples []Sample `json:"samples"` // evidence, by arrival: the first, then the newest
	Bare    bool     `json:"bare"`    // earlier evidence was dropped, because the store had no room for it

	Impact   Impact   `json:"impact"`
	Upstream Upstream `json:"upstream"` // of what it is a symptom in another service; zero if that is not known
	Suspects Suspects `json:"suspects"` // deployments that may be to blame

	UpdatedAt time.Time `json:"updated_at"` // when an update was last queued
	Updates   int       `json:"updates"`    // how many were, in this episode

	Hold   Reason    `json:"hold"`    // why it has no ticket of its own while it is open; empty if it has one
	HeldAt time.Time `json:"held_at"` // since when
	Usual  float64   `json:"usual"`   // highest rate while it was learnt as known, per minute; 0 means it was not

	Report  Report   `json:"report"`  // what it lists, if it is a ticket for many
	Members []Member `json:"members"` // what it lists, by their first occurrence
	Total   int64    `json:"total"`   // how many it would list, if there were room for all

	Flood *Flood `json:"flood"` // of its signatures, if it stands for many; nil otherwise

	Filings []Filing `json:"filings"` // what each sink has
	Writers []Writer `json:"writers"` // who counted on it last, newest last
	History []Entry  `json:"history"` // oldest first, bounded
}

// Answers is what a rule says about a problem.
type Answers struct {
	Severity  string        `json:"severity"`
	Title     string        `json:"title"`
	Team      string        `json:"team"`
	Runbook   string        `json:"runbook"`
	Labels    []string      `json:"labels"`
	Sinks     []string      `json:"sinks"` // names; empty means all
	Threshold Threshold     `json:"threshold"`
	Quiet     time.Duration `json:"quiet"` // without an occurrence, until it counts as resolved
}

// Threshold is how many occurrences, within how long, make a ticket.
type Threshold struct {
	Count  int64         `json:"count"`
	Within time.Duration `json:"within"`
}

// Bucket counts the occurrences of one stretch of time.
type Bucket struct {
	Start time.Time `json:"start"`
	Count int64     `json:"count"`
}

// Sample is one occurrence, kept as evidence.
type Sample struct {
	Time         time.Time         `json:"time"` // when it ended
	Duration     time.Duration     `json:"duration"`
	TraceID      string            `json:"trace_id"`
	SpanID       string            `json:"span_id"`
	Exported     bool              `json:"exported"`
	Operation    string            `json:"operation"`
	Kind         string            `json:"kind"`
	Status       string            `json:"status"`
	Message      string            `json:"message"` // status description
	Exception    Exception         `json:"exception"`
	Dropped      int               `json:"dropped,omitempty"` // events of the span that were not kept
	Attributes   map[string]string `json:"attributes"`
	Resource     map[string]string `json:"resource"` // of the failing process
	Path         []Step            `json:"path"`
	RemoteParent bool              `json:"remote_parent"`
	Links        []Link            `json:"links"` // what the request continues in other traces
}

// Entry is one step of a problem's history.
type Entry struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}
