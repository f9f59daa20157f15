package boltstore

import "time"

// format is the version of the layout of the file that this package writes. It
// grows with what an older program need not know; oldest grows when an older one
// would do harm.
const (
	format = 1
	oldest = 1
)

var (
	formatKey = []byte("format")
	stateKey  = []byte("state")
)

// layout says which programs may open a file.
type layout struct {
	format  int64
	oldest  int64 // the oldest format whose programs may write the file
	unknown []byte
}

func (l layout) append(b []byte) []byte {
	b = appendInt(b, 1, l.format)
	b = appendInt(b, 2, l.oldest)
	return append(b, l.unknown...)
}

func parseLayout(fields []byte) (l layout, err error) {
	l.unknown, err = eachField(fields, func(number uint64, value []byte) (known bool, err error) {
		switch number {
		case 1:
			l.format, err = parseInt(value)
		case 2:
			l.oldest, err = parseInt(value)
		default:
			return false, nil
		}
		return true, err
	})
	return l, err
}

// state is what is in a file. It is written with every change.
type state struct {
	revision   int64 // counts the transactions that changed something
	number     int64 // of the delivery that was queued last
	records    int64
	deliveries int64
	lines      int64 // first ones of a line, which stand in a queue
	idle       int64 // records that may be given up
	bytes      int64 // of records and deliveries
	idleBytes  int64
	now        time.Time // the newest Claim.Now
	unknown    []byte
}

func (s state) append(b []byte) []byte {
	for i, n := range []int64{s.revision, s.number, s.records, s.deliveries, s.lines, s.idle, s.bytes, s.idleBytes} {
		b = appendInt(b, uint64(i+1), n)
	}
	b = appendTimeField(b, 9, s.now)
	return append(b, s.unknown...)
}

func parseState(fields []byte) (s state, err error) {
	numbers := []*int64{&s.revision, &s.number, &s.records, &s.deliveries, &s.lines, &s.idle, &s.bytes, &s.idleBytes}
	s.unknown, err = eachField(fields, func(number uint64, value []byte) (known bool, err error) {
		switch {
		case number >= 1 && number <= uint64(len(numbers)):
			*numbers[number-1], err = parseInt(value)
		case number == 9:
			s.now, err = parseTime(value)
		default:
			return false, nil
		}
		return true, err
	})
	return s, err
}
