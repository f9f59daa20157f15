package correlate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// KindUpgrade is the kind of the record that says since when the signatures of
// a scope are of a version of the algorithm.
const KindUpgrade Kind = "upgrade"

const (
	upgradeVersion = 1

	// upgradeTime is how long problems of the version before are looked for:
	// as long as a resolved one is kept.
	upgradeTime = keepResolved
)

// Upgrade says since when the signatures of a scope are of a version. Its zero
// value is that of a scope that never had another one.
type Upgrade struct {
	Version int       `json:"version"`
	From    int       `json:"from"` // the version before; 0 if there was none
	Since   time.Time `json:"since"`
}

// Looks reports whether what a signature does not find is still to be looked
// for under its earlier ID.
func (u Upgrade) Looks(now time.Time) bool { return u.From > 0 && now.Before(u.Since.Add(upgradeTime)) }

// Upgraded returns since when a scope has a version of signatures instead of
// the one before: since now, if that is seen for the first time. It is the zero
// Upgrade if the scope has no problem of the version before, and may be asked
// again then: engines of that version may run beside this one. The error is a
// [*FormatError], or the store's.
func Upgraded(ctx context.Context, s Store, scope Scope, version int, now time.Time) (Upgrade, error) {
	if version <= 1 {
		return Upgrade{}, nil
	}
	before, err := hasOlder(ctx, s, scope, version)
	if err != nil {
		return Upgrade{}, err
	}
	var u Upgrade
	key := Key{Scope: scope, Kind: KindUpgrade, ID: "upgrade"}
	err = s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		u = Upgrade{}
		if found {
			if err := decodeSmall(key, cur, upgradeVersion, &u); err != nil {
				return Record{}, nil, err
			}
		}
		if u.Version >= version || !before {
			return Record{}, nil, errRead
		}
		u = Upgrade{Version: version, From: version - 1, Since: now}
		data, err := marshal(u, cur.Data)
		return Record{Version: upgradeVersion, Data: data}, nil, err
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	if err != nil || u.Version != version {
		return Upgrade{}, err
	}
	return u, nil
}

// hasOlder reports whether a scope has problems of a version before. In the
// order of IDs they are the first.
func hasOlder(ctx context.Context, s Store, scope Scope, version int) (bool, error) {
	const reports = 3 // whose IDs are always of the first version
	records, err := s.List(ctx, Page{Kind: KindProblem, Scope: &scope, Max: reports + 1})
	for _, r := range records {
		if p, err := DecodeProblem(r); !strings.HasPrefix(r.Key.ID, fmt.Sprintf("v%d", version)) && (err != nil || p.Report == "") {
			return true, nil
		}
	}
	return false, err
}

// decodeSmall reads a record of one small object.
func decodeSmall(key Key, cur Record, version int, v any) error {
	if cur.Version > version {
		return &FormatError{Key: key, Version: cur.Version}
	}
	if err := json.Unmarshal(cur.Data, v); err != nil {
		return &FormatError{Key: key, Version: cur.Version, Err: err}
	}
	return nil
}
