package deployment

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

const (
	// beat is how often a process says that its version runs.
	beat = time.Minute
	// absent is after how long without word a version has gone. It is longer than
	// beats that are late, and clocks that differ.
	absent = 4 * time.Minute
	// seenRunning is the source of a deployment that was told by processes alone: its time is that of
	// the first of them.
	seenRunning = "resource"
	// maxPresences bounds the stretches that are kept of one service.
	maxPresences = 64
)

// presence is a stretch of time in which a version of a service was running, as
// its processes say.
type presence struct {
	Version  string    `json:"version,omitempty"`
	Revision string    `json:"revision,omitempty"`
	ID       string    `json:"id,omitempty"` // of the deployment
	Region   string    `json:"region,omitempty"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`

	rest rest
}

// UnmarshalJSON keeps what is not known.
func (p *presence) UnmarshalJSON(data []byte) (err error) {
	type plain presence
	if err := json.Unmarshal(data, (*plain)(p)); err != nil {
		return err
	}
	p.rest, err = restOf(data, "version", "revision", "id", "region", "from", "to")
	return err
}

// MarshalJSON writes it again.
func (p presence) MarshalJSON() ([]byte, error) {
	type plain presence
	data, err := json.Marshal(plain(p))
	if err != nil {
		return nil, err
	}
	return p.rest.into(data)
}

func (p presence) is(q presence) bool {
	return p.Version == q.Version && p.Revision == q.Revision && p.ID == q.ID && p.Region == q.Region
}

// gone reports whether no process of the version is left.
func (p presence) gone(now time.Time) bool { return now.Sub(p.To) > absent }

// sight adds a stretch to those that are known. Stretches of one version that
// are no longer apart than absent are one, so that the order in which they are
// added does not matter.
func sight(known []presence, p presence) []presence {
	out := make([]presence, 0, len(known)+1)
	for _, k := range known {
		if k.is(p) && !p.From.After(k.To.Add(absent)) && !k.From.After(p.To.Add(absent)) {
			p.From, p.To, p.rest = earliest(p.From, k.From), latest(p.To, k.To), p.rest.and(k.rest)
			continue
		}
		out = append(out, k)
	}
	out = append(out, p)
	slices.SortFunc(out, func(a, b presence) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Region, b.Region))
	})
	if n := len(out) - maxPresences; n > 0 {
		out = slices.Delete(out, 0, n)
	}
	return out
}

// deployments returns what stretches tell of deployments. The first stretch tells of
// none: what ran before it is not known.
func deployments(scope correlate.Scope, all []presence, now time.Time) []Deployment {
	byRegion := map[string][]presence{}
	for _, p := range all {
		byRegion[p.Region] = append(byRegion[p.Region], p)
	}
	var out []Deployment
	for region, line := range byRegion {
		told := func(p presence, at time.Time) Deployment {
			return Deployment{Scope: scope, Region: region, Version: p.Version, Revision: p.Revision, ID: p.ID, Time: at, Status: Started, Source: seenRunning}
		}
		for i, p := range line {
			if i > 0 && !p.is(line[i-1]) {
				d := told(p, p.From)
				before := line[i-1]
				d.Previous = cmp.Or(before.Version, before.Revision)
				if d.Back = slices.IndexFunc(line, p.is) < slices.IndexFunc(line, before.is); d.Back {
					d.ID = "" // it is that of the deployment that brought the version first
				}
				if end, over := lastOther(line[:i], p, now); over {
					d.Done, d.Status = latest(d.Time, end), Succeeded
				}
				out = append(out, d)
			}
			// It has gone, and what it was to take the place of goes on.
			for _, q := range slices.Backward(line[:i]) {
				if i == len(line)-1 && p.gone(now) && !q.is(p) && q.To.Sub(p.To) > absent {
					d := told(q, p.To)
					d.ID = "" // likewise
					d.Previous, d.Back, d.Done, d.Status = cmp.Or(p.Version, p.Revision), true, p.To, Succeeded
					out = append(out, d)
					break
				}
			}
		}
	}
	return sorted(out)
}

// lastOther returns when the last process of another version went that was running
// when p came, and false while one goes on.
func lastOther(before []presence, p presence, now time.Time) (end time.Time, over bool) {
	for _, q := range before {
		if q.is(p) || q.To.Before(p.From) {
			continue
		}
		if !q.gone(now) {
			return end, false
		}
		end = latest(end, q.To)
	}
	return end, true
}
