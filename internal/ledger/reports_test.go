package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/coalesce"
)

// other makes a batch of another problem for each name.
func (b *books) other(name string) coalesce.Batch {
	return b.batch(1, func(o *correlate.Occurrence) { o.Operation = "GET /" + name })
}

// A process that is started again and again does not file more for it, and finds
// what the one before held.
func TestBudgetsOutliveTheProcess(t *testing.T) {
	store := new(correlate.Memory)
	rule := celrule.Rule{Budget: 2, Title: "it fails"}
	first := open(t, store, rule, "jira")
	for i, want := range []correlate.Change{correlate.ChangeOpened, correlate.ChangeOpened, correlate.ChangeHeld, correlate.ChangeHeld} {
		require.Equal(t, want, first.apply(first.other(string(rune('a'+i)))))
	}
	require.Equal(t, 2, first.Held())
	// It ends before the ticket for many is written.

	second := open(t, store, rule, "jira")
	second.Join(checkout)
	second.now = start.Add(time.Minute)
	_, err := second.Sweep(t.Context(), second.now)
	require.NoError(t, err)
	require.Equal(t, 2, second.Held())
	report := second.problem(correlate.ReportKey(checkout, correlate.ReportBudget))
	require.Len(t, report.Members, 2, "what the report lacked is in it now")
	require.Equal(t, "it fails", report.Members[0].Title)
	require.Equal(t, correlate.ChangeHeld, second.apply(second.other("e")), "the tickets of the run before count")
	require.Equal(t, []string{"open jira", "open jira", "open jira"}, due(t, store, second.now, "jira"), "two problems, and one for the others")

	second.now = start.Add(2 * time.Hour)
	require.Equal(t, correlate.ChangeOpened, second.apply(second.other("f")), "after an hour there is room again")
}

func TestAReportIsToldAgainWhenTheStoreIsBack(t *testing.T) {
	store := &broken{Store: new(correlate.Memory)}
	b := open(t, store, celrule.Rule{Mode: "live", Budget: 1}, "jira", "slack")
	b.apply(b.other("a"))
	b.apply(b.other("b"))
	store.update = true
	require.ErrorContains(t, b.Report(t.Context(), b.now), "report budget of checkout")
	store.update = false
	require.NoError(t, b.Report(t.Context(), b.now))
	report := b.problem(correlate.ReportKey(checkout, correlate.ReportBudget))
	require.Len(t, report.Members, 1)
	require.Equal(t, int64(1), report.Count, "and counted once")
	require.NoError(t, b.Report(t.Context(), b.now), "there is nothing more to tell")
	require.Equal(t, report.Count, b.problem(correlate.ReportKey(checkout, correlate.ReportBudget)).Count)
}

func TestApproveTakesItOffTheList(t *testing.T) {
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{Budget: 1}, "jira")
	b.apply(b.other("a"))
	held := b.other("b")
	require.Equal(t, correlate.ChangeHeld, b.apply(held))
	require.NoError(t, b.Report(t.Context(), b.now))
	require.ErrorIs(t, b.Approve(t.Context(), b.other("c").Key(), "ann", b.now), ErrNotHeld)
	require.NoError(t, b.Approve(t.Context(), held.Key(), "ann", b.now))
	require.Empty(t, b.problem(correlate.ReportKey(checkout, correlate.ReportBudget)).Members)
	require.Equal(t, correlate.ChangeCounted, b.apply(b.other("b")), "it has its ticket")
	require.Zero(t, b.Held())
}

func TestShadowAndAdoption(t *testing.T) {
	store := new(correlate.Memory)
	b := open(t, store, celrule.Rule{}, "jira")
	b.Shadow = true
	require.Equal(t, correlate.ChangeHeld, b.apply(b.other("a")))
	require.Empty(t, due(t, store, b.now, "jira"))

	b.Shadow, b.Adopt = false, time.Hour
	require.Equal(t, correlate.ChangeHeld, b.apply(b.other("b")))
	require.Equal(t, correlate.Known, b.problem(b.other("b").Key()).Hold)
	again := open(t, store, celrule.Rule{}, "jira")
	again.Adopt, again.now = time.Hour, start.Add(61*time.Minute)
	require.Equal(t, correlate.ChangeOpened, again.apply(again.other("c")), "the hour began with the process before")
}

// A record that cannot be read keeps nothing waiting.
func TestAnAdoptionThatCannotBeRead(t *testing.T) {
	store := new(correlate.Memory)
	require.NoError(t, store.Update(t.Context(), correlate.Key{Scope: checkout, Kind: correlate.KindAdoption, ID: "adoption"},
		func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{Version: 99, Data: []byte("{}")}, nil, nil
		}))
	b := open(t, store, celrule.Rule{}, "jira")
	b.Adopt = time.Hour
	require.Equal(t, correlate.ChangeOpened, b.apply(b.other("a")))
	require.Equal(t, correlate.ChangeOpened, b.apply(b.other("b")))
	require.Equal(t, 1, strings.Count(b.log.String(), "since when a service is watched"))
}
