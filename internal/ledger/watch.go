package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// maxWatched bounds the open problems that a ledger watches. Those beyond it are
// found in the store again and again (see [Ledger.list]), and watched when there is
// room.
const maxWatched = 1 << 18

// watch is the open problems, when each will be resolved, and why it is held. There
// may be many, so that they have little room each.
type watch struct {
	scopes map[correlate.Scope]map[string]watched // by ID
	holds  []correlate.Reason                     // those that there were
	len    int
	held   int // those that have no ticket of their own
}

// watched is a time, and a place in the list of reasons, from 1.
type watched struct {
	sec  int64
	nsec int32
	hold uint8
}

func (w watched) at() time.Time { return time.Unix(w.sec, int64(w.nsec)).UTC() }

func (w *watch) has(key correlate.Key) bool {
	_, ok := w.scopes[key.Scope][key.ID]
	return ok
}

// hold returns why a problem has no ticket of its own, or "".
func (w *watch) hold(key correlate.Key) correlate.Reason {
	if at := w.scopes[key.Scope][key.ID]; at.hold > 0 {
		return w.holds[at.hold-1]
	}
	return ""
}

// set notes what a problem is like now: one that is not open is not watched.
func (w *watch) set(key correlate.Key, p correlate.Problem) {
	if was, ok := w.scopes[key.Scope][key.ID]; ok {
		w.len--
		w.held -= min(int(was.hold), 1)
		delete(w.scopes[key.Scope], key.ID)
	}
	at := p.ResolvesAt()
	if at.IsZero() || w.len >= maxWatched {
		return
	}
	next := watched{sec: at.Unix(), nsec: int32(at.Nanosecond())}
	if p.Hold != "" {
		i := slices.Index(w.holds, p.Hold)
		if i < 0 {
			i = len(w.holds)
			w.holds = append(w.holds, p.Hold) // of a closed set
		}
		next.hold = uint8(i + 1)
		w.held++
	}
	if w.scopes == nil {
		w.scopes = map[correlate.Scope]map[string]watched{}
	}
	if w.scopes[key.Scope] == nil {
		w.scopes[key.Scope] = map[string]watched{}
	}
	w.scopes[key.Scope][key.ID] = next
	w.len++
}

// next returns when the first problem will be resolved, or zero.
func (w *watch) next() (next time.Time) {
	for _, ids := range w.scopes {
		for _, at := range ids {
			if t := at.at(); next.IsZero() || t.Before(next) {
				next = t
			}
		}
	}
	return next
}

// due returns the problems that are to be resolved, in the order of their times.
func (w *watch) due(now time.Time) (keys []correlate.Key) {
	for scope, ids := range w.scopes {
		for id, at := range ids {
			if !at.at().After(now) {
				keys = append(keys, correlate.Key{Scope: scope, Kind: correlate.KindProblem, ID: id})
			}
		}
	}
	slices.SortFunc(keys, func(a, b correlate.Key) int {
		return cmp.Or(w.scopes[a.Scope][a.ID].at().Compare(w.scopes[b.Scope][b.ID].at()), a.Scope.Compare(b.Scope), cmp.Compare(a.ID, b.ID))
	})
	return keys
}
