package jsonl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spanticket/spanticket/sinks"
)

// Find reports whether the kept files have a line of the ticket with key. It
// reads them from the newest to the oldest, at most MaxBytes × (MaxFiles + 1)
// bytes when there is none, and writes wait for it; the engine asks only when a
// call's outcome is unknown. A line that was cut short does not count.
func (s *Sink) Find(ctx context.Context, key string) (sinks.Receipt, bool, error) {
	what := "find ticket " + key
	if err := s.enter(ctx); err != nil {
		return sinks.Receipt{}, false, failed(sinks.Transient, what, err)
	}
	defer s.leave()
	quoted, err := json.Marshal(key)
	if err != nil {
		return sinks.Receipt{}, false, failed(sinks.Rejected, what, err)
	}
	mark := append([]byte(`"key":`), quoted...)
	for n := 0; n <= s.maxFiles; n++ {
		found, err := scan(ctx, s.numbered(n), mark, key)
		if err != nil {
			return sinks.Receipt{}, false, failed(sinks.Transient, what, err)
		}
		if found {
			return sinks.Receipt{ID: key}, true, nil
		}
	}
	return sinks.Receipt{}, false, nil
}

// scan looks for key in one file; mark is how a line that has it contains it.
// There may be no such file.
func scan(ctx context.Context, name string, mark []byte, key string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // nothing was written
	r := bufio.NewReaderSize(f, 64<<10)
	var data []byte
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		part, err := r.ReadSlice('\n')
		data = append(data, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		// An attribute may be named key: only the ticket's own counts.
		if bytes.Contains(data, mark) {
			var l struct{ Ticket struct{ Key string } }
			if json.Unmarshal(data, &l) == nil && l.Ticket.Key == key {
				return true, nil
			}
		}
		data = data[:0]
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", name, err)
		}
	}
}
