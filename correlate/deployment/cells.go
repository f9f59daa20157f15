package deployment

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

const (
	// Counts are kept by the minute for so long, and then by ten minutes.
	keepMinutes = 3 * time.Hour
	wide        = 10
	// keepCounts is how long they are kept: for the day before a change, of which a
	// problem within the window comes.
	keepCounts = 26 * time.Hour
	// maxCells bounds what is read of one operation; no more can be written.
	maxCells = 32 << 10
)

// cell is what was counted in one minute, or in ten.
type cell struct {
	key           uint32 // minutes since 1970 and, in the last bit, whether there are ten of them
	total, failed uint32
}

func cellOf(minute time.Time, n Count) cell {
	at := min(max(minute.Unix()/60, 0), math.MaxInt32)
	n = n.sane()
	return cell{key: uint32(at) << 1, total: small(n.Total), failed: small(n.Failed)}
}

func small(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }

func (c cell) minutes() time.Duration {
	if c.key&1 == 1 {
		return wide * time.Minute
	}
	return time.Minute
}

func (c cell) start() time.Time { return time.Unix(int64(c.key>>1)*60, 0) }

// widened returns the cell as a part of ten minutes.
func (c cell) widened() cell {
	at := c.key >> 1
	c.key = (at-at%wide)<<1 | 1
	return c
}

// and adds what was counted in the same time.
func (c cell) and(d cell) cell {
	c.total = small(int64(c.total) + int64(d.total))
	c.failed = small(int64(c.failed) + int64(d.failed))
	return c
}

// series is what was counted of one operation, in order of time. Cells that are in it are not changed:
// who has a series may go on reading it.
type series []cell

func (s series) add(c cell) series {
	if n := len(s); n == 0 || s[n-1].key < c.key {
		return append(s, c)
	}
	return s.plus(series{c})
}

// plus returns the sum of two series.
func (s series) plus(other series) series {
	switch {
	case len(other) == 0:
		return slices.Clip(s)
	case len(s) == 0:
		return slices.Clip(other)
	}
	out := make(series, 0, len(s)+len(other))
	for len(s) > 0 && len(other) > 0 {
		switch cmp.Compare(s[0].key, other[0].key) {
		case -1:
			out, s = append(out, s[0]), s[1:]
		case 1:
			out, other = append(out, other[0]), other[1:]
		default:
			out, s, other = append(out, s[0].and(other[0])), s[1:], other[1:]
		}
	}
	return append(append(out, s...), other...)
}

// aged returns what of a series is kept at a time: ten minutes in one from some age on,
// and nothing that is too old.
func (s series) aged(now time.Time) series {
	oldest, narrow := cellOf(now.Add(-keepCounts), Count{}).key, cellOf(now.Add(-keepMinutes), Count{}).widened().key
	gone, _ := slices.BinarySearchFunc(s, oldest, func(c cell, key uint32) int { return cmp.Compare(c.key, key) })
	s = s[gone:]
	if len(s) == 0 || s[0].key >= narrow || !slices.ContainsFunc(s, func(c cell) bool { return c.key < narrow && c.key&1 == 0 }) {
		return s
	}
	var out series
	var rest series
	for _, c := range s {
		if c.key >= narrow {
			rest = append(rest, c)
			continue
		}
		c = c.widened()
		if n := len(out); n > 0 && out[n-1].key == c.key {
			out[n-1] = out[n-1].and(c)
		} else {
			out = append(out, c)
		}
	}
	return append(out, rest...)
}

// sum returns all that was counted.
func (s series) sum() (n Count) {
	for _, c := range s {
		n.Total += int64(c.total)
		n.Failed += int64(c.failed)
	}
	return n
}

var errCells = errors.New("deployment: what was counted cannot be read")

// text writes a series: for each cell its distance in minutes to the one before, whether it has ten of
// them, whether any call failed, and the counts.
func (s series) text() string {
	var b []byte
	last := uint32(0)
	for _, c := range s {
		head := uint64(c.key>>1-last)<<2 | uint64(c.key&1)<<1
		last = c.key >> 1
		if c.failed > 0 {
			head |= 1
		}
		b = binary.AppendUvarint(b, head)
		b = binary.AppendUvarint(b, uint64(c.total))
		if c.failed > 0 {
			b = binary.AppendUvarint(b, uint64(c.failed))
		}
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// seriesOf reads a series. What it returns has cells in order, no time twice, and no more failures than calls.
func seriesOf(text string) (series, error) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errCells
	}
	next := func() (v uint64) {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > math.MaxUint32<<3 {
			err = errCells
			return 0
		}
		b = b[n:]
		return v
	}
	var s series
	at := uint64(0)
	for len(b) > 0 {
		head := next()
		at += head >> 2
		total, failed := next(), uint64(0)
		if head&1 == 1 {
			failed = next()
		}
		if err != nil || at > math.MaxInt32 || total > math.MaxUint32 || failed > total || len(s) >= maxCells {
			return nil, errCells
		}
		c := cell{key: uint32(at)<<1 | uint32(head>>1&1), total: uint32(total), failed: uint32(failed)}
		if n := len(s); n > 0 && s[n-1].key >= c.key {
			return nil, errCells
		}
		s = append(s, c)
	}
	return s, nil
}
