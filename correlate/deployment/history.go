package deployment

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// History is what was deployed of all services, as it was known at a time. It
// is immutable, and may be used concurrently. A nil History knows of nothing.
type History struct {
	scopes map[correlate.Scope]timeline
	names  map[string][]correlate.Scope // of the scopes, by service
	size   int

	revisions map[string][]Deployment
}

type timeline struct {
	since time.Time
	all   []Deployment // by time
}

// NewHistory returns the history that messages about deployments tell. Their order, and how
// often each comes, do not matter.
func NewHistory(told ...Deployment) *History {
	byScope := map[correlate.Scope][]Deployment{}
	for _, d := range told {
		byScope[d.Scope] = append(byScope[d.Scope], d)
	}
	h := &History{}
	for scope, told := range byScope {
		all := fold(told)
		h.put(scope, timeline{since: all[0].Time, all: all})
	}
	h.sort()
	return h
}

func (h *History) put(scope correlate.Scope, t timeline) {
	if h.scopes == nil {
		h.scopes, h.names, h.revisions = map[correlate.Scope]timeline{}, map[string][]correlate.Scope{}, map[string][]Deployment{}
	}
	if _, found := h.scopes[scope]; !found {
		h.names[scope.Service] = append(h.names[scope.Service], scope)
	}
	h.scopes[scope] = t
	h.size += len(t.all)
	for _, d := range t.all {
		if d.Revision != "" {
			h.revisions[d.Revision] = append(h.revisions[d.Revision], d)
		}
	}
}

func (h *History) knows(scope correlate.Scope) bool {
	_, ok := h.scopes[scope]
	return ok
}

// same reports whether two histories tell of the same deployments.
func (h *History) same(o *History) bool {
	if h.Len() != o.Len() {
		return false
	}
	for scope, line := range h.scopes {
		if !slices.EqualFunc(line.all, o.Of(scope), alike) {
			return false
		}
	}
	return true
}

func alike(a, b Deployment) bool { return compare(a, b) == 0 }

// with returns the history with other timelines of some services. What has not changed is
// shared.
func (h *History) with(fresh map[correlate.Scope]timeline) *History {
	if len(h.scopes) == 0 {
		h = &History{scopes: map[correlate.Scope]timeline{}, names: map[string][]correlate.Scope{}, revisions: map[string][]Deployment{}}
	}
	out := &History{scopes: maps.Clone(h.scopes), names: maps.Clone(h.names), revisions: maps.Clone(h.revisions), size: h.size}
	of := func(d Deployment) []Deployment { return slices.Clone(out.revisions[d.Revision]) }
	for scope, line := range fresh {
		for _, d := range h.scopes[scope].all {
			if d.Revision == "" {
				continue
			}
			out.revisions[d.Revision] = slices.DeleteFunc(of(d), func(o Deployment) bool { return o.Scope == scope })
		}
		for _, d := range line.all {
			if d.Revision != "" {
				out.revisions[d.Revision] = of(d)
			}
		}
		out.names[scope.Service] = slices.Clone(out.names[scope.Service])
		out.size -= len(h.scopes[scope].all)
		out.put(scope, line)
		slices.SortFunc(out.names[scope.Service], correlate.Scope.Compare)
		for _, d := range line.all {
			slices.SortFunc(out.revisions[d.Revision], compare)
		}
	}
	return out
}

func (h *History) sort() {
	for _, scopes := range h.names {
		slices.SortFunc(scopes, correlate.Scope.Compare)
	}
	for _, of := range h.revisions {
		slices.SortFunc(of, compare)
	}
}

// Of returns the deployments of a service, in the order of time. The caller must not
// change them.
func (h *History) Of(scope correlate.Scope) []Deployment {
	if h == nil {
		return nil
	}
	return h.scopes[scope].all
}

// Len returns how many deployments are known.
func (h *History) Len() int {
	if h == nil {
		return 0
	}
	return h.size
}

// Since returns from when on something is known of a service, under any of the
// scopes that may be meant by its own. It is zero if nothing is.
func (h *History) Since(scope correlate.Scope) (t time.Time) {
	for s := range h.like(scope) {
		t = earliest(t, h.scopes[s].since)
	}
	return t
}

// unknown reports whether it is not known what was deployed of a service since a
// time: what is known begins later.
func (h *History) unknown(scope correlate.Scope, since time.Time) bool {
	t := h.Since(scope)
	return t.IsZero() || t.After(since)
}

// like yields the scopes under which deployments of a service may have been
// told: who deploys may not know its namespace or environment.
func (h *History) like(scope correlate.Scope) func(func(correlate.Scope) bool) {
	return func(yield func(correlate.Scope) bool) {
		if h == nil {
			return
		}
		for _, s := range h.names[scope.Service] {
			if agrees(s.Namespace, scope.Namespace) && (s.Environment == scope.Environment || s.Environment == "") && !yield(s) {
				return
			}
		}
	}
}

// agrees reports whether two names are the same, or one is not known.
func agrees(a, b string) bool { return a == "" || b == "" || a == b }

// between yields the deployments of a service that began within [from, to].
func (h *History) between(scope correlate.Scope, from, to time.Time) func(func(Deployment) bool) {
	return func(yield func(Deployment) bool) {
		for s := range h.like(scope) {
			all := h.scopes[s].all
			i := sort.Search(len(all), func(i int) bool { return !all[i].Time.Before(from) })
			for ; i < len(all) && !all[i].Time.After(to); i++ {
				if !yield(all[i]) {
					return
				}
			}
		}
	}
}

// sameRevision returns the deployments of one revision, of whatever service.
func (h *History) sameRevision(revision string) []Deployment { return h.revisions[revision] }
