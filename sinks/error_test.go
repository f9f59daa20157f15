package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

func TestReasonOf(t *testing.T) {
	limit := &sinks.Error{Reason: sinks.RateLimited, RetryAfter: time.Second, Err: errors.New("slow down")}
	for rule, c := range map[string]struct {
		err    error
		reason sinks.Reason
		pause  time.Duration
	}{
		"any error is transient":        {errors.New("boom"), sinks.Transient, 0},
		"no error is transient":         {nil, sinks.Transient, 0},
		"an ended context is transient": {context.DeadlineExceeded, sinks.Transient, 0},
		"an Error says it":              {limit, sinks.RateLimited, time.Second},
		"a wrapped Error says it":       {fmt.Errorf("file: %w", limit), sinks.RateLimited, time.Second},
		"a joined Error says it":        {errors.Join(errors.New("close"), limit), sinks.RateLimited, time.Second},
		"the outermost Error wins":      {&sinks.Error{Reason: sinks.Unknown, Err: limit}, sinks.Unknown, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			reason, pause := sinks.ReasonOf(c.err)
			require.Equal(t, c.reason, reason)
			require.Equal(t, c.pause, pause)
		})
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]*sinks.Error{
		"transient":                           {},
		"rejected: title is too long":         {Reason: sinks.Rejected, Err: errors.New("title is too long")},
		"rate_limited (retry after 1m30s)":    {Reason: sinks.RateLimited, RetryAfter: 90 * time.Second},
		"unauthorized: token expired":         {Reason: sinks.Unauthorized, Err: errors.New("token expired")},
		"unknown: context deadline exceeded":  {Reason: sinks.Unknown, Err: context.DeadlineExceeded},
		"reason(99): from a newer version":    {Reason: 99, Err: errors.New("from a newer version")},
		"transient (retry after 1s): gateway": {RetryAfter: time.Second, Err: errors.New("gateway")},
	} {
		require.EqualError(t, err, want)
	}
	require.ErrorIs(t, &sinks.Error{Err: context.DeadlineExceeded}, context.DeadlineExceeded)
}
