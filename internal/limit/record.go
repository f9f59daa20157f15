package limit

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Kind is the kind of the records that hold the state of an account. Their ID is the
// account's, and they have no scope: all services share them.
const Kind correlate.Kind = "limit"

const (
	version = 1
	// kept is how long a record stays that nobody writes.
	kept = 24 * time.Hour
)

// Key returns the key of an account's record.
func Key(account string) correlate.Key { return correlate.Key{Kind: Kind, ID: account} }

// Load reads a record. The zero Record is the zero State.
func Load(r correlate.Record) (s State, err error) {
	switch {
	case len(r.Data) == 0:
		return State{}, nil
	case r.Version > version:
		return State{}, &correlate.FormatError{Key: r.Key, Version: r.Version}
	}
	if err := json.Unmarshal(r.Data, &s); err != nil {
		return State{}, &correlate.FormatError{Key: r.Key, Version: r.Version, Err: err}
	}
	return s, nil
}

// Save writes a state over a record, of which it keeps the fields that it does not
// know.
func Save(cur correlate.Record, s State, now time.Time) (correlate.Record, error) {
	fields := map[string]json.RawMessage{}
	if len(cur.Data) > 0 {
		if err := json.Unmarshal(cur.Data, &fields); err != nil {
			return correlate.Record{}, &correlate.FormatError{Key: cur.Key, Version: cur.Version, Err: err}
		}
	}
	for _, name := range names {
		delete(fields, name)
	}
	data, err := json.Marshal(s)
	if err = errors.Join(err, json.Unmarshal(data, &fields)); err != nil {
		return correlate.Record{}, fmt.Errorf("limit: writing the state of %q: %w", cur.Key.ID, err)
	}
	data, err = json.Marshal(fields)
	return correlate.Record{Version: max(cur.Version, version), Data: data, Expires: now.Add(kept)}, err
}

// names are the fields of a State, which it leaves out where they are zero.
var names = []string{
	"buckets", "quotas", "taken", "passed", "pace", "pace_at", "limited_at", "strikes",
	"shut", "why", "half", "probed", "fails", "failed", "trips",
}

// Share returns limits for an engine that cannot ask the others: a small part of
// each rate.
func (l Limits) Share() Limits {
	const part = 20
	rates := make([]Rate, len(l.Rates))
	for i, r := range l.Rates {
		rates[i] = Rate{Name: r.Name, Every: r.Every * part, Burst: 1}
	}
	l.Rates = rates
	return l
}

// Mended reports whether a state waits for longer than it ever should, so that the
// sane one is to be stored in its place: time alone would not heal it.
func (l Limits) Mended(s State, now time.Time) bool {
	sane := l.Sane(s, now)
	for name, full := range sane.Buckets {
		if full.Before(s.Buckets[name]) {
			return true
		}
	}
	for name, q := range sane.Quotas {
		if q.Until.Before(s.Quotas[name].Until) {
			return true
		}
	}
	return sane.Shut.Before(s.Shut) || sane.Probed.Before(s.Probed)
}
