package correlate

import (
	"context"
	"encoding/json"
	"time"
)

// KindAdoption is the kind of the record that says since when a scope is
// watched.
const KindAdoption Kind = "adoption"

const adoptionVersion = 1

// adoption is that record.
type adoption struct {
	Began time.Time `json:"began"`
}

// Adopt returns since when a scope is watched: since now, if no engine has
// adopted it before.
func Adopt(ctx context.Context, s Store, scope Scope, now time.Time) (time.Time, error) {
	var a adoption
	key := Key{Scope: scope, Kind: KindAdoption, ID: "adoption"}
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		a = adoption{Began: now}
		if found {
			return cur, nil, decodeSmall(key, cur, adoptionVersion, &a)
		}
		data, err := json.Marshal(a)
		return Record{Version: adoptionVersion, Data: data}, nil, err
	})
	return a.Began, err
}
