package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/correlate/internal/keypart"
)

// formatIntent writes what does not change of a delivery and is not in its
// line. What a newer version adds at the end is kept, and passed over here.
func formatIntent(d correlate.Delivery) string {
	return string(keypart.Append(keypart.Append(nil, string(d.Operation)), formatTime(d.Created)))
}

// Claim implements [correlate.Store]. Deliveries come in the order in which they
// became due. If ctx ends, or the answer is lost, what may have been claimed
// waits until the lease has run out.
func (s *Store) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	out, err := s.lull.Claim(ctx, c, func() ([]correlate.Delivery, time.Time, time.Duration, error) { return s.claim(ctx, c) })
	if err != nil {
		return nil, fmt.Errorf("redisstore: claim: %w", err)
	}
	return out, nil
}

// claim also returns when the first line that waits is due, or zero, and in how
// long the first lease ends, or a negative duration.
func (s *Store) claim(ctx context.Context, c correlate.Claim) (out []correlate.Delivery, due time.Time, free time.Duration, err error) {
	keys := []string{s.intentsKey(c.Scope), s.statesKey(c.Scope)}
	var sinks []string
	for i, sink := range c.Sinks {
		if !slices.Contains(c.Sinks[:i], sink) {
			sinks = append(sinks, sink)
			keys = append(keys, s.sinkKeys(c.Scope, sink)...)
		}
	}
	args := []any{c.Now.UnixMicro(), c.Lease.Microseconds(), c.Max, rand.Text()}
	for _, op := range c.Operations {
		args = append(args, keypart.Append(nil, string(op)))
	}
	answer, err := call(ctx, s, func(ctx context.Context) ([]any, error) {
		return claimScript.Run(ctx, s.client, keys, args...).Slice()
	})
	if err != nil {
		return nil, due, 0, err
	}
	if out, err = parseClaim(answer, c.Scope, sinks); err != nil {
		return nil, due, 0, err
	}
	free = -1
	if micros, err := strconv.ParseInt(fmt.Sprint(answer[1]), 10, 64); err == nil {
		due = time.UnixMicro(micros)
	}
	if micros, err := strconv.ParseInt(fmt.Sprint(answer[2]), 10, 64); err == nil {
		free = time.Duration(micros) * time.Microsecond
	}
	return out, due, free, nil
}

var errAnswer = errors.New("the script answered with what it does not return")

func parseClaim(answer []any, scope correlate.Scope, sinks []string) ([]correlate.Delivery, error) {
	if len(answer) != 3 {
		return nil, errAnswer
	}
	list, ok := answer[0].([]any)
	if !ok {
		return nil, errAnswer
	}
	out := make([]correlate.Delivery, 0, len(list))
	for _, item := range list {
		fields, ok := item.([]any)
		if !ok || len(fields) != 5 {
			return out, errAnswer
		}
		id, _ := fields[0].(string)
		intent, _ := fields[1].(string)
		state, _ := fields[2].(string)
		sink, _ := fields[3].(int64)
		line, _ := fields[4].(string)
		key, err := parseLinePart(line, scope)
		if err != nil || sink < 0 || int(sink) >= len(sinks) {
			return out, errAnswer
		}
		d := correlate.Delivery{ID: id, Key: key, Sink: sinks[sink]}
		if err := parseDelivery(&d, intent, state); err != nil {
			return out, fmt.Errorf("delivery %q is damaged: %w", id, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// parseDelivery reads an intent, and a state: attempts, due, the same in
// microseconds, and lease.
func parseDelivery(d *correlate.Delivery, intent, state string) (err error) {
	operation, rest, err := keypart.Cut([]byte(intent))
	if err != nil {
		return fmt.Errorf("its operation: %w", err)
	}
	created, _, err := keypart.Cut(rest)
	if err != nil {
		return fmt.Errorf("its time of creation: %w", err)
	}
	fields := strings.Split(state, " ")
	if len(fields) < 4 {
		return fmt.Errorf("state %q", state)
	}
	d.Operation, d.Lease = correlate.Operation(operation), fields[3]
	if d.Created, err = parseTime(created); err != nil {
		return err
	}
	if d.Due, err = parseTime(fields[1]); err != nil {
		return err
	}
	d.Attempts, err = strconv.Atoi(fields[0])
	return err
}
