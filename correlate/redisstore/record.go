package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

var recordFields = []string{"v", "d", "x", "m"}

// read returns what is stored, and for a settlement whether its lease is in
// force. The script that writes asks that again.
func (s *Store) read(ctx context.Context, key correlate.Key, end *fleet.Settlement) (out fleet.Stored, err error) {
	type answer struct {
		values []any
		leased bool
	}
	got, err := call(ctx, s, func(ctx context.Context) (answer, error) {
		pipe := s.client.Pipeline()
		record := pipe.HMGet(ctx, s.recordKey(key), recordFields...)
		var delivery *redis.StringCmd
		if end != nil {
			delivery = pipe.HGet(ctx, s.statesKey(key.Scope), end.Delivery.ID)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return answer{}, err
		}
		a := answer{values: record.Val()}
		if end != nil {
			fields := strings.Split(delivery.Val(), " ")
			a.leased = len(fields) >= 4 && fields[3] != "" && fields[3] == end.Delivery.Lease
		}
		return a, nil
	})
	if err != nil {
		return out, fmt.Errorf("reading %s %s of %s: %w", key.Kind, key.ID, key.Scope, err)
	}
	out, err = parseStored(key, got.values)
	out.Leased = got.leased
	return out, err
}

func parseStored(key correlate.Key, values []any) (out fleet.Stored, err error) {
	if len(values) != len(recordFields) {
		return fleet.Stored{}, fmt.Errorf("reading %s %s of %s: Redis returned %d fields, not %d", key.Kind, key.ID, key.Scope, len(values), len(recordFields))
	}
	if marks, ok := values[3].(string); ok {
		out.Marks = []byte(marks)
	}
	data, found := values[1].(string)
	if !found {
		return out, nil
	}
	version, _ := values[0].(string)
	expires, _ := values[2].(string)
	out.Found, out.Record.Key = true, key
	out.Record.Data = append([]byte{}, data...)
	if out.Record.Version, err = strconv.Atoi(version); err == nil {
		out.Record.Expires, err = parseTime(expires)
	}
	if err != nil {
		return fleet.Stored{}, fmt.Errorf("%s %s of %s is damaged: %w", key.Kind, key.ID, key.Scope, err)
	}
	return out, nil
}

// write runs the script that writes.
func (s *Store) write(ctx context.Context, w fleet.Write) (bool, error) {
	key, next, partition := w.Key, w.Next, partitionOf(w.Key.Scope)
	keys := []string{
		s.recordKey(key), s.indexKey(partition), s.expiryKey(partition), s.numberKey(partition),
		s.intentsKey(key.Scope), s.statesKey(key.Scope),
	}
	numbers := make(map[string]int) // of sinks
	number := func(sink string) int {
		n, ok := numbers[sink]
		if !ok {
			n = len(numbers)
			numbers[sink] = n
			keys = append(keys, s.sinkKeys(key.Scope, sink)...)
		}
		return n
	}
	mode, millis := "set", ""
	if next.Data == nil {
		mode = "delete"
	} else if !next.Expires.IsZero() {
		millis = strconv.FormatInt(max(1, next.Expires.UnixMilli()), 10)
	}
	args := []any{
		w.Was.Marks, w.Marks, mode, next.Version, next.Data, formatTime(next.Expires), millis,
		recordPart(key), linePart(key),
	}
	if w.End == nil {
		args = append(args, "", "", "", "", 0, "", 0)
	} else {
		d, o := w.End.Delivery, w.End.Outcome
		number(d.Sink)
		done := ""
		if o.Done {
			done = "done"
		}
		args = append(args, "settle", d.ID, d.Lease, done, d.Attempts, formatTime(o.Due), o.Due.UnixMicro())
	}
	args = append(args, fleet.Remember.Milliseconds())
	for _, d := range w.Add {
		args = append(args, d.ID, number(d.Sink), formatIntent(d), formatTime(d.Due), d.Due.UnixMicro(), d.Attempts)
	}
	answer, err := call(ctx, s, func(ctx context.Context) (string, error) {
		return writeScript.Run(ctx, s.client, keys, args...).Text()
	})
	if err == nil && answer == "lost" {
		err = correlate.ErrLeaseLost
	}
	if err != nil {
		return false, fmt.Errorf("writing %s %s of %s: %w", key.Kind, key.ID, key.Scope, err)
	}
	return answer == "done", nil // or there was a conflict
}

// A time is "seconds:nanoseconds" since 1970, "-" if it is zero.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return strconv.FormatInt(t.Unix(), 10) + ":" + strconv.Itoa(t.Nanosecond())
}

func parseTime(s string) (time.Time, error) {
	if s == "-" {
		return time.Time{}, nil
	}
	seconds, nanos, _ := strings.Cut(s, ":")
	sec, err1 := strconv.ParseInt(seconds, 10, 64)
	nsec, err2 := strconv.ParseInt(nanos, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: %w", s, err)
	}
	return time.Unix(sec, nsec).UTC(), nil
}
