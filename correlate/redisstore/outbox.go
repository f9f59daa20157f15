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
)

// formatIntent writes what does not change of a delivery and is not in its
// line. What a newer version adds at the end is kept, and passed over here.
func formatIntent(d correlate.Delivery) string {
	b := appendPart(nil, string(d.Operation))
	return string(appendPart(b, formatTime(d.Created)))
}

// Claim implements [correlate.Store]. Deliveries come in the order in which they
// became due. If ctx ends, or the answer is lost, what may have been claimed
// waits until the lease has run out.
func (s *Store) Claim(ctx context.Context, c correlate.Claim) ([]correlate.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(c.Sinks) == 0 || c.Max <= 0 {
		return nil, nil
	}
	since, ask := s.lull.Begin(c)
	if !ask {
		return nil, nil
	}
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
		args = append(args, appendPart(nil, string(op)))
	}
	answer, err := call(ctx, s, func(ctx context.Context) ([]any, error) {
		return claimScript.Run(ctx, s.client, keys, args...).Slice()
	})
	if err != nil {
		return nil, fmt.Errorf("redisstore: claim for %s: %w", c.Scope, err)
	}
	out, err := parseClaim(answer, c.Scope, sinks)
	if err != nil {
		return out, fmt.Errorf("redisstore: claim for %s: %w", c.Scope, err)
	}
	if len(out) > 0 {
		s.lull.Found(c)
		return out, nil
	}
	due, free := time.Time{}, time.Duration(-1)
	if micros, err := strconv.ParseInt(fmt.Sprint(answer[1]), 10, 64); err == nil {
		due = time.UnixMicro(micros)
	}
	if micros, err := strconv.ParseInt(fmt.Sprint(answer[2]), 10, 64); err == nil {
		free = time.Duration(micros) * time.Microsecond
	}
	s.lull.Empty(c, since, due, free)
	return nil, nil
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
		key, ok := parseLinePart(line, scope)
		if !ok || sink < 0 || int(sink) >= len(sinks) {
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
	operation, intent, ok := part(intent)
	if !ok {
		return errors.New("no operation")
	}
	created, _, ok := part(intent)
	if !ok {
		return errors.New("no time of creation")
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
