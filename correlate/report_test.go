package correlate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func TestReport(t *testing.T) {
	scope := correlate.Scope{Service: "checkout"}
	answers := correlate.Answers{Severity: "error", Quiet: time.Hour, Threshold: correlate.Threshold{Count: 1, Within: time.Minute}}
	member := func(id string, count int64, minutes int) correlate.Member {
		return correlate.Member{ID: id, Title: "title of " + id, Rule: "errors", Count: count, First: policyStart, Last: policyStart.Add(time.Duration(minutes) * time.Minute)}
	}
	list := func(p correlate.Problem, minutes int, want correlate.Change, members ...correlate.Member) correlate.Problem {
		t.Helper()
		news := correlate.News{Members: members, Count: 1}
		next, change := p.List(scope, correlate.ReportBudget, news, answers, policyStart.Add(time.Duration(minutes)*time.Minute))
		require.Equal(t, want, change)
		return next
	}
	p := list(correlate.Problem{}, 0, correlate.ChangeOpened, member("b", 3, 0), member("a", 2, 0))
	require.Equal(t, correlate.ReportKey(scope, correlate.ReportBudget), correlate.Key{Scope: p.Scope, Kind: correlate.KindProblem, ID: p.ID})
	require.NotEqual(t, p.ID, correlate.ReportKey(scope, correlate.ReportKnown).ID)
	require.Equal(t, int64(1), p.Count)
	require.Equal(t, "a", p.Members[0].ID, "ordered by the first occurrence, and name")

	p = list(p, 0, correlate.ChangeCounted, member("a", 7, 0))
	require.Len(t, p.Members, 2, "a member is listed once")
	require.Equal(t, int64(2), p.Count)
	p = list(p, 1, correlate.ChangeUpdated, member("c", 1, 1))
	require.Equal(t, policyStart.Add(time.Minute), p.LastSeen)

	p = p.Unlist("b")
	require.Len(t, p.Members, 2)
	require.Equal(t, int64(2), p.Total)

	_, change := p.Quieten(policyStart.Add(60 * time.Minute))
	require.Equal(t, correlate.ChangeNone, change)
	p, change = p.Quieten(policyStart.Add(61 * time.Minute))
	require.Equal(t, correlate.ChangeResolved, change)
	p = list(p, 90, correlate.ChangeReopened, member("d", 1, 90))
	require.Equal(t, []correlate.Member{member("d", 1, 90)}, p.Members, "what comes back lists what is new")
}

func TestReportIsBounded(t *testing.T) {
	var p correlate.Problem
	const n = 1000
	for i := range n {
		m := correlate.Member{ID: fmt.Sprintf("%04d", i), Count: int64(i), First: policyStart, Last: policyStart}
		p, _ = p.List(correlate.Scope{}, correlate.ReportKnown, correlate.News{Members: []correlate.Member{m}, Added: 1, Count: 2}, correlate.Answers{}, policyStart)
	}
	require.Len(t, p.Members, 300)
	require.Equal(t, int64(n-300), p.Others())
	require.Equal(t, int64(2*n), p.Count)
	require.Equal(t, "0700", p.Members[0].ID, "those that come most often are listed")
}

func TestAdopt(t *testing.T) {
	store := new(correlate.Memory)
	scope := correlate.Scope{Service: "checkout"}
	began, err := correlate.Adopt(t.Context(), store, scope, policyStart)
	require.NoError(t, err)
	require.Equal(t, policyStart, began)
	began, err = correlate.Adopt(t.Context(), store, scope, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, policyStart.Equal(began), "a restart does not begin anew")
	began, err = correlate.Adopt(t.Context(), store, correlate.Scope{Service: "payment"}, policyStart.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, policyStart.Add(time.Hour), began)
	for _, bad := range []correlate.Record{{Version: 99, Data: []byte("{}")}, {Version: 1, Data: []byte("x")}} {
		require.NoError(t, store.Update(t.Context(), correlate.Key{Scope: scope, Kind: correlate.KindAdoption, ID: "adoption"},
			func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) { return bad, nil, nil }))
		_, err = correlate.Adopt(t.Context(), store, scope, policyStart)
		require.ErrorAs(t, err, new(*correlate.FormatError))
	}
}

func TestShared(t *testing.T) {
	member := func(id, operation, dependency string, count int64) correlate.Member {
		return correlate.Member{ID: id, Operation: operation, Dependency: dependency, ServiceVersion: "1.4.0", Count: count}
	}
	for _, test := range []struct {
		rule    string
		members []correlate.Member
		want    []correlate.Shared
	}{
		{"nothing is shared by one", []correlate.Member{member("a", "GET /a", "redis cache", 1)}, nil},
		{
			"most first, with their occurrences",
			[]correlate.Member{member("a", "GET /a", "redis cache", 1), member("b", "GET /b", "redis cache", 2), member("c", "GET /b", "", 4)},
			[]correlate.Shared{
				{What: "version", Value: "1.4.0", Problems: 3, Count: 7},
				{What: "operation", Value: "GET /b", Problems: 2, Count: 6},
				{What: "dependency", Value: "redis cache", Problems: 2, Count: 3},
			},
		},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := correlate.Problem{Members: test.members}.Shared()
			require.Len(t, got, len(test.want))
			for i := range test.want {
				require.Equal(t, test.want[i], got[i])
			}
		})
	}

	var few []correlate.Member
	for i := range 9 {
		few = append(few, member(fmt.Sprint(i), fmt.Sprintf("GET /%d", i/2), "", 1))
	}
	require.Len(t, correlate.Problem{Members: few}.Shared(), 1, "what a few share says nothing")
}

func TestGroups(t *testing.T) {
	member := func(id, operation, dependency, version string, count int64) correlate.Member {
		return correlate.Member{ID: id, Operation: operation, Dependency: dependency, ServiceVersion: version, Count: count}
	}
	for _, test := range []struct {
		rule    string
		members []correlate.Member
		want    []string
	}{
		{"nobody", nil, nil},
		{"nothing in common", []correlate.Member{member("a", "GET /a", "", "", 1), member("b", "GET /b", "redis cache", "", 2)}, []string{" : a b, 3"}},
		{"one cause", []correlate.Member{member("a", "GET /a", "redis cache", "1", 1), member("b", "GET /b", "redis cache", "1", 2)}, []string{"dependency redis cache: a b, 3"}},
		{
			"the largest first, the rest last, each once",
			[]correlate.Member{
				member("a", "GET /a", "redis cache", "", 1), member("b", "GET /b", "", "", 50), member("c", "GET /c", "redis cache", "", 1),
				member("d", "GET /d", "redis cache", "", 1), member("e", "GET /a", "", "", 2), member("f", "GET /a", "", "", 3),
				member("g", "GET /g", "redis cache", "", 1),
			},
			[]string{"dependency redis cache: a c d g, 4", "operation GET /a: e f, 5", " : b, 50"},
		},
		{
			"a version of what is left, unless all have it",
			[]correlate.Member{
				member("a", "GET /a", "redis cache", "2", 1), member("b", "GET /b", "redis cache", "1", 1), member("c", "GET /c", "", "2", 1),
				member("d", "GET /d", "", "2", 1), member("e", "GET /e", "", "2", 1),
			},
			[]string{"version 2: c d e, 3", "dependency redis cache: a b, 2"},
		},
		{"the version of all says nothing", []correlate.Member{member("a", "GET /a", "", "1", 1), member("b", "GET /b", "", "1", 1)}, []string{" : a b, 2"}},
	} {
		var got []string
		for _, g := range (correlate.Problem{Members: test.members}).Groups() {
			s := g.What + " " + g.Value + ":"
			for _, m := range g.Members {
				s += " " + m.ID
			}
			require.Len(t, g.Members, g.Problems, test.rule)
			got = append(got, fmt.Sprint(s, ", ", g.Count))
		}
		require.Equal(t, test.want, got, test.rule)
	}
}

// Whatever members have in common, each is in one group, and there are few groups.
func TestGroupsHaveAllOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p correlate.Problem
		var count int64
		some := func(what string) string {
			return rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}).Draw(t, what)
		}
		for i := range rapid.IntRange(0, 100).Draw(t, "members") {
			m := correlate.Member{ID: fmt.Sprint(i), Operation: some("operation"), Dependency: some("dependency"), ServiceVersion: some("version"), Count: rapid.Int64Range(0, 9).Draw(t, "count")}
			p.Members = append(p.Members, m)
			count += m.Count
		}
		groups := p.Groups()
		require.LessOrEqual(t, len(groups), 9)
		var members []correlate.Member
		for i, g := range groups {
			members = append(members, g.Members...)
			count -= g.Count
			require.Len(t, g.Members, g.Problems)
			if g.What == "" {
				require.Equal(t, len(groups)-1, i)
			} else if i > 0 {
				require.LessOrEqual(t, g.Problems, groups[i-1].Problems)
			}
		}
		require.ElementsMatch(t, p.Members, members)
		require.Zero(t, count)
	})
}
