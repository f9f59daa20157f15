package deployment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// KindTraffic is the kind of the records that hold how often operations ended, and
// failed, by the version of the service. There are at most 128 for each scope, of at most
// 32 KiB each: a version has one of eight, of which there are as many parts as it has
// many processes, 16 at most.
const KindTraffic correlate.Kind = "traffic"

const (
	trafficVersion = 1

	maxTraffic = 32 << 10 // bytes of a record, but for what a newer program wrote
	slots      = 8        // that versions share
	maxParts   = 16
	// partWriters are so many that a record has a second part.
	partWriters = 64
	maxWriters  = 128 // that a record remembers
	// activeWriter is how long after its last batch a writer counts as one.
	activeWriter = 5 * time.Minute
	maxVersions  = 8 // in one record
	// leastCells are kept whatever room there is: more are in a record only by
	// clocks that are days apart.
	leastCells = 1 << 10
)

// traffic is what is stored in one record.
type traffic struct {
	versions []*tally // those that were counted last come last
	writers  []writer // likewise

	rest rest
}

// writer is a process that counted: a batch that it adds twice is counted once.
type writer struct {
	ID    string    `json:"id"`    // random, of one run of one process
	Batch int64     `json:"batch"` // the last one that was counted
	At    time.Time `json:"at"`

	rest rest
}

// UnmarshalJSON keeps what is not known.
func (w *writer) UnmarshalJSON(data []byte) (err error) {
	type plain writer
	if err := json.Unmarshal(data, (*plain)(w)); err != nil {
		return err
	}
	w.rest, err = restOf(data, "id", "batch", "at")
	return err
}

// MarshalJSON writes it again.
func (w writer) MarshalJSON() ([]byte, error) {
	type plain writer
	data, err := json.Marshal(plain(w))
	if err != nil {
		return nil, err
	}
	return w.rest.into(data)
}

// storedTally is a tally as it is written.
type storedTally struct {
	Version    string            `json:"version,omitempty"`
	Since      time.Time         `json:"since"`
	Until      time.Time         `json:"until"`
	Others     string            `json:"others,omitempty"`
	Operations []json.RawMessage `json:"operations"`
}

type storedOperation struct {
	Name  string `json:"name"`
	Cells string `json:"cells"`
}

// trafficKey returns the key of the record in which a version is counted.
func trafficKey(scope correlate.Scope, version string, part int) correlate.Key {
	return correlate.Key{Scope: scope, Kind: KindTraffic, ID: fmt.Sprintf("%d.%d", hashOf(version)%slots, part)}
}

func hashOf(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// at returns the index of a writer, or -1.
func (t *traffic) at(id string) int {
	return slices.IndexFunc(t.writers, func(w writer) bool { return w.ID == id })
}

// counted reports whether a batch was counted.
func (t *traffic) counted(id string, batch int64) bool {
	i := t.at(id)
	return i >= 0 && t.writers[i].Batch >= batch
}

// note notes that a batch was counted.
func (t *traffic) note(id string, batch int64, now time.Time) {
	w := writer{ID: id, Batch: batch, At: stored(now)}
	if i := t.at(id); i >= 0 {
		w.rest = t.writers[i].rest
		t.writers = slices.Delete(t.writers, i, i+1)
	}
	t.writers = append(t.writers, w)
	t.writers = slices.Delete(t.writers, 0, max(0, len(t.writers)-maxWriters))
}

// forgot reports whether a writer may have counted since some time without being
// remembered: because so many others have.
func (t *traffic) forgot(id string, since time.Time) bool {
	return t.at(id) < 0 && len(t.writers) >= maxWriters && t.writers[0].At.After(since.Add(-maxAhead))
}

// active returns how many writers there are.
func (t *traffic) active(now time.Time) (n int) {
	for _, w := range t.writers {
		if now.Sub(w.At) < activeWriter {
			n++
		}
	}
	return n
}

// add adds a batch. What does not fit is counted on as one: of operations, and of versions.
func (t *traffic) add(b *tally) {
	i := slices.IndexFunc(t.versions, func(v *tally) bool { return v.version == b.version })
	if i < 0 {
		t.versions = append(t.versions, newTally(b.version))
		i = len(t.versions) - 1
	}
	t.versions[i].plus(b)
	slices.SortStableFunc(t.versions, func(a, b *tally) int { return a.until.Compare(b.until) })
}

// fit forgets what is too old, and makes room.
func (t *traffic) fit(now time.Time) {
	for _, v := range t.versions {
		v.age(now)
	}
	t.versions = slices.DeleteFunc(t.versions, func(v *tally) bool { return len(v.all) == 0 && len(t.versions) > 1 })
	for len(t.versions) > maxVersions {
		t.merge()
	}
	for len(t.versions) > 0 {
		size, most := 64+64*len(t.writers), 0
		for _, v := range t.versions {
			size += v.size()
			most = max(most, len(v.operations))
		}
		switch {
		case size <= maxTraffic:
			return
		case most > 0:
			for _, v := range t.versions {
				v.fold(min(most-1, most*4/5))
			}
		case len(t.versions) > 1:
			t.merge()
		case len(t.versions[0].others) > leastCells:
			v := t.versions[0]
			v.others = v.others[len(v.others)-leastCells:]
			v.all = slices.Clip(v.others)
		default:
			return
		}
	}
}

// merge counts the version that was counted last longest ago, and has a name, as one that is not known.
func (t *traffic) merge() {
	i := slices.IndexFunc(t.versions, func(v *tally) bool { return v.version != "" })
	old := t.versions[i]
	t.versions = slices.Delete(t.versions, i, i+1)
	old = old.clone()
	old.version = ""
	old.fold(0)
	t.add(old)
}

// size returns about how many bytes are stored.
func (t *tally) size() int {
	n := 128 + len(t.version) + 5*len(t.others)
	for name, s := range t.operations {
		n += 32 + len(name)*5/4 + len(s.text())
	}
	return n
}

// encode returns the record. It may be forgotten when all that is in it is too old.
func (t *traffic) encode(now time.Time) (correlate.Record, error) {
	out := struct {
		Versions []json.RawMessage `json:"versions"`
		Writers  []writer          `json:"writers"`
	}{make([]json.RawMessage, 0, len(t.versions)), append([]writer{}, t.writers...)}
	for _, v := range t.versions {
		raw, err := v.encode()
		if err != nil {
			return correlate.Record{}, err
		}
		out.Versions = append(out.Versions, raw)
	}
	data, err := json.Marshal(out)
	if err == nil {
		data, err = t.rest.into(data)
	}
	return correlate.Record{Version: trafficVersion, Data: data, Expires: now.Add(keepCounts)}, err
}

func (t *tally) encode() (json.RawMessage, error) {
	s := storedTally{Version: t.version, Since: stored(t.since), Until: stored(t.until), Others: t.others.text(), Operations: []json.RawMessage{}}
	for _, name := range sortedKeys(t.operations) {
		raw, err := json.Marshal(storedOperation{Name: name, Cells: t.operations[name].text()})
		if err == nil {
			raw, err = t.rests[name].into(raw)
		}
		if err != nil {
			return nil, err
		}
		s.Operations = append(s.Operations, raw)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return t.rest.into(data)
}

// decodeTraffic reads a record. The error is a [*correlate.FormatError].
func decodeTraffic(r correlate.Record) (*traffic, error) {
	if r.Version > trafficVersion {
		return nil, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: fmt.Errorf("it is newer than %d: run a newer program", trafficVersion)}
	}
	t := &traffic{}
	if err := t.decode(r.Data); err != nil {
		return nil, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: err}
	}
	return t, nil
}

func (t *traffic) decode(data []byte) (err error) {
	var in struct {
		Versions []json.RawMessage `json:"versions"`
		Writers  []writer          `json:"writers"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	t.writers = in.Writers
	for _, raw := range in.Versions {
		v, err := decodeTally(raw)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(t.versions, func(o *tally) bool { return o.version == v.version }); i >= 0 {
			return fmt.Errorf("version %d stands twice", i)
		}
		t.versions = append(t.versions, v)
	}
	slices.SortStableFunc(t.versions, func(a, b *tally) int { return a.until.Compare(b.until) })
	t.rest, err = restOf(data, "versions", "writers")
	return err
}

func decodeTally(data []byte) (*tally, error) {
	var in storedTally
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	t := newTally(in.Version)
	t.since, t.until = in.Since, in.Until
	var err error
	if t.others, err = seriesOf(in.Others); err != nil {
		return nil, err
	}
	t.all = slices.Clip(t.others)
	for _, raw := range in.Operations {
		var o storedOperation
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
		s, err := seriesOf(o.Cells)
		if err != nil {
			return nil, err
		}
		if _, twice := t.operations[o.Name]; twice || o.Name == "" || len(s) == 0 {
			return nil, errCells
		}
		more, err := restOf(raw, "name", "cells")
		if err != nil {
			return nil, err
		}
		t.operations[o.Name] = s
		t.keep(o.Name, more)
		t.all = t.all.plus(s)
	}
	t.rest, err = restOf(data, "version", "since", "until", "others", "operations")
	return t, err
}

func sortedKeys(m map[string]series) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}
