package deployment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

func TestAnswer(t *testing.T) {
	now := minutesAfter(30)
	first := Suspect{
		Deployment: Deployment{Scope: payment, Version: "2.3.1", Revision: fullSHA, ID: "run-7", Time: noon, By: "alice", Changelog: "https://git.example/2.3.1", Rollback: "helm rollback payment 41"},
		Class:      Strong, Delay: time.Minute, Before: Count{Total: 100, Failed: 1}, After: Count{Total: 90, Failed: 30}, Ratio: 33.3,
		Evidence: []Evidence{{For: false, Text: "it runs well elsewhere"}, {For: true, Text: "failures began"}},
		Undone:   minutesAfter(20), Unhelped: true,
	}
	second := first
	second.Deployment.Version, second.Class = "2.3.0", Possible
	got := Verdict{Suspects: []Suspect{first, second}}.Answer(now)
	require.Equal(t, correlate.Suspect{
		Scope: payment, Version: "2.3.1", Revision: fullSHA, ID: "run-7", Time: noon, Undone: minutesAfter(20), By: "alice",
		Changelog: "https://git.example/2.3.1", Rollback: "helm rollback payment 41", Class: "strong", Means: Strong.Text(), Unhelped: true, Delay: time.Minute,
		Before: correlate.Share{Failed: 1, Requests: 100}, After: correlate.Share{Failed: 30, Requests: 90}, Ratio: 33.3,
		Evidence: []string{"failures began", "but it runs well elsewhere"},
	}, got.Ranked[0])
	require.Empty(t, got.Ranked[1].Rollback, "of the others there is a line each")
	require.Empty(t, got.Ranked[1].Evidence)
	require.Equal(t, now, got.Asked)
	require.Empty(t, got.Reason)

	cleared := Verdict{Reason: SameBefore, Cleared: []Cleared{{Deployment: first.Deployment, Reason: SameBefore}}}
	require.Equal(t, correlate.Suspects{Asked: now, Reason: "it failed about as often before the change (payment 2.3.1)"}, cleared.Answer(now))
	require.Equal(t, "nothing was deployed shortly before", Verdict{Reason: NoChange}.Answer(now).Reason)
}

func TestChanged(t *testing.T) {
	h := NewHistory(
		Deployment{Scope: payment, Version: "1", Time: noon, Done: minutesAfter(5), Status: Succeeded},
		Deployment{Scope: payment, Version: "1", Time: minutesAfter(20), Status: RolledBack},
		Deployment{Scope: scopeOf("cart"), Version: "9", Time: minutesAfter(25)},
	)
	for _, test := range []struct {
		rule   string
		minute float64
		want   time.Time
	}{
		{"before the first nothing is known", -1, time.Time{}},
		{"while it goes on it is when it began", 3, noon},
		{"then when it was done", 19, minutesAfter(5)},
		{"then when it was rolled back", 60, minutesAfter(20)},
	} {
		require.Equal(t, test.want, h.Changed(payment, minutesAfter(test.minute)), test.rule)
	}
	require.Zero(t, (*History)(nil).Changed(payment, noon))
}

// What is read of a few services is what reading all would have found.
func TestRefreshOf(t *testing.T) {
	store := new(correlate.Memory)
	ctx := t.Context()
	writer, reader := NewTracker(Config{Store: store}), NewTracker(Config{Store: store})
	require.NoError(t, reader.RefreshOf(ctx, []correlate.Scope{payment}, noon))
	require.Nil(t, reader.History(), "it begins with all")
	require.NoError(t, reader.Refresh(ctx, noon))
	learnt := reader.Learnt()
	for i, scope := range []correlate.Scope{payment, scopeOf("cart"), payment} {
		at := minutesAfter(float64(40 * i))
		require.NoError(t, writer.Note(ctx, Deployment{Scope: scope, Version: string(rune('1' + i)), Revision: fullSHA, Time: at}, at))
		require.NoError(t, reader.RefreshOf(ctx, []correlate.Scope{payment, scopeOf("bank")}, at))
	}
	now := minutesAfter(90)
	require.Len(t, reader.History().Of(payment), 2)
	require.Empty(t, reader.History().Of(scopeOf("cart")), "nobody asked for it")
	require.Equal(t, learnt+2, reader.Learnt())
	require.Len(t, reader.History().sameRevision(fullSHA), 2)
	before := reader.History()
	require.NoError(t, reader.RefreshOf(ctx, []correlate.Scope{scopeOf("cart")}, now))
	require.Equal(t, 2, before.Len(), "a history is never changed")
	require.NoError(t, writer.Refresh(ctx, now))
	require.True(t, writer.History().same(reader.History()))
	require.Equal(t, writer.History().revisions, reader.History().revisions)
	require.Positive(t, writer.Stats().Read)
}
