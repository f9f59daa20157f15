package boltstore

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// recordKey is the key of a record: the order is that of [correlate.Store.List].
func recordKey(k correlate.Key) []byte { return keypart.AppendKey(make([]byte, 0, 128), k) }

// deliveryKey is the key of a delivery. No key may be empty; an ID may.
func deliveryKey(id string) []byte { return append([]byte{'d'}, id...) }

// lineKey is the key of a delivery among those of its record and sink; without
// a number, their start.
func lineKey(record []byte, sink string) []byte {
	b := make([]byte, 0, len(record)+len(sink)+10)
	return keypart.Append(append(b, record...), sink)
}

// queueKey is the start of the keys of the deliveries of a scope and sink.
func queueKey(s correlate.Scope, sink string) []byte {
	return keypart.Append(keypart.AppendScope(make([]byte, 0, 128), s), sink)
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
