package boltstore

import (
	"errors"
	"fmt"
	"io"

	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// census counts what a walk finds.
type census struct {
	layout   layout
	state    state
	laidOut  bool // layout is what the file says
	stated   bool // state is
	stray    bool // but state is from a page that nothing leads to
	counts   map[bucket]int64
	record   func(k []byte, r record, loose bool)
	delivery func(d delivery, loose bool)
	unknown  func(e entry) // of a bucket that this package does not know
}

var errLoose = errors.New("an entry belongs to no bucket")

// visit counts an entry, and says what is wrong with it.
func (c *census) visit(e entry) error {
	if e.loose {
		for _, b := range buckets {
			if fields, err := unseal(b, e.key, e.value); err == nil {
				return c.take(b, e.key, fields, true)
			}
		}
		return errLoose
	}
	for _, b := range buckets {
		if e.bucket == string(b.name()) {
			fields, err := unseal(b, e.key, e.value)
			if err != nil {
				return err
			}
			return c.take(b, e.key, fields, false)
		}
	}
	if c.unknown != nil {
		c.unknown(e)
	}
	return nil
}

// take counts an entry whose checksum is right.
func (c *census) take(b bucket, key, fields []byte, loose bool) (err error) {
	if c.counts == nil {
		c.counts = map[bucket]int64{}
	}
	c.counts[b]++
	switch b {
	case headerBucket:
		return c.takeHeader(key, fields, loose)
	case recordBucket:
		var r record
		if r, err = parseRecord(fields); err == nil {
			_, err = keypart.ParseKey(key)
		}
		if err == nil && c.record != nil {
			c.record(key, r, loose)
		}
	case deliveryBucket:
		var d delivery
		if d, err = parseDelivery(key, fields); err == nil && c.delivery != nil {
			c.delivery(d, loose)
		}
	}
	return err
}

func (c *census) takeHeader(key, fields []byte, loose bool) (err error) {
	switch string(key) {
	case string(formatKey):
		var l layout
		if l, err = parseLayout(fields); err == nil && l.format >= c.layout.format {
			c.layout, c.laidOut = l, true
		}
	case string(stateKey):
		var s state
		if s, err = parseState(fields); err == nil && (!c.stated || s.revision > c.state.revision) {
			c.state, c.stated, c.stray = s, true, loose
		}
	}
	return err
}

// complete says what is missing of what the file says it holds.
func (c *census) complete(names map[string]bool) error {
	for _, b := range buckets {
		if !names[string(b.name())] {
			return fmt.Errorf("bucket %q is not there", b.name())
		}
	}
	if !c.laidOut || !c.stated {
		return errors.New("the header is not there")
	}
	for _, n := range []struct {
		what  string
		found int64
		want  int64
	}{
		{"records", c.counts[recordBucket], c.state.records},
		{"deliveries", c.counts[deliveryBucket], c.state.deliveries},
		{"places in a line", c.counts[lineBucket], c.state.deliveries},
		{"places in a queue", c.counts[queueBucket], c.state.lines},
		{"records to give up", c.counts[idleBucket], c.state.idle},
	} {
		if n.found != n.want {
			return fmt.Errorf("there are %d %s, of %d", n.found, n.what, n.want)
		}
	}
	return nil
}

// check reads a file, and returns what is wrong with it. A file that is not to
// be touched is [ErrForeign] or [ErrNewer].
func check(r io.ReaderAt, size int64) (wrong error, err error) {
	s, c := newSurvey(r, size), &census{}
	s.walk(c.visit)
	wrong = s.first
	if c.laidOut && c.layout.oldest > format {
		return wrong, fmt.Errorf("%w: its format is %d, this program knows %d", ErrNewer, c.layout.format, format)
	}
	if wrong == nil && !c.laidOut {
		return nil, ErrForeign
	}
	if wrong == nil {
		wrong = c.complete(s.names)
	}
	return wrong, nil
}
