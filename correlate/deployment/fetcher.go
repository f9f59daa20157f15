package deployment

import "context"

// Fetcher is [Rates] whose answers have to be fetched before they can be asked for,
// as from a server. An engine calls Prefetch from a goroutine of its own, now and then,
// with what it is going to ask; whoever asks never waits for it. A later Count
// with an equal query is to have the answer.
//
// Prefetch returns when the answers are there, or ctx ends. What it could not find
// out is not known until it is asked for again; the error is for the log.
type Fetcher interface {
	Rates
	Prefetch(ctx context.Context, queries []Query) error
}
