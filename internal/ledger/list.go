package ledger

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spanticket/spanticket/correlate"
)

// page is how many records are asked for at once.
const page = 256

// EachProblem calls fn with the stored problems of a scope, in order of their
// IDs. Those that a newer program wrote are passed over.
func EachProblem(ctx context.Context, s correlate.Store, scope correlate.Scope, fn func(correlate.Problem)) error {
	if err := each(ctx, s, &scope, nil, fn); err != nil {
		return fmt.Errorf("ledger: listing the problems of %s: %w", scope, err)
	}
	return nil
}

// EveryProblem does the same for all scopes, in their order.
func EveryProblem(ctx context.Context, s correlate.Store, fn func(correlate.Problem)) error {
	if err := each(ctx, s, nil, nil, fn); err != nil {
		return fmt.Errorf("ledger: listing all problems: %w", err)
	}
	return nil
}

// parkedMark is in the record of a problem of which something is parked.
var parkedMark = []byte(`"parked":{`)

// isOver reports, without reading all of it, whether a record is of a problem that is
// over, or was never open, and of which nothing is to be told anybody.
func isOver(r correlate.Record) bool {
	return !r.Expires.IsZero() && !bytes.Contains(r.Data, parkedMark)
}

// each passes over the records that pass, if there is one, says so of.
func each(ctx context.Context, s correlate.Store, scope *correlate.Scope, pass func(correlate.Record) bool, fn func(correlate.Problem)) error {
	var after correlate.Key
	for {
		records, err := s.List(ctx, correlate.Page{Kind: correlate.KindProblem, Scope: scope, After: after, Max: page})
		if err != nil {
			return err
		}
		for _, r := range records {
			after = r.Key
			if pass != nil && pass(r) {
				continue
			}
			if p, err := correlate.DecodeProblem(r); err == nil {
				fn(p)
			}
		}
		if len(records) < page {
			return nil
		}
	}
}
