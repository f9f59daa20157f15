package correlate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// problemVersion is the version of the format in which problems are stored.
// It grows when an older program could not make sense of a record; a field
// that is merely new does not change it.
const problemVersion = 1

// FormatError is returned when a stored record cannot be read: it is damaged,
// or a newer program wrote it. It is also returned when a problem cannot be
// written: that will not pass either.
type FormatError struct {
	Key     Key
	Version int   // of the record
	Err     error // what is wrong with it; nil if it is only too new
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("correlate: %s %s of %s has format %d, which this program does not know: run a newer one", e.Key.Kind, e.Key.ID, e.Key.Scope, e.Version)
	}
	return fmt.Sprintf("correlate: %s %s of %s cannot be stored or read: %v", e.Key.Kind, e.Key.ID, e.Key.Scope, e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// DecodeProblem reads a stored problem. The error is a [*FormatError].
func DecodeProblem(r Record) (Problem, error) {
	var p Problem
	if r.Version > problemVersion {
		return p, &FormatError{Key: r.Key, Version: r.Version}
	}
	if err := json.Unmarshal(r.Data, &p); err != nil {
		return Problem{}, &FormatError{Key: r.Key, Version: r.Version, Err: err}
	}
	if p.ID == "" { // null, or another object: to count from nothing would file again
		return Problem{}, &FormatError{Key: r.Key, Version: r.Version, Err: errNoProblem}
	}
	return p, nil
}

var errNoProblem = errors.New("it holds no problem")

// EncodeProblem returns the record of a problem. What a newer program wrote
// into the record it replaces, and this one does not know, is kept with the
// object that it is a member of, as long as that is there: with a sample, with
// what a sink has. The error is a [*FormatError].
func EncodeProblem(p Problem, cur Record) (Record, error) {
	data, err := marshal(p, cur.Data)
	if err != nil {
		key := Key{Scope: p.Scope, Kind: KindProblem, ID: p.ID}
		return Record{}, &FormatError{Key: key, Version: problemVersion, Err: err}
	}
	return Record{Version: problemVersion, Data: data, Expires: p.Expires()}, nil
}

// UpdateProblem changes a problem by a pure function, which also says what to
// deliver. The function is given the zero Problem if there is none.
func UpdateProblem(fn func(p Problem) (Problem, []Delivery, error)) UpdateFunc {
	return func(cur Record, found bool) (Record, []Delivery, error) {
		var p Problem
		if found {
			var err error
			if p, err = DecodeProblem(cur); err != nil {
				return Record{}, nil, err
			}
		}
		p, add, err := fn(p)
		if err != nil {
			return Record{}, nil, err
		}
		next, err := EncodeProblem(p, cur)
		return next, add, err
	}
}

// ErrNotFound is returned by ReadProblem when there is no such problem.
var ErrNotFound = errors.New("correlate: no such problem")

// errRead ends an update that only looks.
var errRead = errors.New("correlate: read only")

// ReadProblem returns a stored problem.
func ReadProblem(ctx context.Context, s Store, key Key) (Problem, error) {
	var p Problem
	err := s.Update(ctx, key, func(cur Record, found bool) (_ Record, _ []Delivery, err error) {
		if !found {
			return Record{}, nil, ErrNotFound
		}
		if p, err = DecodeProblem(cur); err == nil {
			err = errRead
		}
		return Record{}, nil, err
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return p, err
}
