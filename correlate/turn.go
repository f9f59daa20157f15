package correlate

import (
	"context"
	"errors"
	"time"
)

// KindTurn is the kind of the records that say whose turn it is to do what one
// engine does for the whole fleet. Their scope is the zero Scope.
const KindTurn Kind = "turn"

const turnVersion = 1

// turn is that record.
type turn struct {
	By    string    `json:"by"`
	Until time.Time `json:"until"`
}

// TakeTurn reports whether it is the caller's turn to do something for the fleet: it
// was before, or nobody's. It is the caller's for so long from now. Clocks that
// differ can make it that of two.
func TakeTurn(ctx context.Context, s Store, what, by string, lasts time.Duration, now time.Time) (bool, error) {
	var mine bool
	key := Key{Kind: KindTurn, ID: what}
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		var t turn
		if found {
			if err := decodeSmall(key, cur, turnVersion, &t); err != nil {
				return Record{}, nil, err
			}
		}
		// One that ends later than any may is by a clock that is wrong.
		if mine = t.By == by || !now.Before(t.Until) || t.Until.After(now.Add(2*lasts)); !mine {
			return Record{}, nil, errRead
		}
		t = turn{By: by, Until: now.Add(lasts)}
		data, err := marshal(t, cur.Data)
		return Record{Version: turnVersion, Data: data, Expires: t.Until.Add(lasts)}, nil, err
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return mine && err == nil, err
}
