package deployment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// script is what is counted of an operation in each ten seconds, by version.
type script func(t time.Time, version string) Count

// Count implements Rates. It knows of payment alone.
func (s script) Count(q Query) (Count, bool) {
	if q.Scope.Service != "payment" {
		return Count{}, false
	}
	versions := []string{"1", "2"}
	if q.Version != "" {
		versions = []string{q.Version}
	}
	var sum Count
	for t := q.From.Truncate(10 * time.Second); t.Before(q.To); t = t.Add(10 * time.Second) {
		for _, v := range versions {
			n := s(t, v)
			sum.Total += n.Total
			sum.Failed += n.Failed
		}
	}
	return sum, true
}

// unheard are rates of which those of a version are not known yet.
type unheard struct {
	script
	version string
}

// Count implements [Rates].
func (u unheard) Count(q Query) (Count, bool) {
	n, ok := u.script.Count(q)
	return n, ok && q.Version != u.version
}

// rolled returns a script in which version 2 takes the place of 1 at noon, within two minutes, and
// fail says how many of a hundred calls fail.
func rolled(fail func(t time.Time, version string) int64) script {
	return func(t time.Time, version string) Count {
		share := min(10, max(0, int64(t.Sub(noon)/(12*time.Second)))) // tenths
		if version == "1" {
			share = 10 - share
		}
		return Count{Total: 10 * share, Failed: share * fail(t, version) / 10}
	}
}

func minutesAfter(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Minute))) }

func TestSuspects(t *testing.T) {
	deployed := Deployment{Scope: payment, Version: "2", Time: noon, Done: minutesAfter(2), Status: Succeeded, Previous: "1"}
	before := Deployment{Scope: payment, Version: "1", Time: noon.AddDate(0, 0, -3), Status: Succeeded}
	alone := []Deployment{{Scope: payment, Version: "2", Time: noon, Done: minutesAfter(2), Status: Succeeded}}
	base := Case{Scope: payment, Operation: "POST /pay", First: minutesAfter(1), Failing: []string{"2"}}
	bad := rolled(func(t time.Time, version string) int64 {
		if version == "2" {
			return 50
		}
		return 0
	})
	after := func(minute float64, failing int64) script {
		return rolled(func(t time.Time, version string) int64 {
			if t.Before(minutesAfter(minute)) {
				return 0
			}
			return failing
		})
	}
	database := &Graph{}
	database.Add(payment, Peer{Scope: correlate.Scope{Service: "orders-db"}, Shared: true})
	for _, c := range []struct {
		rule   string
		change func(*Case)
		told   []Deployment
		graph  *Graph
		rates  Rates
		now    float64 // minutes after the deployment
		want   string
		says   string // in the evidence of the first
	}{
		{rule: "a failure that is new with a version is its own", rates: bad, want: "strong payment 2"},
		{rule: "it says how often it failed before and after", rates: bad, want: "strong payment 2", says: "0 of 6,000 (0 %) calls failed in the 10 min before"},
		{rule: "of one that was seen before something is left open", told: alone, change: func(c *Case) { c.Known = true; c.Failing = nil }, rates: after(1, 50), want: "likely payment 2"},
		{rule: "nothing is known of what was deployed", told: []Deployment{}, rates: bad, want: "no_history"},
		{rule: "nothing was deployed within two hours", told: []Deployment{before}, rates: bad, want: "no_change"},
		{rule: "nor is it known whether, where the history is younger", told: []Deployment{{Scope: payment, Version: "1", Time: minutesAfter(60), Status: Succeeded}}, rates: bad, want: "no_history"},
		{rule: "unless the window is wider", told: []Deployment{deployed}, change: func(c *Case) { c.First = minutesAfter(150); c.Window = 3 * time.Hour }, now: 160, rates: after(150, 20), want: "possible payment 2"},
		{rule: "than usual", told: []Deployment{deployed}, change: func(c *Case) { c.First = minutesAfter(150) }, now: 160, rates: after(150, 50), want: "no_change"},
		{rule: "it failed as often before", told: alone, rates: rolled(func(time.Time, string) int64 { return 10 }), change: func(c *Case) { c.Known, c.Failing = true, nil }, want: "same_before"},
		{rule: "unless most of what fails is not counted yet", told: alone, rates: rolled(func(time.Time, string) int64 { return 0 }), change: func(c *Case) { c.Known, c.Failing, c.Count = true, nil, 40 }, want: "not_counted"},
		{rule: "by who knows of the old version's calls alone", told: []Deployment{before, deployed}, rates: unheard{rolled(func(time.Time, string) int64 { return 10 }), "2"}, change: func(c *Case) { c.Count = 20 }, want: "not_counted"},
		{rule: "if there are any", told: []Deployment{before, deployed}, rates: unheard{script(func(t time.Time, _ string) Count {
			if t.Before(noon) {
				return Count{Total: 100}
			}
			return Count{}
		}), "2"}, change: func(c *Case) { c.Count = 20 }, want: "not_counted"},
		{rule: "a message that was worded anew is no new failure", rates: rolled(func(time.Time, string) int64 { return 10 }), change: func(c *Case) { c.Count = 600 }, want: "same_before"},
		{rule: "one among many others is", rates: rolled(func(_ time.Time, v string) int64 { return map[string]int64{"1": 10, "2": 20}[v] }), change: func(c *Case) { c.Count = 600 }, now: 60, want: "strong payment 2"},
		{rule: "it fails in the old version, too", rates: after(1, 50), change: func(c *Case) { c.Failing = []string{"1", "2"} }, want: "old_too"},
		{rule: "also where nothing is counted", change: func(c *Case) { c.Failing = []string{"1", "2"} }, want: "old_too"},
		{rule: "it began before", rates: bad, change: func(c *Case) { c.First = minutesAfter(-5) }, want: "began_before"},
		{rule: "clocks may differ a little", rates: bad, change: func(c *Case) { c.First = minutesAfter(-1) }, want: "strong payment 2", says: "1 min before the change was told"},
		{rule: "where the version has it", rates: bad, change: func(c *Case) { c.First = minutesAfter(-1); c.Failing = []string{"1"} }, want: "began_before"},
		{rule: "who tells only of the end has begun before", told: []Deployment{before, {Scope: payment, Version: "2", Time: minutesAfter(6), Status: Succeeded}}, rates: bad, want: "strong payment 2"},
		{rule: "the version was not in what failed", rates: bad, change: func(c *Case) { c.First, c.Failing = minutesAfter(1), []string{"1"} }, want: "not_reached"},
		{rule: "the change was in another region", told: []Deployment{func() Deployment { d := deployed; d.Region = "eu"; return d }()}, rates: bad, change: func(c *Case) { c.Region = "us" }, want: "elsewhere"},
		{rule: "it ran well for long, and something that was seen before came at once", rates: after(43, 50), change: func(c *Case) { c.First, c.Known, c.Failing = minutesAfter(43), true, nil }, now: 55, want: "ran_healthy"},
		{rule: "what grows may run out", rates: rolled(func(t time.Time, _ string) int64 {
			return min(90, max(0, int64(t.Sub(minutesAfter(43))/(10*time.Second))))
		}), change: func(c *Case) { c.First, c.Known = minutesAfter(43), true }, now: 55, want: "possible payment 2", says: "as if something runs out"},
		{rule: "more traffic is reason enough", rates: script(func(t time.Time, v string) Count {
			if t.Before(minutesAfter(43)) {
				return Count{Total: 50}
			}
			return Count{Total: 200, Failed: 50}
		}), change: func(c *Case) { c.First = minutesAfter(43) }, now: 55, want: "more_traffic"},
		{rule: "too few calls tell nothing", rates: script(func(t time.Time, _ string) Count {
			switch t {
			case minutesAfter(1):
				return Count{1, 1}
			case minutesAfter(-5):
				return Count{1, 0}
			}
			return Count{}
		}), change: func(c *Case) { c.Known, c.Failing = true, nil }, want: "too_little"},
		{rule: "a day counts where there are few", rates: script(func(t time.Time, v string) Count {
			if v == "2" && t.After(noon) && t.Sub(noon)%time.Minute == 0 {
				return Count{1, 1}
			}
			return Count{Total: count64(v == "1" && t.Before(noon) && t.Sub(noon)%time.Hour == 0)}
		}), want: "strong payment 2", says: "on the day before"},
		{rule: "without counts a new failure in the new version right after it is likely of it", want: "likely payment 2"},
		{rule: "in what version ever, it is possible", change: func(c *Case) { c.Failing = nil }, want: "possible payment 2"},
		{rule: "and what was seen before is not", change: func(c *Case) { c.Known = true }, want: "nothing_for_it"},
		{rule: "who deploys need not know the namespace", told: []Deployment{{Scope: correlate.Scope{Service: "payment", Environment: "production"}, Version: "2", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, rates: bad, want: "strong payment 2"},
		{rule: "but it is less sure without the environment", told: []Deployment{{Scope: correlate.Scope{Service: "payment"}, Version: "2", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, rates: bad, want: "likely payment 2"},
		{rule: "and another environment is none", told: []Deployment{{Scope: correlate.Scope{Service: "payment", Environment: "staging"}, Version: "2", Time: noon, Status: Succeeded}}, rates: bad, want: "no_history"},
		{rule: "what the operation was calling is to blame", told: []Deployment{{Scope: scopeOf("bank"), Version: "9", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, rates: after(1, 50), change: func(c *Case) { c.Peer = "bank"; c.Failing = []string{"1"} }, want: "likely bank 9", says: "was calling bank"},
		{rule: "and nothing that it was not", told: []Deployment{{Scope: scopeOf("ledger"), Version: "9", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, graph: chain("payment", "ledger"), rates: after(1, 50), change: func(c *Case) { c.Peer = "bank" }, want: "no_history"},
		{rule: "a dependency far away is possible", told: []Deployment{{Scope: scopeOf("ledger"), Version: "9", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, graph: chain("payment", "bank", "ledger"), rates: after(1, 50), want: "possible ledger 9", says: "2 calls away"},
		{rule: "infrastructure is deployed, too", told: []Deployment{{Scope: correlate.Scope{Service: "orders-db", Environment: "production"}, Version: "16.4", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, graph: database, rates: after(1, 50), want: "possible orders-db 16.4"},
		{rule: "unless the traffic grew", told: []Deployment{{Scope: correlate.Scope{Service: "orders-db", Environment: "production"}, Version: "16.4", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, graph: database, rates: script(func(t time.Time, _ string) Count {
			if t.Before(minutesAfter(1)) {
				return Count{Total: 50}
			}
			return Count{Total: 200, Failed: 50}
		}), want: "more_traffic"},
		{rule: "what is put on top of a version has its faults", told: []Deployment{before, deployed, {Scope: payment, Version: "3", Time: minutesAfter(5), Status: Succeeded}}, rates: bad, change: func(c *Case) { c.Failing = []string{"2", "3"} }, now: 20, want: "strong payment 2"},
		{rule: "even if nothing was told of that yet", rates: bad, change: func(c *Case) { c.Failing = []string{"2", "3"} }, now: 20, want: "strong payment 2"},
		{rule: "but what fails in the one on top alone is not of the one below", told: []Deployment{before, deployed, {Scope: payment, Version: "3", Time: minutesAfter(8), Done: minutesAfter(9), Status: Succeeded}}, rates: after(9, 50), change: func(c *Case) { c.First, c.Failing = minutesAfter(9), []string{"3"} }, now: 20, want: "strong payment 3"},
		{rule: "what has run out is started anew, and then there are fewer failures", rates: rolled(func(t time.Time, _ string) int64 {
			return map[int]int64{43: 5, 44: 30, 45: 60, 46: 50, 47: 10}[int(t.Sub(noon)/time.Minute)]
		}), change: func(c *Case) { c.First, c.Known = minutesAfter(43), true }, now: 55, want: "possible payment 2", says: "as if something runs out"},
		{rule: "some calls in a hundred may be of who was away", rates: after(43, 20), change: func(c *Case) { c.First = minutesAfter(43) }, now: 55, want: "possible payment 2"},
		{rule: "every second one is not", rates: after(43, 50), change: func(c *Case) { c.First = minutesAfter(43) }, now: 55, want: "ran_healthy"},
		{rule: "nor are those of all operations at once", rates: ratesFunc(func(q Query) (Count, bool) {
			n, ok := after(43, 20).Count(q)
			if q.Operation == "" {
				n.Total, n.Failed = 5*n.Total, 5*n.Failed
			}
			return n, ok
		}), change: func(c *Case) { c.First = minutesAfter(43) }, now: 55, want: "ran_healthy"},
		{rule: "at its first failure it is too early to tell whether it ran well until then", rates: after(43, 1), change: func(c *Case) { c.First = minutesAfter(43) }, now: 43.2, want: "too_little"},
		{rule: "what comes late has nothing for it where nothing is counted", change: func(c *Case) { c.First = minutesAfter(30) }, now: 40, want: "nothing_for_it"},
		{rule: "what is told at its end may have begun before a failure, but that is less sure", told: []Deployment{before, {Scope: payment, ID: "7", Name: "limits", Time: minutesAfter(10), Status: Succeeded}}, rates: bad, change: func(c *Case) { c.Failing = nil }, want: "likely payment "},
		{rule: "and of what was seen before there is nothing left", told: []Deployment{before, {Scope: payment, ID: "7", Name: "limits", Time: minutesAfter(10), Status: Succeeded}}, rates: bad, change: func(c *Case) { c.Failing, c.Known = nil, true }, want: "began_before"},
		{rule: "a dependency far away that is well itself is not to blame", told: []Deployment{{Scope: scopeOf("ledger"), Version: "9", Time: noon, Done: minutesAfter(2), Status: Succeeded}}, graph: chain("payment", "bank", "ledger"), rates: ratesFunc(func(q Query) (Count, bool) {
			if q.Scope.Service == "ledger" {
				return Count{Total: 1000, Failed: 1}, true
			}
			return after(1, 50).Count(q)
		}), want: "nothing_for_it"},
		{rule: "it ran well for long, but the failures went with it", told: []Deployment{before, deployed, {Scope: payment, Version: "1", Time: minutesAfter(60), Status: Succeeded}}, change: func(c *Case) { c.First, c.Known = minutesAfter(43), true }, now: 90, rates: rolled(func(t time.Time, _ string) int64 {
			if t.After(minutesAfter(43)) && t.Before(minutesAfter(61)) {
				return 50
			}
			return 0
		}), want: "confirmed payment 2"},
		{rule: "failures that went before it was undone did not go with it", told: []Deployment{before, deployed, {Scope: payment, Version: "1", Time: minutesAfter(30), Status: Succeeded}}, now: 60, rates: rolled(func(t time.Time, _ string) int64 {
			if t.After(minutesAfter(1)) && t.Before(minutesAfter(21)) {
				return 50
			}
			return 0
		}), want: "strong payment 2", says: "fewer before it was undone"},
		{rule: "it helped to undo it", told: []Deployment{before, deployed, {Scope: payment, Version: "1", Time: minutesAfter(20), Status: Succeeded}}, now: 40, rates: rolled(func(t time.Time, _ string) int64 {
			if t.After(minutesAfter(1)) && t.Before(minutesAfter(21)) {
				return 50
			}
			return 0
		}), want: "confirmed payment 2", says: "it was undone, and that helped"},
		{rule: "it did not help", told: []Deployment{before, deployed, {Scope: payment, Version: "1", Time: minutesAfter(20), Status: Succeeded}}, now: 40, rates: after(1, 50), want: "possible payment 2", says: "that did not help"},
		{rule: "and then little is left of what was only possible", told: []Deployment{before, deployed, {Scope: payment, Version: "1", Time: minutesAfter(60), Status: Succeeded}}, change: func(c *Case) { c.First = minutesAfter(43) }, now: 90, rates: after(43, 20), want: "did_not_help"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			of := base
			if c.change != nil {
				c.change(&of)
			}
			if c.told == nil {
				c.told = []Deployment{before, deployed}
			}
			if c.now == 0 {
				c.now = 10
			}
			v := Suspects(of, NewHistory(c.told...), c.graph, c.rates, minutesAfter(c.now))
			got := string(v.Reason)
			if len(v.Suspects) > 0 {
				s := v.Suspects[0]
				require.Empty(t, v.Reason)
				got = fmt.Sprintf("%s %s %s", s.Class, s.Deployment.Scope.Service, s.Deployment.Version)
				if c.says != "" {
					require.Contains(t, sketch(v), c.says)
				}
			} else {
				require.NotEqual(t, string(v.Reason), v.Reason.Text(), "each reason has words")
			}
			require.Equal(t, c.want, got, sketch(v))
		})
	}
}

func count64(b bool) int64 { return int64(count(b)) }

// chain returns a graph in which each calls the next.
func chain(services ...string) *Graph {
	g := &Graph{}
	for i, s := range services[1:] {
		g.Add(scopeOf(services[i]), Peer{Scope: scopeOf(s)})
	}
	return g
}

func sketch(v Verdict) (s string) {
	for _, u := range v.Suspects {
		s += fmt.Sprintf("\n%s %s distance %d", u.Class, u.Deployment, u.Distance)
		for _, e := range u.Evidence {
			s += "; " + e.Text
		}
	}
	for _, c := range v.Cleared {
		s += fmt.Sprintf("\ncleared %s distance %d: %s", c.Deployment, c.Distance, c.Reason)
	}
	return s
}

// A canary at 5 % of the traffic is found within 30 failing requests, though all
// calls together hardly fail more often.
func TestCanaryIsFoundWithinThirtyFailures(t *testing.T) {
	var log []struct {
		at      time.Time
		version string
		failed  bool
	}
	failures := 0
	at := noon
	for i := 0; failures < 30; i++ {
		at = at.Add(250 * time.Millisecond)
		e := struct {
			at      time.Time
			version string
			failed  bool
		}{at, "1", i%97 == 0} // what fails always
		if i%20 == 7 {
			e.version, e.failed = "2", i%3 != 0
		}
		failures += count(e.failed && e.version == "2")
		log = append(log, e)
	}
	rates := ratesFunc(func(q Query) (n Count, ok bool) {
		for _, e := range log {
			if (q.Version == "" || q.Version == e.version) && !e.at.Before(q.From) && e.at.Before(q.To) {
				n.Total++
				n.Failed += count64(e.failed)
			}
		}
		return n, true
	})
	h := NewHistory(Deployment{Scope: payment, Version: "1", Time: noon.AddDate(0, 0, -1), Status: Succeeded}, Deployment{Scope: payment, Version: "2", Time: noon, Status: Started})
	c := Case{Scope: payment, Operation: "POST /pay", First: minutesAfter(0.1), Known: true}
	v := Suspects(c, h, nil, rates, at)
	require.Len(t, v.Suspects, 1, sketch(v))
	require.Equal(t, Strong, v.Suspects[0].Class)
	require.Contains(t, sketch(v), "side by side, 2 failed in 28 of 43 (65 %) calls, and 1 in 9 of 821 (1.1 %)")
}

type ratesFunc func(Query) (Count, bool)

func (f ratesFunc) Count(q Query) (Count, bool) { return f(q) }

// Whatever rates answer, the verdict is one: never a panic, never both suspects and a
// reason, never more than is asked beforehand.
func TestSuspectsOfAnyCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := messages().Draw(t, "told")
		c := Case{
			Scope: payment, Operation: "POST /pay", First: minutesAfter(float64(rapid.IntRange(-10, 220).Draw(t, "first"))),
			Known: rapid.Bool().Draw(t, "known"), Count: rapid.Int64Range(-1, 1000).Draw(t, "count"),
			Failing: rapid.SliceOfN(rapid.SampledFrom([]string{"", "1", "2", "3"}), 0, 3).Draw(t, "failing"),
			Region:  rapid.SampledFrom([]string{"", "eu", "us"}).Draw(t, "region"),
		}
		h, now := NewHistory(told...), minutesAfter(float64(rapid.IntRange(-20, 400).Draw(t, "now")))
		asked := map[Query]bool{}
		for _, q := range Questions(c, h, nil, now) {
			require.True(t, q.To.After(q.From))
			asked[q] = true
		}
		answers := map[Query]Count{}
		rates := ratesFunc(func(q Query) (Count, bool) {
			require.True(t, asked[q], "%v was not among the questions", q)
			if _, ok := answers[q]; !ok {
				answers[q] = Count{Total: rapid.Int64Range(-5, 1<<40).Draw(t, "total"), Failed: rapid.Int64Range(-5, 1<<20).Draw(t, "failed")}
			}
			return answers[q], true
		})
		v := Suspects(c, h, nil, rates, now)
		require.Equal(t, v, Suspects(c, h, nil, rates, now), "it is pure")
		require.Equal(t, len(v.Suspects) == 0, v.Reason != "")
		require.LessOrEqual(t, len(v.Suspects), maxSuspects)
		for i, s := range v.Suspects {
			require.NotZero(t, s.Class.rank())
			require.NotEmpty(t, s.Evidence)
			require.False(t, strings.Contains(fmt.Sprint(s), "NaN") || strings.Contains(fmt.Sprint(s), "Inf"))
			require.True(t, i == 0 || s.Class.rank() <= v.Suspects[i-1].Class.rank())
		}
	})
}

func BenchmarkSuspects(b *testing.B) {
	const services, each = 1000, 10
	g := &Graph{}
	var told []Deployment
	name := func(i int) correlate.Scope { return scopeOf(fmt.Sprintf("service-%d", i%services)) }
	for i := range services {
		for j := range 5 {
			g.Add(name(i), Peer{Scope: name(i*7 + j + 1)})
		}
		for j := range each {
			at := noon.Add(time.Duration(i%60)*time.Minute - time.Duration(j)*12*time.Hour)
			told = append(told, Deployment{Scope: name(i), Version: fmt.Sprintf("1.%d.0", each-j), Revision: fmt.Sprintf("%040x", i*each+j), Time: at, Status: Succeeded})
		}
	}
	h := NewHistory(told...)
	require.Equal(b, services*each, h.Len())
	c := Case{Scope: name(500), Operation: "GET /", First: minutesAfter(60), Failing: []string{"1.10.0"}}
	rates := ratesFunc(func(q Query) (Count, bool) {
		if q.From.Before(minutesAfter(50)) {
			return Count{1000, 3}, true
		}
		return Count{1000, 200}, true
	})
	b.ReportAllocs()
	for b.Loop() {
		Suspects(c, h, g, rates, minutesAfter(70))
	}
}
