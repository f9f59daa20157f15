package correlate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
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
		return fmt.Sprintf("correlate: problem %s of %s has format %d, this program knows up to %d: run a newer one", e.Key.ID, e.Key.Scope, e.Version, problemVersion)
	}
	return fmt.Sprintf("correlate: problem %s of %s cannot be stored or read: %v", e.Key.ID, e.Key.Scope, e.Err)
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
// into the record it replaces, and this one does not know, is kept. The error
// is a [*FormatError].
func EncodeProblem(p Problem, cur Record) (Record, error) {
	data, err := json.Marshal(p)
	if err == nil {
		data, err = keepUnknown(data, cur.Data)
	}
	if err != nil {
		key := Key{Scope: p.Scope, Kind: KindProblem, ID: p.ID}
		return Record{}, &FormatError{Key: key, Version: problemVersion, Err: err}
	}
	return Record{Version: problemVersion, Data: data, Expires: p.Expires()}, nil
}

// keepUnknown adds to the object next the members of the object cur that next
// has not. Problem writes all of its fields always, so that a member it has
// not is one it does not know.
func keepUnknown(next, cur []byte) ([]byte, error) {
	if len(cur) == 0 {
		return next, nil
	}
	var old, have map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(cur, &old), json.Unmarshal(next, &have)); err != nil {
		return nil, err
	}
	// Decoding does not tell cases apart: a COUNT that is kept would be read
	// back as the count.
	maps.DeleteFunc(old, func(k string, _ json.RawMessage) bool {
		for known := range have {
			if strings.EqualFold(k, known) {
				return true
			}
		}
		return false
	})
	if len(old) == 0 {
		return next, nil
	}
	rest, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{next[:len(next)-1], rest[1:]}, []byte{','}), nil
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
