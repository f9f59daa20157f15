package autoticket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// maxLastWords is how long a goroutine that panics waits for its ticket, if there
// is no journal.
const maxLastWords = time.Second

// Recover files the panic of the goroutine that it is deferred in, and panics on:
//
//	go func() {
//		defer engine.Recover(ctx)
//		...
//	}()
//
// It is for goroutines whose panics end the process, and for operations whose span
// is not ended by a deferred call: what the SDK sees of a panic when it ends a span
// is filed without it. A panic that both see is one failure. It belongs to the
// span in ctx, if there is one, and that may go on.
//
// With a journal (see [Config]) the panic is safe when Recover returns. Without one
// it waits for its ticket to be delivered, for at most a second; of several
// goroutines that panic at once one waits.
//
// It must be deferred itself, and not be called by a deferred function. On a nil
// Engine it does nothing, and the panic goes on.
func (e *Engine) Recover(ctx context.Context) {
	if e.orNil() == nil {
		return
	}
	v := recover()
	if v == nil {
		return
	}
	e.panicked(ctx, v)
	panic(v)
}

func (e *Engine) panicked(ctx context.Context, v any) {
	defer func() { _ = recover() }() // the panic that there is must go on
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return // which says that nothing is wrong
	}
	if e.closed.Load() {
		return
	}
	r := e.s.config.Resource
	if r == nil {
		if all := e.known.all(); len(all) > 0 {
			r = all[0]
		}
	}
	e.s.gate.Panic(ctx, exceptionOf(v), r)
	if e.s.firsts != nil || !e.dying.CompareAndSwap(false, true) {
		return
	}
	defer e.dying.Store(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxLastWords)
	defer cancel()
	_ = e.Flush(ctx)
}

// exceptionOf returns what a panic says, as the SDK records it.
func exceptionOf(v any) correlate.Exception {
	x := correlate.Exception{Type: "unknown", Stacktrace: clip(string(debug.Stack()), maxTrace)}
	switch t := reflect.TypeOf(v); {
	case t.PkgPath() == "" && t.Name() == "":
		x.Type = t.String()
	default:
		x.Type = t.PkgPath() + "." + t.Name()
	}
	if err, ok := v.(error); ok {
		x.Message = errorText(err)
	} else {
		x.Message = fmt.Sprint(v)
	}
	x.Message = clip(x.Message, maxText)
	return x
}
