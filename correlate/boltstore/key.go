package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Keys are sequences of parts, of which no sequence is the start of another and
// which sort as their parts do. A part ends with 00 01; a 00 in it becomes
// 00 FF.

// appendPart appends one part.
func appendPart(b []byte, part string) []byte {
	for {
		i := bytes.IndexByte([]byte(part), 0)
		if i < 0 {
			return append(append(b, part...), 0, 1)
		}
		b = append(append(b, part[:i]...), 0, 0xFF)
		part = part[i+1:]
	}
}

var errKey = errors.New("a key is not one that this package writes")

// cutPart returns the first part of a key, and what follows it.
func cutPart(b []byte) (part string, rest []byte, err error) {
	var out []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return "", nil, errKey
		}
		out = append(out, b[:i]...)
		switch b[i+1] {
		case 1:
			return string(out), b[i+2:], nil
		case 0xFF:
			out, b = append(out, 0), b[i+2:]
		default:
			return "", nil, errKey
		}
	}
}

// recordKey is the key of a record: the order is that of [correlate.Store.List].
func recordKey(k correlate.Key) []byte {
	b := make([]byte, 0, 128)
	b = appendPart(b, string(k.Kind))
	b = appendPart(b, k.Scope.Namespace)
	b = appendPart(b, k.Scope.Service)
	b = appendPart(b, k.Scope.Environment)
	return appendPart(b, k.ID)
}

// kindKey is the start of the keys of a kind and, if there is one, a scope.
func kindKey(kind correlate.Kind, scope *correlate.Scope) []byte {
	b := appendPart(nil, string(kind))
	if scope != nil {
		b = appendPart(b, scope.Namespace)
		b = appendPart(b, scope.Service)
		b = appendPart(b, scope.Environment)
	}
	return b
}

// parseRecordKey is the inverse of recordKey.
func parseRecordKey(b []byte) (correlate.Key, error) {
	var k correlate.Key
	var kind string
	for _, part := range []*string{&kind, &k.Scope.Namespace, &k.Scope.Service, &k.Scope.Environment, &k.ID} {
		var err error
		if *part, b, err = cutPart(b); err != nil {
			return correlate.Key{}, err
		}
	}
	if len(b) > 0 {
		return correlate.Key{}, errKey
	}
	k.Kind = correlate.Kind(kind)
	return k, nil
}

// deliveryKey is the key of a delivery. No key may be empty; an ID may.
func deliveryKey(id string) []byte { return append([]byte{'d'}, id...) }

// lineKey is the key of a delivery among those of its record and sink; without
// a number, their start.
func lineKey(record []byte, sink string) []byte {
	b := make([]byte, 0, len(record)+len(sink)+10)
	return appendPart(append(b, record...), sink)
}

// queueKey is the start of the keys of the deliveries of a scope and sink.
func queueKey(s correlate.Scope, sink string) []byte {
	b := make([]byte, 0, 128)
	b = appendPart(b, s.Namespace)
	b = appendPart(b, s.Service)
	b = appendPart(b, s.Environment)
	return appendPart(b, sink)
}

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

// timeSize is the length of a time.
const timeSize = 12

// appendTime appends a time so that it sorts: before 1970, too.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

// parseTime is the inverse of appendTime, in UTC.
func parseTime(b []byte) (time.Time, error) {
	if len(b) != timeSize {
		return time.Time{}, errors.New("a time has a wrong length")
	}
	nano := binary.BigEndian.Uint32(b[8:])
	if nano >= 1e9 {
		return time.Time{}, errors.New("a time has too many nanoseconds")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(nano)).UTC(), nil
}
