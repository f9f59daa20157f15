package correlate

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// KindRoster is the kind of the record that says of a scope which sinks its engines
// have.
const KindRoster Kind = "roster"

const (
	rosterVersion = 1
	rosterID      = "roster"

	// RosterFresh is how old what a roster says may be before an engine says it
	// again, so that of many replicas few write.
	RosterFresh = 45 * time.Minute
	// rosterSkew is how far an entry may lie ahead of the clock of who reads it: a
	// clock that is further ahead must not keep it for ever.
	rosterSkew = 5 * time.Minute
	// KeepRoster is how long a roster is kept after its last change, and a sink in
	// it that nobody has.
	KeepRoster = 30 * 24 * time.Hour
	// maxRoster bounds the sinks of a roster: those that were there last stay.
	maxRoster = 64
)

// Roster says of a scope, and of each sink by its name, when an engine last had it
// or, if none ever did, when somebody first asked: nobody has had it since.
type Roster struct {
	Seen  time.Time            `json:"seen"`
	Sinks map[string]time.Time `json:"sinks"`
}

// Had returns since when nobody has had a sink, or acted for the scope at all if
// sink is "". It is zero if the roster does not know it.
func (r Roster) Had(sink string) time.Time {
	if sink == "" {
		return r.Seen
	}
	return r.Sinks[sink]
}

// Announce notes that an engine of the scope has sinks now. It reports false if the
// roster says so already, and well enough. It is a pure function: r is not changed.
func (r Roster) Announce(sinks []string, now time.Time) (Roster, bool) {
	stale := func(at time.Time) bool { return !at.After(now.Add(-RosterFresh)) || at.After(now.Add(rosterSkew)) }
	if !stale(r.Seen) && !slices.ContainsFunc(sinks, func(name string) bool { return stale(r.Sinks[name]) }) {
		return r, false
	}
	r = r.clone()
	r.Seen = now
	for _, name := range sinks {
		r.Sinks[name] = now
	}
	return r.bounded(now), true
}

// Ask notes which sinks somebody asks for: from now on it is known that nobody has
// had those that the roster did not know. It is a pure function like Announce.
func (r Roster) Ask(sinks []string, now time.Time) (Roster, bool) {
	next, changed := r.clone(), false
	if next.Seen.IsZero() {
		next.Seen, changed = now, true
	}
	for _, name := range sinks {
		if next.Sinks[name].IsZero() && name != "" {
			next.Sinks[name], changed = now, true
		}
	}
	if !changed {
		return r, false
	}
	return next.bounded(now), true
}

func (r Roster) clone() Roster {
	r.Sinks = maps.Clone(r.Sinks)
	if r.Sinks == nil {
		r.Sinks = map[string]time.Time{}
	}
	return r
}

// bounded forgets the sinks that nobody had for long.
func (r Roster) bounded(now time.Time) Roster {
	maps.DeleteFunc(r.Sinks, func(_ string, at time.Time) bool { return !at.After(now.Add(-KeepRoster)) })
	if len(r.Sinks) > maxRoster {
		names := slices.SortedFunc(maps.Keys(r.Sinks), func(a, b string) int {
			return cmp.Or(r.Sinks[a].Compare(r.Sinks[b]), cmp.Compare(a, b))
		})
		for _, name := range names[:len(names)-maxRoster] {
			delete(r.Sinks, name)
		}
	}
	return r
}

// RosterKey returns the key of a scope's roster.
func RosterKey(s Scope) Key { return Key{Scope: s, Kind: KindRoster, ID: rosterID} }

// DecodeRoster reads a stored roster. The error is a [*FormatError].
func DecodeRoster(r Record) (Roster, error) {
	var out Roster
	err := decodeSmall(r.Key, r, rosterVersion, &out)
	return out, err
}

// UpdateRoster changes the roster of a scope by a pure function, which says whether
// anything is to be written, and returns what is stored by then. Without a roster
// the function is given the zero Roster. The error is a [*FormatError], or the
// store's.
func UpdateRoster(ctx context.Context, s Store, scope Scope, now time.Time, fn func(Roster) (Roster, bool)) (Roster, error) {
	var out Roster
	key := RosterKey(scope)
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		out = Roster{}
		if found {
			if err := decodeSmall(key, cur, rosterVersion, &out); err != nil {
				return Record{}, nil, err
			}
		}
		next, changed := fn(out)
		if !changed {
			return Record{}, nil, errRead
		}
		out = next
		data, err := marshal(next, cur.Data)
		return Record{Version: rosterVersion, Data: data, Expires: now.Add(KeepRoster)}, nil, err
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return out, err
}
