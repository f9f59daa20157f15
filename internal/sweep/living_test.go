package sweep

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

// TestASweepNeverParksWhatALivingEngineHas lets engines of three services, with sinks
// of the same names, join, leave, be stopped, be renamed and have wrong clocks, while
// the store comes and goes for all. No sink delivers anything. What is parked has no
// engine, and had none for as long as was configured, as far as the store could know;
// and what has none is parked in the end.
func TestASweepNeverParksWhatALivingEngineHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const after = 8 * time.Hour
		f := newFleet(t)
		scopes, names := []correlate.Scope{checkout, payments, ops}, []string{"jira", "pager"}
		var all []*member
		lastHad := map[place]time.Time{} // when an engine was there that reached the store
		skewed := map[place]bool{}       // some engine of it had a wrong clock
		away := time.Duration(0)         // how long the store is
		keys := map[correlate.Key]bool{}
		swept := 0
		has := func(m *member, pl place) bool { return m.scope == pl.scope && slices.Contains(m.Sinks, pl.sink) }

		// check looks at what was parked and resolved just now.
		check := func() {
			for key := range keys {
				p := f.problem(key)
				if p.State == correlate.Resolved && p.ResolvedAt.Equal(f.now) {
					require.False(t, slices.ContainsFunc(all, func(m *member) bool { return m.scope == key.Scope }), "%s has an engine", key.Scope)
				}
				for _, filing := range p.Filings {
					if filing.Parked == nil || !filing.Parked.At.Equal(f.now) {
						continue
					}
					pl := place{key.Scope, filing.Sink}
					require.False(t, slices.ContainsFunc(all, func(m *member) bool { return has(m, pl) }), "%v has an engine", pl)
					least := after
					if skewed[pl] { // when it left is not known by its own clock, but by the watch
						least = time.Hour
					}
					if had, ok := lastHad[pl]; ok {
						require.GreaterOrEqual(t, f.now.Sub(had), least, "%v", pl)
					}
				}
			}
		}
		const step = 15 * time.Minute
		pass := func(d time.Duration) {
			for end := f.now.Add(d); f.now.Before(end); {
				away -= step
				for _, m := range all {
					m.line.cut = away > 0
				}
				f.pass(step, step, all...)
				if f.swept != swept {
					swept = f.swept
					check()
				}
				for _, m := range all {
					for _, sink := range m.Sinks {
						pl := place{m.scope, sink}
						if away <= 0 {
							lastHad[pl] = f.now
						}
					}
				}
			}
		}
		pass(5 * time.Minute)
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				if len(all) >= 8 {
					return // there is nothing to do
				}
				sweeps := rapid.SampledFrom([]time.Duration{0, after}).Draw(t, "sweeps")
				sinks := rapid.SampledFrom([][]string{names[:1], names[1:], names}).Draw(t, "sinks")
				m := f.join(rapid.SampledFrom(scopes).Draw(t, "scope"), sweeps, sinks...)
				if sweeps == 0 { // who sweeps goes by its own clock
					m.skew = rapid.SampledFrom([]time.Duration{0, 0, time.Minute, -3 * time.Hour, -72 * time.Hour, 72 * time.Hour}).Draw(t, "skew")
				}
				all = append(all, m)
				m.line.cut = away > 0
				m.Tick(t.Context(), f.now.Add(m.skew))
				for _, sink := range m.Sinks {
					pl := place{m.scope, sink}
					skewed[pl] = skewed[pl] || m.skew != 0
				}
			},
			"leave": func(t *rapid.T) {
				if len(all) == 0 {
					return // there is nothing to do
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "who")
				all = slices.Delete(all, i, i+1)
			},
			"rename": func(t *rapid.T) {
				if len(all) == 0 {
					return // there is nothing to do
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "who")
				all[i] = f.join(all[i].scope, all[i].After, rapid.SampledFrom(names).Draw(t, "to"))
				all[i].line.cut = away > 0
				all[i].Tick(t.Context(), f.now)
			},
			"store away": func(t *rapid.T) {
				away = time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour
			},
			"fail": func(t *rapid.T) {
				if away > 0 {
					return // there is nothing to do
				}
				id := fmt.Sprintf("v2%d", len(keys))
				keys[f.happens(rapid.SampledFrom(scopes).Draw(t, "scope"), id, names...)] = true
			},
			"pass": func(t *rapid.T) {
				pass(time.Duration(rapid.IntRange(1, 12).Draw(t, "hours")) * time.Hour)
			},
		})
		// In the end one that sweeps is alone.
		away, all = 0, []*member{f.join(ops, after, "jira")}
		pass(after + 150*time.Hour) // of a clock that was three days ahead, too
		for key := range keys {
			p := f.problem(key)
			require.True(t, key.Scope == ops || p.State == correlate.Resolved, "%s", key.Scope)
			for _, filing := range p.Filings {
				mine := key.Scope == ops && filing.Sink == "jira"
				require.True(t, mine || len(filing.Pending) == 0, "%s %s", key.Scope, filing.Sink)
			}
		}
	})
}
