package boltstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// A bucket is one table of the file. Its name is the first byte of what the
// checksum of an entry covers, so that an entry belongs to one bucket alone.
type bucket byte

const (
	headerBucket   bucket = 'h' // what the file is, and what is in it
	recordBucket   bucket = 'r' // records, by recordKey
	idleBucket     bucket = 'i' // records that may be given up, by expiry and recordKey
	deliveryBucket bucket = 'd' // deliveries, by ID
	lineBucket     bucket = 'l' // their IDs by record, sink and number: the order in which they were queued
	queueBucket    bucket = 'q' // of the first of each line by scope, sink, when it is free, and number
)

var buckets = []bucket{headerBucket, recordBucket, idleBucket, deliveryBucket, lineBucket, queueBucket}

func (b bucket) name() []byte { return []byte{byte(b)} }

// An entry is a checksum and fields. A field is a number, a length and so many
// bytes; a program keeps those whose number it does not know.
const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b bucket, key, fields []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte{byte(b)})
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, fields)
}

// newEntry returns room for an entry, to append fields to.
func newEntry(size int) []byte { return make([]byte, checksumSize, checksumSize+size) }

// seal completes an entry.
func seal(b bucket, key, entry []byte) []byte {
	binary.LittleEndian.PutUint32(entry, checksum(b, key, entry[checksumSize:]))
	return entry
}

var (
	errChecksum = errors.New("an entry does not match its checksum")
	errField    = errors.New("an entry ends within a field")
)

// unseal returns the fields of an entry.
func unseal(b bucket, key, entry []byte) ([]byte, error) {
	if len(entry) < checksumSize || binary.LittleEndian.Uint32(entry) != checksum(b, key, entry[checksumSize:]) {
		return nil, errChecksum
	}
	return entry[checksumSize:], nil
}

func appendField(b []byte, number uint64, value []byte) []byte {
	b = binary.AppendUvarint(b, number)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

func appendText(b []byte, number uint64, value string) []byte {
	b = binary.AppendUvarint(b, number)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

func appendInt(b []byte, number uint64, value int64) []byte {
	var buf [binary.MaxVarintLen64]byte
	return appendField(b, number, binary.AppendVarint(buf[:0], value))
}

func appendTimeField(b []byte, number uint64, value time.Time) []byte {
	var buf [timeSize]byte
	return appendField(b, number, appendTime(buf[:0], value))
}

// eachField calls visit for each field. It returns a copy of what visit does not
// know.
func eachField(fields []byte, visit func(number uint64, value []byte) (known bool, err error)) (unknown []byte, err error) {
	for len(fields) > 0 {
		whole := fields
		number, n := binary.Uvarint(fields)
		if n <= 0 {
			return nil, errField
		}
		fields = fields[n:]
		size, n := binary.Uvarint(fields)
		if n <= 0 || size > uint64(len(fields)-n) {
			return nil, errField
		}
		value := fields[n : n+int(size)]
		fields = fields[n+int(size):]
		known, err := visit(number, value)
		if err != nil {
			return nil, err
		}
		if !known {
			unknown = append(unknown, whole[:len(whole)-len(fields)]...)
		}
	}
	return unknown, nil
}

func parseInt(b []byte) (int64, error) {
	v, n := binary.Varint(b)
	if n <= 0 || n != len(b) {
		return 0, errors.New("a number has a wrong length")
	}
	return v, nil
}

// record is a record as it is stored.
type record struct {
	version  int64
	data     []byte // not nil
	expires  time.Time
	revision int64 // of the store when it was written; tells which of two copies is newer
	unknown  []byte
}

func (r record) append(b []byte) []byte {
	b = appendInt(b, 1, r.version)
	b = appendField(b, 2, r.data)
	if !r.expires.IsZero() {
		b = appendTimeField(b, 3, r.expires)
	}
	b = appendInt(b, 4, r.revision)
	return append(b, r.unknown...)
}

// parseRecord reads the fields of a record. Data is a part of them.
func parseRecord(fields []byte) (r record, err error) {
	r.data = []byte{}
	r.unknown, err = eachField(fields, func(number uint64, value []byte) (known bool, err error) {
		switch number {
		case 1:
			r.version, err = parseInt(value)
		case 2:
			r.data = value
		case 3:
			r.expires, err = parseTime(value)
		case 4:
			r.revision, err = parseInt(value)
		default:
			return false, nil
		}
		return true, err
	})
	return r, err
}

// delivery is a delivery as it is stored.
type delivery struct {
	correlate.Delivery
	number  int64     // of all deliveries ever queued, in order
	free    time.Time // when it can be claimed, if it is the first of its line
	unknown []byte
}

func (d delivery) append(b []byte) []byte {
	b = appendInt(b, 1, d.number)
	b = appendField(b, 2, recordKey(d.Key))
	b = appendText(b, 3, d.Sink)
	b = appendText(b, 4, string(d.Operation))
	b = appendTimeField(b, 5, d.Due)
	b = appendInt(b, 6, int64(d.Attempts))
	b = appendTimeField(b, 7, d.Created)
	if d.Lease != "" {
		b = appendText(b, 8, d.Lease)
	}
	b = appendTimeField(b, 9, d.free)
	return append(b, d.unknown...)
}

// parseDelivery reads a delivery, whose ID stands in its key.
func parseDelivery(key, fields []byte) (d delivery, err error) {
	if len(key) == 0 || key[0] != 'd' {
		return d, keypart.ErrForm
	}
	d.ID = string(key[1:])
	keyed := false
	d.unknown, err = eachField(fields, func(number uint64, value []byte) (known bool, err error) {
		switch number {
		case 1:
			d.number, err = parseInt(value)
		case 2:
			keyed = true
			d.Key, err = keypart.ParseKey(value)
		case 3:
			d.Sink = string(value)
		case 4:
			d.Operation = correlate.Operation(value)
		case 5:
			d.Due, err = parseTime(value)
		case 6:
			var n int64
			n, err = parseInt(value)
			d.Attempts = int(n)
		case 7:
			d.Created, err = parseTime(value)
		case 8:
			d.Lease = string(value)
		case 9:
			d.free, err = parseTime(value)
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && !keyed {
		err = keypart.ErrForm
	}
	return d, err
}
