package deployment

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const (
	// What is told of one version within this time is of one deployment.
	sameTime = 30 * time.Minute
	// One that is known by its version alone, and another by its revision alone, are
	// one deployment if they are so close.
	nearTime = 10 * time.Minute
)

// group is what was told of one deployment, and what that makes.
type group struct {
	told []Deployment
	view Deployment
}

// fold returns the deployments of one service that messages tell of, in the order of
// time. The order of the messages, and how often each comes, do not matter. The
// slice that is given stays as it is.
func fold(told []Deployment) []Deployment {
	told = sorted(slices.Clone(told))

	// Messages with one ID are of one deployment, however far apart.
	var groups []group
	byID := map[string]int{}
	for _, d := range told {
		if i, ok := byID[d.ID]; ok && d.ID != "" {
			groups[i].told = append(groups[i].told, d)
			continue
		}
		byID[d.ID] = len(groups)
		groups = append(groups, group{told: []Deployment{d}})
	}
	for i := range groups {
		groups[i].view = merge(groups[i].told)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return compare(a.view, b.view) })

	// Others are, if nothing in them differs and they are close.
	var joined []group
	for _, g := range groups {
		at, passed := len(joined)-1, false // something else that was deployed between
		for at >= 0 && !joined[at].view.isSame(g.view) {
			passed = passed || joined[at].view.replaces(g.view)
			at--
		}
		if at < 0 || passed && !joined[at].view.awaits(g.view) {
			joined = append(joined, g)
			continue
		}
		joined[at].told = sorted(append(joined[at].told, g.told...))
		joined[at].view = merge(joined[at].told)
	}
	out := make([]Deployment, len(joined))
	for i, g := range joined {
		out[i] = g.view
	}
	slices.SortStableFunc(out, compare)
	succeed(out)
	return out
}

func sorted(told []Deployment) []Deployment {
	slices.SortFunc(told, compare)
	return slices.CompactFunc(told, func(a, b Deployment) bool { return compare(a, b) == 0 })
}

// isSame reports whether a deployment that is told later is the same one.
func (d Deployment) isSame(later Deployment) bool {
	if d.ID != "" && later.ID != "" && d.ID != later.ID || d.Region != "" && later.Region != "" && d.Region != later.Region {
		return false
	}
	if (d.Status == Removed) != (later.Status == Removed) {
		return false
	}
	gap := later.Time.Sub(latest(d.Time, d.Done))
	shared := false
	for _, pair := range [][2]string{{d.Version, later.Version}, {d.Revision, later.Revision}} {
		switch {
		case pair[0] == "" || pair[1] == "":
		case sameVersion(pair[0], pair[1]):
			shared = true
		default:
			return false
		}
	}
	if !shared && d.Version == "" && d.Revision == "" && later.Version == "" && later.Revision == "" {
		shared = d.Name != "" && d.Name == later.Name
	}
	return gap <= nearTime || shared && gap <= sameTime
}

// replaces reports whether a deployment put another version in the place of one that is
// told later.
func (d Deployment) replaces(later Deployment) bool {
	a, b := d.version(), later.version()
	return agrees(d.Region, later.Region) && a != "" && b != "" && !sameVersion(a, b)
}

// awaits reports whether what is told later is the end of a deployment that goes on, though
// another has begun meanwhile.
func (d Deployment) awaits(later Deployment) bool {
	return d.Done.IsZero() && later.Status != Started && !later.Back
}

// sameVersion reports whether two versions or revisions are the same: one of
// them may be the beginning of a revision, or have a v before it.
func sameVersion(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || strings.TrimPrefix(b, "v") == a || len(a) >= 7 && isHex(a) && isHex(b) && strings.HasPrefix(b, a)
}

// merge returns one deployment from what was told of it, which is in the order of
// compare.
func merge(told []Deployment) Deployment {
	var out, last Deployment
	for _, d := range told {
		out.Scope = d.Scope
		out.Version = longer(out.Version, d.Version)
		out.Revision = longer(out.Revision, d.Revision)
		out.ID = cmp.Or(out.ID, d.ID)
		out.Name = cmp.Or(out.Name, d.Name)
		out.Region = cmp.Or(out.Region, d.Region)
		out.By = cmp.Or(out.By, d.By)
		out.Changelog = cmp.Or(out.Changelog, d.Changelog)
		out.Rollback = cmp.Or(out.Rollback, d.Rollback)
		out.Previous = cmp.Or(out.Previous, d.Previous)
		out.Source = cmp.Or(out.Source, d.Source)
		out.Back = out.Back || d.Back
		for _, l := range d.Links {
			if len(out.Links) < maxLinks && !slices.Contains(out.Links, l) {
				out.Links = append(out.Links, l)
			}
		}
		if d.Status == RolledBack {
			out.Undone = earliest(out.Undone, cmpTime(d.Undone, d.Time))
		} else {
			out.Time = earliest(out.Time, d.Time)
			out.Undone = earliest(out.Undone, d.Undone)
		}
		out.Done = latest(out.Done, d.Done)
		if d.Status.ended() && d.Done.IsZero() {
			out.Done = latest(out.Done, d.Time)
		}
		if c := d.said().Compare(last.said()); c > 0 || c == 0 && d.Status.rank() >= last.Status.rank() {
			last = d
		}
	}
	if out.Time.IsZero() { // nobody told but that it was undone
		out.Time = out.Undone
	}
	out.Status = last.Status
	return out
}

// said returns when a message was true first.
func (d Deployment) said() time.Time { return latest(latest(d.Time, d.Done), d.Undone) }

// rank orders what is told of one instant.
func (s Status) rank() int {
	return slices.Index([]Status{Started, Succeeded, Failed, Removed, RolledBack}, s)
}

// succeed tells each deployment of a service what ran before it, and whether it
// brought an older version back.
func succeed(ds []Deployment) {
	type line struct {
		running string
		order   []string // versions, as they came first
	}
	lines := map[string]*line{} // by region
	for i := range ds {
		d := &ds[i]
		l := lines[d.Region]
		if l == nil {
			l = &line{}
			lines[d.Region] = l
		}
		place := func(version string) int {
			return slices.IndexFunc(l.order, func(v string) bool { return sameVersion(v, version) })
		}
		version := d.version()
		if d.Status == Removed {
			l.running = ""
			continue
		}
		if d.Previous != "" && place(d.Previous) < 0 {
			l.order = append(l.order, d.Previous) // of which nothing was told
		}
		if !sameVersion(version, l.running) {
			d.Previous = cmp.Or(d.Previous, l.running)
			// One that was undone and comes again is no rollback: it came after what runs.
			at := place(version)
			d.Back = d.Back || version != "" && at >= 0 && at < place(l.running)
		}
		if version == "" {
			continue
		}
		if place(version) < 0 {
			l.order = append(l.order, version)
		}
		if d.Status != Failed && d.Status != RolledBack {
			l.running = version
		}
	}
}

// version returns by what the failures of a deployment are told from those of
// others.
func (d Deployment) version() string { return cmp.Or(d.Version, d.Revision) }

// longer returns the one of two names of the same version that says more.
func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earliest returns the earlier of two times; one that is zero does not count.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
