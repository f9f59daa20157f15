package correlate

import "time"

// Decision is the recorded answer of one stage about one span or, where a
// stage answers for many at once, about the newest of them: with its reason,
// also where the answer is "no ticket".
type Decision struct {
	Time      time.Time `json:"time"` // when the span ended
	Stage     Stage     `json:"stage"`
	Reason    Reason    `json:"reason"`
	Count     int64     `json:"count"` // spans that the answer is about
	TraceID   string    `json:"trace_id"`
	SpanID    string    `json:"span_id"`
	Scope     Scope     `json:"scope"`
	Operation string    `json:"operation"`
	Rule      string    `json:"rule,omitempty"`      // that matched, or whose unless held
	Signature string    `json:"signature,omitempty"` // from the decision that a span is an origin on
	Detail    string    `json:"detail,omitempty"`    // what the reason does not say, such as the span that it is a symptom of
	// Withheld counts the values that were taken out as secret or personal, by kind:
	// of the decision itself, and of the evidence that is stored with it.
	Withheld map[string]int64 `json:"withheld,omitempty"`
}

// Stage is where in the flow a decision was taken.
type Stage string

const (
	StageMatch    Stage = "match"    // on the goroutine that ended the span
	StageCapture  Stage = "capture"  // the way into the engine
	StageAssemble Stage = "assemble" // of its trace
	StageDecide   Stage = "decide"   // by policy
)

// Reason says what became of a span. The set is closed. Every span that was
// seen is healthy, dropped or decided: it is counted under exactly one reason,
// or under none if it is healthy.
type Reason string

// The decisions.
const (
	NoRule         Reason = "no_rule"         // no rule wants it, nor anything that failed with it
	Excluded       Reason = "excluded"        // the unless of a rule holds
	Symptom        Reason = "symptom"         // it failed because another one did
	LateSymptom    Reason = "late_symptom"    // the same, and it ended after its trace was decided
	Retried        Reason = "retried"         // the same call was made again and went well
	Canceled       Reason = "canceled"        // it failed because its caller gave up
	Handled        Reason = "handled"         // it was logged in an operation that went well
	Thinned        Reason = "thinned"         // there are too many: it is counted with another one like it
	BelowThreshold Reason = "below_threshold" // counted; no ticket yet
	Opened         Reason = "opened"          // it opened a problem
	Reopened       Reason = "reopened"        // it brought one back
	Deduplicated   Reason = "deduplicated"    // counted on a problem that has its ticket

	// Counted on a problem that is open and has no ticket of its own, because it is held.

	Shadow  Reason = "shadow"        // the rule, or the engine, is in shadow mode
	Canary  Reason = "canary"        // the signature is not in the part that the rule files
	Draft   Reason = "draft"         // it waits for an approval
	Expired Reason = "draft_expired" // nobody approved the draft in time
	Over    Reason = "budget"        // too many new tickets; it is listed on one for all
	Known   Reason = "known"         // it failed before the service was watched; likewise

	Settling Reason = "settling" // its service was deployed a moment ago: it may vanish by itself

	Flooded Reason = "flooded" // one of too many signatures, counted with the others on one problem, which has its ticket

	Downstream Reason = "downstream" // what it calls has the problem, and the ticket
)

// The ways in which a span that matters is lost.
const (
	QueueFull      Reason = "queue_full"      // the engine does not keep up
	SignaturesFull Reason = "signatures_full" // too many problems at once, while the store does not keep up
	StoreRefused   Reason = "store_refused"   // the store is full, or the record cannot be read
	AfterShutdown  Reason = "after_shutdown"
	Panicked       Reason = "panic" // in the library: a defect
)

// Origin is the one reason that nothing is counted under: the span is the
// origin of a failure, and what became of that is decided for its problem.
const Origin Reason = "origin"

// meanings says of each reason what it means, to people who ask.
var meanings = map[Reason]string{
	NoRule:         "no rule wants it, nor anything that failed with it",
	Excluded:       "the unless of a rule holds, and no other rule wants it",
	Symptom:        "it failed because an operation below it did",
	LateSymptom:    "it failed because an operation below it did, and ended after its trace was decided",
	Retried:        "the same call was made again and went well",
	Canceled:       "it failed because its caller gave up, which is no failure of its own",
	Handled:        "it was logged in an operation that went well",
	Thinned:        "it is counted with the next one that looks like it: more fail than are looked at one by one",
	BelowThreshold: "it is counted; the threshold of its rule is not reached",
	Opened:         "it opened a problem, which has a ticket",
	Reopened:       "it brought back a problem that was over, and its ticket",
	Deduplicated:   "it is counted on a problem that has its ticket",
	Shadow:         "it is counted, and nothing is filed: the rule, or the engine, is in shadow mode",
	Canary:         "it is counted, and nothing is filed: its signature is not in the part that the rule files",
	Draft:          "it is counted on a draft, which waits for an approval",
	Expired:        "it is counted on a draft that nobody approved in time",
	Over:           "it is counted on a problem beyond the budget of new tickets, which is listed on one for many",
	Known:          "it is counted on a problem from before the service was watched, which is listed on one for many",
	Settling:       "it is counted, and is not filed yet: its service was deployed a moment ago, and it may vanish by itself",
	Flooded:        "its signature is one of too many: it is counted with the others of its rule and operation, on a problem that has its ticket",
	Downstream:     "it is counted, and is a part of the impact of another service's problem, which failed in the same requests",
	QueueFull:      "it was lost: the engine did not keep up",
	SignaturesFull: "it was lost: it came with more problems at once than there is room for",
	StoreRefused:   "it was lost: the store is full, or cannot read the problem's record",
	AfterShutdown:  "it was lost: it ended, or was not stored yet, when the engine was shut down",
	Panicked:       "it was lost to a defect of the library",
	Origin:         "it is the origin of a failure, and is counted on its problem",
}

// Meaning says what the reason means, in a sentence without an end.
func (r Reason) Meaning() string { return meanings[r] }

// Decided returns the reasons of decisions, without [Origin].
func Decided() []Reason {
	return []Reason{
		NoRule, Excluded, Symptom, LateSymptom, Retried, Canceled, Handled, Thinned, BelowThreshold, Opened, Reopened, Deduplicated,
		Shadow, Canary, Draft, Expired, Over, Known, Settling, Flooded, Downstream,
	}
}

// Dropped returns the reasons for which spans are lost.
func Dropped() []Reason {
	return []Reason{QueueFull, SignaturesFull, StoreRefused, AfterShutdown, Panicked}
}
