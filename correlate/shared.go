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
	maxGroups   = 8
)

// Group is some of a report's members that have one thing in common.
type Group struct {
	Shared  // zero for members that have nothing in common with others
	Members []Member
}

// Groups returns the members of a report, each once, by what they have in common: the
// largest group first, the rest last. Members of one suspected deployment, dependency or
// operation belong together, and of what is left those of one version of the service, unless it is the
// version of all.
func (p Problem) Groups() (groups []Group) {
	rest := p.Members
	take := func(dimensions ...dimension) {
		for len(groups) < maxGroups {
			largest := shared(rest, dimensions)
			if len(largest) == 0 || largest[0].Problems < 2 {
				return
			}
			g := Group{Shared: largest[0]}
			g.Members, rest = g.split(rest)
			groups = append(groups, g)
		}
	}
	take(suspected, dependency, operation)
	if versions := shared(p.Members, []dimension{version}); len(versions) > 1 {
		take(version)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return a.compare(b.Shared) })
	if len(rest) > 0 {
		g := Group{Members: rest, Shared: Shared{Problems: len(rest)}}
		for _, m := range rest {
			g.Count += m.Count
		}
		groups = append(groups, g)
	}
	return groups
}

// split returns the members that have what is shared, and the others.
func (s Shared) split(members []Member) (have, others []Member) {
	for _, m := range members {
		if m.value(dimension(s.What)) == s.Value {
			have = append(have, m)
		} else {
			others = append(others, m)
		}
	}
	return have, others
}

// dimension is one thing that members may have in common.
type dimension string

const (
	suspected  dimension = "deployment"
	dependency dimension = "dependency"
	operation  dimension = "operation"
	version    dimension = "version"
)

func (m Member) value(d dimension) string {
	switch d {
	case suspected:
		return m.Deployment
	case dependency:
		return m.Dependency
	case operation:
		return m.Operation
	default:
		return m.ServiceVersion
	}
}

// Shared returns what the members of a report have in common, most of them first: a
// storm mostly has one cause, which the list alone does not show.
func (p Problem) Shared() []Shared {
	all := shared(p.Members, []dimension{suspected, dependency, operation, version})
	all = slices.DeleteFunc(all, func(s Shared) bool { return s.Problems < 2 || s.Problems*leastShared < len(p.Members) })
	return all[:min(len(all), maxShared)]
}

// shared returns the values that members have, those that most of them have first.
func shared(members []Member, dimensions []dimension) (all []Shared) {
	places := map[Shared]int{}
	for _, m := range members {
		for _, d := range dimensions {
			key := Shared{What: string(d), Value: m.value(d)}
			if key.Value == "" {
				continue
			}
			i, ok := places[key]
			if !ok {
				i = len(all)
				places[key] = i
				all = append(all, key)
			}
			all[i].Problems++
			all[i].Count += m.Count
		}
	}
	slices.SortStableFunc(all, Shared.compare)
	return all
}

func (s Shared) compare(other Shared) int {
	return cmp.Or(cmp.Compare(other.Problems, s.Problems), cmp.Compare(other.Count, s.Count), cmp.Compare(s.What, other.What), cmp.Compare(s.Value, other.Value))
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
