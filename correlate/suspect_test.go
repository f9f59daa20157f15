package correlate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// suspected is an answer with the suspects of the words: "2.3.1 strong", and with
// "undone" after it.
func suspected(all ...correlate.Suspect) correlate.Suspects {
	return correlate.Suspects{Asked: policyStart, Ranked: all}
}

func blamed(version, class string) correlate.Suspect {
	return correlate.Suspect{Scope: correlate.Scope{Service: "payment"}, Version: version, Class: class, Time: policyStart.Add(-time.Minute)}
}

func rolledBack(s correlate.Suspect) correlate.Suspect {
	s.Undone = policyStart.Add(2 * time.Minute)
	return s
}

func openProblem(s correlate.Suspects) correlate.Problem {
	b := policyBatch(policyStart, 9)
	p, _ := correlate.Problem{}.Observe(b, policyStart)
	p, _ = p.Queue(correlate.OpOpen, []string{"tracker"}, policyStart)
	p.Suspects = s
	return p
}

func TestReconsider(t *testing.T) {
	none := correlate.Suspects{Asked: policyStart, Reason: "nothing was deployed shortly before"}
	because := func(why string) correlate.Suspects {
		return correlate.Suspects{Asked: policyStart, Reason: why}
	}
	unhelped := rolledBack(blamed("2.3.1", "possible"))
	unhelped.Unhelped = true
	later := blamed("2.3.1", "strong")
	later.Time, later.By, later.Revision = policyStart, "alice", "0f1e2d3c"
	grown := blamed("2.3.1", "strong")
	grown.After = correlate.Share{Failed: 9, Requests: 20}
	grownAgain := grown
	grownAgain.After = correlate.Share{Failed: 17, Requests: 39}
	for _, test := range []struct {
		rule  string
		was   correlate.Suspects
		is    correlate.Suspects
		after time.Duration
		edit  func(*correlate.Problem)
		want  string // the note; "-" if nothing changes
		noted bool   // it is stored, and not told
	}{
		{rule: "why there is none is no news where nothing was known", is: none, noted: true},
		{rule: "the same answer changes nothing", was: suspected(blamed("2.3.1", "strong")), is: suspected(blamed("2.3.1", "strong")), after: time.Hour, want: "-"},
		{rule: "nor does what else became known of it", was: suspected(blamed("2.3.1", "strong")), is: suspected(later), after: time.Hour, want: "-"},
		{rule: "nor that nobody knows anything by now", was: suspected(blamed("2.3.1", "strong")), is: correlate.Suspects{}, after: time.Hour, want: "-"},
		{rule: "a first answer is told at once", is: suspected(blamed("2.3.1", "likely")), want: "payment 2.3.1 is suspected: likely"},
		{rule: "another class waits for a minute", was: suspected(blamed("2.3.1", "likely")), is: suspected(blamed("2.3.1", "strong")), after: 59 * time.Second, want: "-"},
		{rule: "and is told then", was: suspected(blamed("2.3.1", "likely")), is: suspected(blamed("2.3.1", "strong")), after: time.Minute, want: "payment 2.3.1 is suspected: strong, was likely"},
		{rule: "so is another suspect", was: suspected(blamed("2.3.1", "likely")), is: suspected(blamed("7", "strong"), blamed("2.3.1", "likely")), after: time.Minute, want: "payment 7 is suspected: strong"},
		{rule: "the first where there was none is told at once", was: none, is: suspected(blamed("2.3.1", "strong")), want: "payment 2.3.1 is suspected: strong"},
		{rule: "and one after it in its time", was: correlate.Suspects{Asked: policyStart, Reason: "nothing was deployed shortly before", Changes: 1}, is: suspected(blamed("2.3.1", "strong")), after: time.Minute, want: "-"},
		{rule: "figures that have grown are for the next update", was: suspected(blamed("2.3.1", "strong")), is: suspected(grown), noted: true},
		{rule: "if they have doubled", was: suspected(grown), is: suspected(grownAgain), want: "-"},
		{rule: "and that there is none any more", was: suspected(blamed("2.3.1", "likely")), is: because("it was undone, and the failures went on"), after: time.Minute, want: "payment 2.3.1 is not suspected any more: it was undone, and the failures went on"},
		{rule: "another reason is told without a note", was: none, is: because("there is too little traffic to tell"), after: time.Minute},
		{rule: "a rollback is told at once", was: suspected(blamed("2.3.1", "strong")), is: suspected(rolledBack(blamed("2.3.1", "strong"))), want: "payment 2.3.1 rolled back 12:02"},
		{rule: "and that it helped", was: suspected(rolledBack(blamed("2.3.1", "strong"))), is: suspected(rolledBack(blamed("2.3.1", "confirmed"))), want: "payment 2.3.1 rolled back 12:02, failures went with it: confirmed"},
		{rule: "with the day, if that is another one", was: suspected(blamed("2.3.1", "strong")), is: suspected(rolledBack(blamed("2.3.1", "confirmed"))), after: 24 * time.Hour, want: "payment 2.3.1 rolled back 2026-03-01 12:02, failures went with it: confirmed"},
		{rule: "that it did not help is told in its time", was: suspected(rolledBack(blamed("2.3.1", "strong"))), is: suspected(unhelped), after: time.Minute, want: "payment 2.3.1 rolled back 12:02 did not help"},
		{rule: "each change waits twice as long", was: correlate.Suspects{Asked: policyStart, Ranked: []correlate.Suspect{blamed("2.3.1", "likely")}, Changes: 3}, is: suspected(blamed("2.3.1", "strong")), after: 8*time.Minute - 1, want: "-"},
		{rule: "and not for ever", was: correlate.Suspects{Asked: policyStart, Ranked: []correlate.Suspect{blamed("2.3.1", "likely")}, Changes: 1 << 30}, is: suspected(blamed("2.3.1", "strong")), after: 4 * time.Hour, want: "payment 2.3.1 is suspected: strong, was likely"},
		{rule: "of what has no ticket nothing is told", was: none, is: suspected(blamed("2.3.1", "strong")), after: time.Hour, edit: func(p *correlate.Problem) { p.Hold = correlate.Over }, want: "-"},
		{rule: "nor of what is over", was: none, is: suspected(blamed("2.3.1", "strong")), after: time.Hour, edit: func(p *correlate.Problem) { p.State = correlate.Resolved }, want: "-"},
		{rule: "nor of a ticket for many", was: none, is: suspected(blamed("2.3.1", "strong")), after: time.Hour, edit: func(p *correlate.Problem) { p.Report = correlate.ReportBudget }, want: "-"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := openProblem(test.was)
			if test.edit != nil {
				test.edit(&p)
			}
			notes := len(p.History)
			now := policyStart.Add(test.after)
			got, change := p.Reconsider(test.is, now)
			if test.want == "-" {
				require.Equal(t, correlate.ChangeNone, change)
				require.Equal(t, p, got)
				return
			}
			if test.noted {
				require.Equal(t, correlate.ChangeNoted, change)
				require.Equal(t, test.is.Reason, got.Suspects.Reason)
				require.Equal(t, test.is.Ranked, got.Suspects.Ranked)
				require.Equal(t, p.UpdatedAt, got.UpdatedAt)
				return
			}
			require.Equal(t, correlate.ChangeUpdated, change)
			require.Equal(t, test.is.Ranked, got.Suspects.Ranked)
			require.Equal(t, test.is.Reason, got.Suspects.Reason)
			require.Equal(t, now, got.Suspects.Asked)
			require.Equal(t, test.was.Changes+1, got.Suspects.Changes)
			require.Equal(t, test.was, p.Suspects, "p is not changed")
			if test.want == "" {
				require.Len(t, got.History, notes)
				return
			}
			require.Equal(t, test.want, got.History[len(got.History)-1].What)
		})
	}
}

func TestConclude(t *testing.T) {
	for _, test := range []struct {
		rule  string
		was   correlate.Suspects
		is    correlate.Suspects
		state correlate.State
		want  correlate.Suspects
	}{
		{"what came of it is said at the end, however soon", suspected(blamed("2.3.1", "strong")), suspected(rolledBack(blamed("2.3.1", "confirmed"))), correlate.Resolved, suspected(rolledBack(blamed("2.3.1", "confirmed")))},
		{"not before", suspected(blamed("2.3.1", "strong")), suspected(blamed("2.3.1", "likely")), correlate.Open, suspected(blamed("2.3.1", "strong"))},
		{"who knows nothing says nothing", suspected(blamed("2.3.1", "strong")), correlate.Suspects{}, correlate.Resolved, suspected(blamed("2.3.1", "strong"))},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p := openProblem(test.was)
			p.State = test.state
			got := p.Conclude(test.is, policyStart)
			require.Equal(t, test.want.Ranked, got.Suspects.Ranked)
		})
	}
}

// However often, and between whatever, answers go to and fro, a ticket is told of them
// seldom; and what it says is never older than the last change allowed.
func TestAnswersAreNoStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := openProblem(correlate.Suspects{})
		now, told := policyStart, 0
		var last time.Time
		for range rapid.IntRange(1, 400).Draw(t, "asks") {
			now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
			var s correlate.Suspects
			if rapid.IntRange(0, 4).Draw(t, "known") > 0 {
				s = correlate.Suspects{Asked: now, Reason: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "reason")}
			}
			if rapid.Bool().Draw(t, "some") && !s.Asked.IsZero() {
				b := blamed(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"), rapid.SampledFrom([]string{"possible", "strong", "confirmed"}).Draw(t, "class"))
				if rapid.Bool().Draw(t, "undone") {
					b = rolledBack(b)
				}
				s = suspected(b)
			}
			next, change := p.Reconsider(s, now)
			again, same := p.Reconsider(s, now)
			require.Equal(t, next, again, "it is pure")
			require.Equal(t, change, same)
			if change == correlate.ChangeNone {
				require.Equal(t, p, next)
				continue
			}
			if change == correlate.ChangeNoted {
				require.Empty(t, p.Suspects.Ranked)
				p = next
				continue
			}
			require.Equal(t, correlate.ChangeUpdated, change)
			_, twice := next.Reconsider(s, now)
			require.Equal(t, correlate.ChangeNone, twice, "an answer is told once")
			p, last = next, now
			told++
		}
		// One at once, eight that say at once what came of a rollback, and one for each
		// time that the pause doubled, up to one in four hours.
		most := 10
		for pause := time.Minute; pause < now.Sub(policyStart); pause = min(2*pause, 4*time.Hour) + time.Second {
			most++
			if pause >= 4*time.Hour {
				most += int(now.Sub(policyStart) / (4 * time.Hour))
				break
			}
		}
		require.LessOrEqual(t, told, most, "%s after %s", last, now.Sub(policyStart))
		require.LessOrEqual(t, len(p.History), 40)
	})
}
