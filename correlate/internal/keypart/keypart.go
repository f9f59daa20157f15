// Package keypart writes the keys of stores that keep them as bytes: sequences of
// parts, of which no sequence is the start of another and which sort as their parts
// do. It is part of the stores' formats, and must never change.
package keypart

import (
	"bytes"
	"errors"

	"github.com/spanticket/spanticket/correlate"
)

// ErrForm is returned for a key that this package has not written.
var ErrForm = errors.New("a key is not one that a store writes")

// Append appends a part: it ends with 00 01, and a 00 in it becomes 00 FF.
func Append(b []byte, part string) []byte {
	for i := range len(part) {
		b = append(b, part[i])
		if part[i] == 0 {
			b = append(b, 0xFF)
		}
	}
	return append(b, 0, 1)
}

// Cut returns the first part, and what follows it.
func Cut(b []byte) (part string, rest []byte, err error) {
	var out []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return "", nil, ErrForm
		}
		out = append(out, b[:i]...)
		switch b[i+1] {
		case 1:
			return string(out), b[i+2:], nil
		case 0xFF:
			out, b = append(out, 0), b[i+2:]
		default:
			return "", nil, ErrForm
		}
	}
}

// AppendScope appends the parts of a scope.
func AppendScope(b []byte, s correlate.Scope) []byte {
	return Append(Append(Append(b, s.Namespace), s.Service), s.Environment)
}

// AppendKind appends the start of the keys of a kind and, if there is one, a scope.
func AppendKind(b []byte, kind correlate.Kind, scope *correlate.Scope) []byte {
	b = Append(b, string(kind))
	if scope != nil {
		b = AppendScope(b, *scope)
	}
	return b
}

// AppendKey appends the key of a record. The order is that of
// [correlate.Store.List].
func AppendKey(b []byte, k correlate.Key) []byte {
	return Append(AppendKind(b, k.Kind, &k.Scope), k.ID)
}

// ParseKey is the inverse of AppendKey.
func ParseKey(b []byte) (k correlate.Key, err error) {
	var kind string
	for _, part := range []*string{&kind, &k.Scope.Namespace, &k.Scope.Service, &k.Scope.Environment, &k.ID} {
		if *part, b, err = Cut(b); err != nil {
			return correlate.Key{}, err
		}
	}
	if len(b) > 0 {
		return correlate.Key{}, ErrForm
	}
	k.Kind = correlate.Kind(kind)
	return k, nil
}
