package correlate

import (
	"cmp"
	"slices"
	"strings"
)

// Shared is what several of a report's members have in common.
type Shared struct {
	What     string // "deployment" (that is suspected), "dependency", "operation" or "version" (of the service)
	Value    string
	Problems int   // that have it
	Count    int64 // occurrences of those
}

const (
	// leastShared is the part of a report's members, one in so many, that must have
	// something in common for it to be told.
	leastShared = 4
	maxShared   = 6
)

// Shared returns what the members of a report have in common, most of them first: a
// storm mostly has one cause, which the list alone does not show.
func (p Problem) Shared() []Shared {
	var all []Shared
	note := func(what, value string, count int64) {
		if value == "" {
			return
		}
		i := slices.IndexFunc(all, func(s Shared) bool { return s.What == what && s.Value == value })
		if i < 0 {
			i = len(all)
			all = append(all, Shared{What: what, Value: value})
		}
		all[i].Problems++
		all[i].Count += count
	}
	for _, m := range p.Members {
		note("deployment", m.Deployment, m.Count)
		note("dependency", m.Dependency, m.Count)
		note("operation", m.Operation, m.Count)
		note("version", m.ServiceVersion, m.Count)
	}
	all = slices.DeleteFunc(all, func(s Shared) bool { return s.Problems < 2 || s.Problems*leastShared < len(p.Members) })
	slices.SortStableFunc(all, func(a, b Shared) int {
		return cmp.Or(cmp.Compare(b.Problems, a.Problems), cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What), cmp.Compare(a.Value, b.Value))
	})
	return all[:min(len(all), maxShared)]
}

// dependencyOf returns the name of what a problem's operation called, whatever was
// wrong with it, or "".
func dependencyOf(s Signature) string {
	i := slices.IndexFunc(s.Components, func(c Component) bool { return c.Name == componentNames[componentDependency] })
	if i < 0 {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(s.Components[i].Value, away), fails)
	return name
}
