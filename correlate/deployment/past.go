package deployment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// KindDeployment is the kind of the records that hold what was deployed of a
// service; there is one for each scope.
const KindDeployment correlate.Kind = "deployment"

const (
	pastVersion = 1
	pastID      = "past"

	// Bounds of what is kept of one service: messages, and their bytes.
	maxTold      = 64
	maxToldBytes = 64 << 10
)

// past is what is stored of one service: what was told, not what was made of it, so
// that what comes late or from another replica changes the result as if it had
// come in time.
type past struct {
	Told      []Deployment `json:"told"`
	Presences []presence   `json:"presences"`

	rest rest
	// raw has the messages that hold what this program does not know as they were
	// stored, by what it makes of them: they are never changed.
	raw map[string]json.RawMessage
}

func keyOf(s correlate.Scope) correlate.Key {
	return correlate.Key{Scope: s, Kind: KindDeployment, ID: pastID}
}

// add returns what is known with one message more. It reports false if that was known.
func (p past) add(d Deployment, oldest time.Time) (past, bool) {
	if _, found := slices.BinarySearchFunc(p.Told, d, compare); found {
		return p, false
	}
	told := sorted(append(slices.Clone(p.Told), d))
	told = slices.DeleteFunc(told, func(d Deployment) bool { return d.said().Before(oldest) })
	size, from := 0, len(told)
	for from > 0 && len(told)-from < maxTold {
		if size += told[from-1].size(); size > maxToldBytes && from < len(told) {
			break
		}
		from--
	}
	p.Told = told[from:]
	return p, true
}

// size returns about how many bytes are stored.
func (d Deployment) size() int {
	n := 256 + len(d.Version) + len(d.Revision) + len(d.ID) + len(d.Name) + len(d.By) + len(d.Changelog) + len(d.Rollback)
	for _, l := range d.Links {
		n += 32 + len(l.Name) + len(l.URL)
	}
	return n
}

// deployments returns what was deployed.
func (p past) deployments(scope correlate.Scope, now time.Time) []Deployment {
	return fold(append(deployments(scope, p.Presences, now), p.Told...))
}

// timeline returns the same with since when it is known.
func (p past) timeline(scope correlate.Scope, now time.Time) timeline {
	return timeline{since: p.since(), all: p.deployments(scope, now)}
}

// since returns from when on anything is known.
func (p past) since() (t time.Time) {
	for _, q := range p.Presences {
		t = earliest(t, q.From)
	}
	for _, d := range p.Told {
		t = earliest(t, d.Time)
	}
	return t
}

// decodePast reads a record. The error is a [*correlate.FormatError].
func decodePast(r correlate.Record) (p past, err error) {
	if r.Version > pastVersion {
		return p, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: fmt.Errorf("it is newer than %d: run a newer program", pastVersion)}
	}
	if err := p.decode(r.Data); err != nil {
		return past{}, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: err}
	}
	p.Told = sorted(p.Told)
	return p, nil
}

func (p *past) decode(data []byte) (err error) {
	var stored struct {
		Told      []json.RawMessage `json:"told"`
		Presences []presence        `json:"presences"`
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		return err
	}
	p.Presences = stored.Presences
	for _, raw := range stored.Told {
		var d Deployment
		if err := json.Unmarshal(raw, &d); err != nil {
			return err
		}
		p.Told = append(p.Told, d)
		if own, err := json.Marshal(d); err == nil && !bytes.Equal(own, raw) {
			if p.raw == nil {
				p.raw = map[string]json.RawMessage{}
			}
			if len(raw) > len(p.raw[string(own)]) {
				p.raw[string(own)] = raw
			}
		}
	}
	p.rest, err = restOf(data, "told", "presences")
	return err
}

// encodePast returns the record. It may be forgotten when all that is in it is too old.
func encodePast(p past, keep time.Duration) (correlate.Record, error) {
	var newest time.Time
	for _, q := range p.Presences {
		newest = latest(newest, q.To)
	}
	told := make([]json.RawMessage, 0, len(p.Told))
	for _, d := range p.Told {
		newest = latest(newest, d.said())
		own, err := json.Marshal(d)
		if err != nil {
			return correlate.Record{}, err
		}
		if raw, ok := p.raw[string(own)]; ok {
			own = raw
		}
		told = append(told, own)
	}
	data, err := json.Marshal(map[string]any{"told": told, "presences": p.Presences})
	if err == nil {
		data, err = p.rest.into(data)
	}
	return correlate.Record{Version: pastVersion, Data: data, Expires: newest.Add(keep)}, err
}
