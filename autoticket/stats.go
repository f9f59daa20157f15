package autoticket

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spanticket/spanticket/internal/observe"
)

// Stats is what an engine has done since it was made. Spans is Healthy, plus
// the sums of Decisions and Dropped, plus what still waits for its decision.
// A log record that is not a part of its span counts as a span does: the spans
// that ended, plus Records, less Merged, less HeldRecords, is Spans.
type Stats struct {
	Spans       int64 // that ended, and log records that stand for themselves
	Healthy     int64 // that did not fail and that no rule wants
	Matches     int64 // that a rule matched
	Occurrences int64 // failures that a rule wants, each counted at its origin

	Records     int64 // log records that tell of an error
	Merged      int64 // those of them that became a part of their span
	HeldRecords int   // those of them that wait for the end of their span

	// Decisions counts failing spans by the reason for what became of them:
	// no_rule, excluded, symptom, late_symptom, retried, canceled, handled, below_threshold,
	// opened, reopened, deduplicated, shadow, canary, draft, draft_expired,
	// budget, known, settling, flooded or downstream; see [correlate.Reason].
	Decisions map[string]int64
	// Dropped counts failing spans that were lost, by reason: queue_full,
	// signatures_full, store_refused, after_shutdown or panic.
	Dropped map[string]int64
	// PathsCut counts healthy spans of failing traces that were let go because
	// the queue was busy, so that a path may lack a step.
	PathsCut int64

	// Journal has what became of first occurrences in the journal.
	Journal JournalStats

	// Withheld counts the values that were taken out because they are secret or
	// personal, by kind, as the marks in their place name it. One that several
	// documents had, of what is stored, sent and logged, counts in each.
	Withheld map[string]int64

	Queued       int // spans in the queue
	OpenTraces   int // traces with a failure that wait for their root
	OpenProblems int // problems that are open, as far as this process knows
	HeldProblems int // those of them that have no ticket of their own

	// StoreLost is since when the store is out of reach; zero while it is not.
	StoreLost time.Time
	Waiting   int // batches, each of occurrences of one signature, that wait for the store

	// Deployments has what is known of deployments, and Suspects counts the answers to which
	// of them is to blame, as tickets are told of them, by the class of the first suspect;
	// "none" if there is none.
	Deployments DeploymentStats
	Suspects    map[string]int64

	// Panics counts defects of the library that showed as panics of its own
	// goroutines. What one of them was at may be lost; the engine goes on, and the log
	// says more. Please report them.
	Panics int64

	Reloaded int64 // times that rules were loaded again
	Refused  int64 // times that they were refused

	// Parked counts the deliveries that [Engine.Parked] lists, by sink, without
	// zeros: as the store was listed last, some minutes ago, and what this process did
	// since.
	Parked map[string]int64
	// Limits has how it stands with each sink's account, ordered by sink; Replay has none.
	Limits []SinkLimit
	// Deliveries counts attempts, ordered by sink, operation and outcome.
	Deliveries []DeliveryCount
	// Rules has what each rule did, in order.
	Rules []RuleStats
}

// DeliveryCount counts attempts of one kind.
type DeliveryCount struct {
	Sink      string
	Operation string // open, update, resolve or reopen
	Outcome   string // delivered, nothing (overtaken, or the sink cannot do it), parked, transient, rate_limited, unauthorized or unknown
	Count     int64
}

// SinkLimit is what holds back the calls of one sink, as this process knows it.
type SinkLimit struct {
	Sink string
	// Account is what the calls count against, with those of other sinks and processes
	// that name the same one. A sink that names none has its own name.
	Account string
	// State is closed (calls are made), limited (a pause was asked for), broken (calls
	// failed in a row: the circuit breaker is open) or half_open (one call goes first,
	// to see).
	State string
	// Until is when calls are made again, because the pause is over or a used-up quota
	// starts anew. Zero while they are made.
	Until time.Time
	// PerMinute is how many calls there may be in the long run, at the pace that is kept.
	PerMinute float64
	// Remaining is how many calls the system said are left, or -1 if it did not say.
	Remaining int64
}

// JournalStats counts first occurrences by what became of them in the journal, see
// [Config].
type JournalStats struct {
	Kept        int64 // that were in the file when OnEnd returned
	RateLimited int64 // that were not: a hundred had been kept in that second
	Failed      int64 // that were not: the disk failed or stalled, or the journal was full
	Replayed    int64 // that an earlier process had left, and that were looked at
	Lost        int64 // that an earlier process had left, and that cannot be read
}

// DeploymentStats is what an engine knows of deployments.
type DeploymentStats struct {
	Known   int   // deployments
	Damaged int64 // services of which the history cannot be read
	Unread  int64 // services beyond those of which it is: at least so many
	// Announced counts deployments that were announced to this process, by what became of
	// them, without zeros: noted, known (told before), invalid, too_many (within a
	// minute), failed (the store did not take it yet) or missed (there was no room).
	Announced map[string]int64
}

// RuleStats counts what one rule did.
type RuleStats struct {
	Name      string
	Mode      string
	Matches   int64
	Errors    int64  // evaluations that failed; the rule did not match
	LastError string // of the newest
	Off       bool   // it was switched off, because it exceeded the limits of an evaluation too often
}

// Stats returns what the engine has done so far. The numbers are read one after
// another while the engine goes on.
func (e *Engine) Stats() Stats {
	if e == nil {
		return Stats{}
	}
	st := e.s.stats()
	st.OpenTraces = int(e.traces.Load())
	st.Limits = sinkLimits(e.s.outbox.Limits(time.Now()))
	st.StoreLost, st.Waiting = e.s.reach.lost(), int(e.batches.Load())
	return st
}

func (s *stages) stats() Stats {
	st := Stats{
		Matches:      s.counters.Matches.Load(),
		Occurrences:  s.counters.Occurrences.Load(),
		Decisions:    s.counters.Decisions(),
		Dropped:      s.counters.Dropped(),
		Records:      s.counters.Records.Load(),
		Merged:       s.counters.Merged.Load(),
		HeldRecords:  s.gate.Held(),
		PathsCut:     s.counters.Partial.Load(),
		Journal:      s.journal(),
		Withheld:     s.counters.Withheld.Counts(),
		Queued:       s.gate.Backlog(),
		OpenProblems: s.ledger.Open(),
		HeldProblems: s.ledger.Held(),
		Panics:       s.counters.Panics.Load(),
		Reloaded:     s.counters.Reloaded.Load(),
		Refused:      s.counters.Refused.Load(),
	}
	st.Deployments, st.Suspects = s.changes.stats(), s.counters.Suspects.Counts()
	st.Healthy = s.counters.Healthy()
	st.Spans = s.counters.Spans()
	st.Parked = s.parked.Counts()
	maps.DeleteFunc(st.Parked, func(_ string, n int64) bool { return n == 0 })
	for k, n := range s.deliveries.Counts() {
		st.Deliveries = append(st.Deliveries, DeliveryCount{Sink: k.Sink, Operation: k.Operation, Outcome: k.Outcome, Count: n})
	}
	slices.SortFunc(st.Deliveries, func(a, b DeliveryCount) int {
		return cmp.Or(cmp.Compare(a.Sink, b.Sink), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Outcome, b.Outcome))
	})
	rules := s.gate.Rules.Load()
	for i := range rules.Len() {
		rs := rules.Stats(i)
		st.Rules = append(st.Rules, RuleStats{
			Name: rules.Rule(i).Name, Mode: rules.Rule(i).Mode,
			Matches: rs.Matches, Errors: rs.Errors, LastError: s.config.Redactor.Text(rs.LastError), Off: rs.Off,
		})
	}
	return st
}

func (s *stages) journal() JournalStats {
	j := &s.counters.Journal
	return JournalStats{
		Kept: j.Kept.Load(), RateLimited: j.RateLimited.Load(), Failed: j.Failed.Load(), Replayed: j.Replayed.Load(), Lost: j.Lost.Load(),
	}
}

// ruleStates counts the rules in force by what they are like.
func (s *stages) ruleStates() (sound, failing, off int64) {
	rules := s.gate.Rules.Load()
	for i := range rules.Len() {
		switch rs := rules.Stats(i); {
		case rs.Off:
			off++
		case rs.Errors > 0:
			failing++
		default:
			sound++
		}
	}
	return sound, failing, off
}

func sinkLimits(accounts []observe.Limit) (all []SinkLimit) {
	for _, l := range accounts {
		for _, name := range l.Sinks {
			of := SinkLimit{Sink: name, Account: l.Account, State: l.State, Until: l.Until, PerMinute: l.PerMinute, Remaining: -1}
			if l.Told {
				of.Remaining = l.Remaining
			}
			all = append(all, of)
		}
	}
	slices.SortFunc(all, func(a, b SinkLimit) int { return cmp.Compare(a.Sink, b.Sink) })
	return all
}
