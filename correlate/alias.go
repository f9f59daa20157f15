package correlate

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// KindAlias is the kind of the records that say which problem a signature is
// counted on, if that was opened under its ID by an earlier version of the
// algorithm. Their ID is the signature's.
const KindAlias Kind = "alias"

const (
	aliasVersion = 1

	// aliasRefresh is how exactly an alias lives as long as its problem. Each
	// write gives it the time that the problem may stay if nothing more
	// happens, and a month more for a resolution that is late.
	aliasRefresh = 24 * time.Hour
	aliasSpare   = 30 * 24 * time.Hour
)

// Alias says that a signature stands for a problem with another ID.
type Alias struct {
	Problem string    `json:"problem"` // ID
	Written time.Time `json:"written"`
}

// Stale reports whether the alias is to be written again, so that it outlives
// its problem.
func (a Alias) Stale(now time.Time) bool { return !now.Before(a.Written.Add(aliasRefresh)) }

// aliasKey returns the key of the alias of the problem that a signature would
// have.
func aliasKey(problem Key) Key { return Key{Scope: problem.Scope, Kind: KindAlias, ID: problem.ID} }

// FindAlias returns the alias of the problem that a signature would have, or
// the zero Alias if there is none. The error is a [*FormatError], or the
// store's.
func FindAlias(ctx context.Context, s Store, problem Key) (Alias, error) {
	var a Alias
	key := aliasKey(problem)
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		a = Alias{}
		if !found {
			return Record{}, nil, errRead
		}
		if err := decodeSmall(key, cur, aliasVersion, &a); err != nil {
			return Record{}, nil, err
		}
		return Record{}, nil, errRead
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return a, err
}

// FindProblem returns the problem that a signature is counted on: as
// [ReadProblem] does or, if there is none, the one that its alias names.
func FindProblem(ctx context.Context, s Store, key Key) (Problem, error) {
	p, err := ReadProblem(ctx, s, key)
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	a, failed := FindAlias(ctx, s, key)
	if failed != nil || a.Problem == "" {
		return p, cmp.Or(failed, err)
	}
	key.ID = a.Problem
	return ReadProblem(ctx, s, key)
}

// WriteAlias makes a signature stand for the problem with another ID, or has
// its alias live on. If another engine has given it an alias, that one is
// returned: all agree. quiet is how long the problem stays open when nothing
// happens.
func WriteAlias(ctx context.Context, s Store, problem Key, id string, quiet time.Duration, now time.Time) (Alias, error) {
	var a Alias
	key := aliasKey(problem)
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		a = Alias{Problem: id}
		if found {
			if err := decodeSmall(key, cur, aliasVersion, &a); err != nil {
				return Record{}, nil, err
			}
		}
		a.Written = now
		data, err := marshal(a, cur.Data)
		return Record{Version: aliasVersion, Data: data, Expires: now.Add(quiet + keepResolved + aliasSpare)}, nil, err
	})
	return a, err
}

// DropAlias ends an alias whose problem the store has forgotten, unless it
// stands for another one by now.
func DropAlias(ctx context.Context, s Store, problem Key, id string) error {
	key := aliasKey(problem)
	err := s.Update(ctx, key, func(cur Record, found bool) (Record, []Delivery, error) {
		var a Alias
		if !found || decodeSmall(key, cur, aliasVersion, &a) == nil && a.Problem != id {
			return Record{}, nil, errRead
		}
		return Record{}, nil, nil
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return err
}
