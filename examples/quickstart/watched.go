package main

import (
	"context"
	"sync"
)

// watched is a value that goroutines change while others wait for what they
// make of it. Its zero value holds the zero T.
type watched[T any] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{} // closed at the next change; nil while nobody waits
}

func (w *watched[T]) change(fn func(*T)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(&w.value)
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// view calls fn with the value, which fn must not keep.
func (w *watched[T]) view(fn func(T)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(w.value)
}

// await returns when ok does, or why it did not come to that.
func (w *watched[T]) await(ctx context.Context, ok func(T) bool) error {
	for {
		w.mu.Lock()
		if ok(w.value) {
			w.mu.Unlock()
			return nil
		}
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
