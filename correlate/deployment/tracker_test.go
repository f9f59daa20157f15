package deployment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// durable is a store that outlives what uses it.
type durable struct{ *correlate.Memory }

func newDurable() durable { return durable{&correlate.Memory{}} }

// fleet is what runs of a service: processes that say so each minute.
type fleet struct {
	t     require.TestingT
	store correlate.Store
	now   time.Time
	runs  map[string]bool
}

func newFleet(t require.TestingT) *fleet {
	return &fleet{t: t, store: newDurable(), now: noon, runs: map[string]bool{}}
}

// pass lets minutes pass.
func (f *fleet) pass(minutes int) {
	for range minutes {
		for version := range f.runs {
			f.seen(version)
		}
		f.now = f.now.Add(time.Minute)
	}
}

func (f *fleet) seen(version string) {
	// Each replica has a tracker of its own.
	err := NewTracker(Config{Store: f.store}).Seen(context.Background(), attrs("service.name", "payment", "service.namespace", "shop",
		"deployment.environment.name", "production", "service.version", version), f.now)
	require.NoError(f.t, err)
}

func (f *fleet) history() []string {
	t := NewTracker(Config{Store: f.store})
	require.NoError(f.t, t.Refresh(context.Background(), f.now))
	var out []string
	for _, d := range t.History().Of(payment) {
		out = append(out, describe(d))
	}
	return out
}

func TestSeen(t *testing.T) {
	for _, c := range []struct {
		rule string
		runs func(*fleet)
		want []string
	}{
		{"the first version tells of no deployment", func(f *fleet) {
			f.runs["1"] = true
			f.pass(60)
		}, nil},
		{"a new one does, from its first process to the last of the old one", func(f *fleet) {
			f.runs["1"] = true
			f.pass(10)
			f.runs["2"] = true
			f.pass(5)
			delete(f.runs, "1")
			f.pass(10)
		}, []string{"2 12:10-12:14 succeeded after 1"}},
		{"it goes on while old ones run", func(f *fleet) {
			f.runs["1"] = true
			f.pass(10)
			f.runs["2"] = true
			f.pass(60)
		}, []string{"2 12:10- started after 1"}},
		{"a version that stops and starts again is no change", func(f *fleet) {
			f.runs["1"] = true
			f.pass(10)
			delete(f.runs, "1")
			f.pass(500)
			f.runs["1"] = true
			f.pass(10)
		}, nil},
		{"an older version that is seen again is a rollback", func(f *fleet) {
			f.runs["1"] = true
			f.pass(10)
			delete(f.runs, "1")
			f.runs["2"] = true
			f.pass(30)
			delete(f.runs, "2")
			f.runs["1"] = true
			f.pass(10)
		}, []string{"2 12:10-12:10 succeeded after 1", "1 12:40-12:40 succeeded after 2 back"}},
		{"and the newer one after that is none", func(f *fleet) {
			for _, version := range []string{"1", "2", "1", "2"} {
				clear(f.runs)
				f.runs[version] = true
				f.pass(30)
			}
		}, []string{"2 12:30-12:30 succeeded after 1", "1 13:00-13:00 succeeded after 2 back", "2 13:30-13:30 succeeded after 1"}},
		{"so is a canary that goes, while the old version goes on", func(f *fleet) {
			f.runs["1"] = true
			f.pass(10)
			f.runs["2"] = true
			f.pass(5)
			delete(f.runs, "2")
			f.pass(10)
		}, []string{"2 12:10- started after 1", "1 12:14-12:14 succeeded after 2 back"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := newFleet(t)
			c.runs(f)
			require.Equal(t, c.want, f.history())
		})
	}
}

func TestAStoreInMemoryHasNoHistory(t *testing.T) {
	tracker := NewTracker(Config{Store: &correlate.Memory{}})
	require.True(t, tracker.Forgets())
	require.ErrorIs(t, tracker.Seen(t.Context(), attrs("service.name", "payment", "service.version", "1"), noon), ErrNoHistory)
	require.NoError(t, tracker.Note(t.Context(), Deployment{Scope: payment, Version: "2"}, noon), "what is told while it runs is known all the same")
	require.NoError(t, tracker.Refresh(t.Context(), noon))
	require.Equal(t, 1, tracker.History().Len())
}

func TestSightingsDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) presence {
			at := noon.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "minute")) * time.Minute)
			return presence{Version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"), From: at, To: at}
		}), 1, 30).Draw(t, "sightings")
		var p, q []presence
		for _, s := range all {
			p = sight(p, s)
		}
		for _, s := range rapid.Permutation(all).Draw(t, "order") {
			q = sight(sight(q, s), s)
		}
		require.Equal(t, p, q)
	})
}

func TestReplicasShareOneHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := messages().Draw(t, "told")
		store := newDurable()
		trackers := []*Tracker{NewTracker(Config{Store: store}), NewTracker(Config{Store: store})}
		now := noon.Add(200 * time.Minute)
		for i, d := range append(told, told...) {
			if d.Version+d.Revision+d.ID+d.Name == "" {
				continue
			}
			require.NoError(t, trackers[i%2].Note(context.Background(), d, now))
		}
		for _, tracker := range trackers {
			require.NoError(t, tracker.Refresh(context.Background(), now))
			require.Equal(t, NewHistory(told...).Of(payment), tracker.History().Of(payment))
		}
	})
}

func TestAThousandAMinute(t *testing.T) {
	store := newDurable()
	tracker := NewTracker(Config{Store: store})
	refused := 0
	for i := range 1000 {
		scope := payment
		scope.Service = fmt.Sprintf("service-%d", i%20)
		if err := tracker.Note(t.Context(), Deployment{Scope: scope, Version: fmt.Sprint(i)}, noon); err != nil {
			require.ErrorIs(t, err, ErrTooMany)
			refused++
		}
	}
	require.Equal(t, 760, refused)
	require.Equal(t, Stats{Noted: 240, TooMany: 760}, tracker.Stats())
	require.NoError(t, tracker.Note(t.Context(), Deployment{Scope: payment, Version: "2"}, noon.Add(time.Minute)), "the next minute is another")

	other := NewTracker(Config{Store: store})
	refused = 0
	for i := range 1000 {
		if other.Note(t.Context(), Deployment{Scope: payment, Version: fmt.Sprint(i)}, noon) != nil {
			refused++
		}
	}
	require.Equal(t, 940, refused, "one service leaves room for others")
}

func TestTheHistoryOfAServiceIsBounded(t *testing.T) {
	tracker := NewTracker(Config{Store: newDurable(), PerMinute: 1 << 20})
	for i := range 300 {
		d := Deployment{Scope: payment, Version: fmt.Sprintf("2.0.%d", i), Name: strings.Repeat("n", 500), Time: noon.Add(time.Duration(i) * time.Minute)}
		require.NoError(t, tracker.Note(t.Context(), d, d.Time))
	}
	now := noon.Add(300 * time.Minute)
	require.NoError(t, tracker.Refresh(t.Context(), now))
	all := tracker.History().Of(payment)
	require.Len(t, all, maxTold)
	require.Equal(t, "2.0.299", all[len(all)-1].Version, "the newest are kept")

	records, err := tracker.config.Store.List(t.Context(), correlate.Page{Kind: KindDeployment, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Less(t, len(records[0].Data), 2*maxToldBytes)
	require.Equal(t, now.Add(-time.Minute+defaultKeep), records[0].Expires)
}

func TestWhatANewerProgramWroteStays(t *testing.T) {
	store := newDurable()
	put := func(kind correlate.Kind, id string, version int, data string) {
		require.NoError(t, store.Update(t.Context(), correlate.Key{Scope: payment, Kind: kind, ID: id}, func(correlate.Record, bool) (correlate.Record, []correlate.Delivery, error) {
			return correlate.Record{Version: version, Data: []byte(data)}, nil, nil
		}))
	}
	got := func(kind correlate.Kind) string {
		records, err := store.List(t.Context(), correlate.Page{Kind: kind, Max: 1})
		require.NoError(t, err)
		return string(records[0].Data)
	}
	const scope = `"scope":{"namespace":"shop","service":"payment","environment":"production"`
	put(KindDeployment, pastID, pastVersion, `{"freezes":[1],"told":[{`+scope+`,"x":1},"version":"1","time":"2026-03-02T11:00:00Z","status":"succeeded","risk":0.5}],
		"presences":[{"version":"1","from":"2026-03-02T11:00:00Z","to":"2026-03-02T11:58:00Z","zone":"a"}]}`)
	tracker := NewTracker(Config{Store: store})
	require.NoError(t, tracker.Note(t.Context(), Deployment{Scope: payment, Version: "2", Time: noon}, noon))
	require.NoError(t, tracker.Seen(t.Context(), attrs("service.name", "payment", "service.namespace", "shop", "deployment.environment.name", "production", "service.version", "1"), noon))
	require.JSONEq(t, `{"freezes":[1],"told":[{`+scope+`,"x":1},"version":"1","time":"2026-03-02T11:00:00Z","status":"succeeded","risk":0.5},
		{`+scope+`},"version":"2","time":"2026-03-02T12:00:00Z","status":"succeeded"}],
		"presences":[{"version":"1","from":"2026-03-02T11:00:00Z","to":"2026-03-02T12:00:00Z","zone":"a"}]}`, got(KindDeployment))

	put(KindDependency, dependencyID, dependencyVersion, `{"x":1,"peers":[{"scope":{"service":"bank","environment":"production"},"seen":"2026-03-02T11:00:00Z","calls":7}]}`)
	g := &Graph{}
	g.See(payment, Peer{Scope: correlate.Scope{Service: "bank"}}, noon)
	require.NoError(t, tracker.Share(t.Context(), g, noon))
	require.JSONEq(t, `{"x":1,"peers":[{"scope":{"service":"bank","environment":"production"},"seen":"2026-03-02T12:00:00Z","calls":7}]}`, got(KindDependency))

	write := func(version int, data string) { put(KindDeployment, pastID, version, data) }
	for _, damaged := range []struct {
		version int
		data    string
	}{{pastVersion + 1, `{}`}, {pastVersion, `{"told":7}`}, {pastVersion, `[`}} {
		write(damaged.version, damaged.data)
		require.ErrorAs(t, tracker.Note(t.Context(), Deployment{Scope: payment, Version: "3"}, noon), new(*correlate.FormatError))
		require.NoError(t, tracker.Refresh(t.Context(), noon))
		require.Equal(t, int64(1), tracker.Stats().Damaged)
		require.Zero(t, tracker.History().Len())
	}
}

// away is a store that cannot be reached.
type away struct{ correlate.Store }

var errAway = errors.New("connection refused")

func (away) Update(context.Context, correlate.Key, correlate.UpdateFunc) error { return errAway }
func (away) List(context.Context, correlate.Page) ([]correlate.Record, error)  { return nil, errAway }

func TestAStoreThatIsAway(t *testing.T) {
	tracker := NewTracker(Config{Store: away{}})
	require.ErrorIs(t, tracker.Note(t.Context(), Deployment{Scope: payment, Version: "2"}, noon), errAway)
	require.ErrorIs(t, tracker.Seen(t.Context(), attrs("service.name", "payment", "service.version", "1"), noon), errAway)
	require.ErrorIs(t, tracker.Refresh(t.Context(), noon), errAway)
	require.Nil(t, tracker.History())
	require.Zero(t, tracker.History().Len())
	require.Empty(t, tracker.History().Of(payment))
	require.Equal(t, Stats{Failed: 2}, tracker.Stats())
}

// Whatever text has a secret in it, none is stored.
func TestNoSecretIsStored(t *testing.T) {
	secret := "ghp_" + strings.Repeat("a1B2", 9)
	store := newDurable()
	tracker := NewTracker(Config{Store: store})
	d := Deployment{
		Scope: correlate.Scope{Namespace: secret, Service: secret, Environment: secret}, Version: secret, Revision: secret, ID: secret, Name: "n " + secret,
		Region: secret, Time: noon, By: secret, Changelog: "https://git.example/" + secret, Rollback: "undo --token " + secret, Previous: secret, Source: secret,
		Links: []Link{{Name: secret, URL: "https://mara:" + secret + "@git.example/?token=" + secret}},
	}
	require.NoError(t, tracker.Note(t.Context(), d, noon))
	require.NoError(t, tracker.Seen(t.Context(), attrs("service.name", secret, "service.namespace", secret, "deployment.environment.name", secret,
		"service.version", secret, "vcs.ref.head.revision", secret, "deployment.id", secret, "cloud.region", secret), noon))
	records, err := store.List(t.Context(), correlate.Page{Kind: KindDeployment, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 1, "of one scope, however it was told")
	for _, r := range records {
		text := fmt.Sprint(r.Key) + string(r.Data)
		require.NotContains(t, text, "a1B2a1B2")
		require.Contains(t, text, "[REDACTED:")
	}
}
