package correlate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// This library's own frames never count, so that the stacks of its tests are
// given the path of another module, of the same length.
const (
	ownModule = "github.com/spanticket/spanticket"
	disguise  = "shop.example.com/front/checkouts"
	disguised = disguise + "/correlate_test."
)

// recorded returns the stack that the SDK records of what fn does with a span,
// or of the panic that passes through the end of it.
//
//go:noinline
func recorded(fn func(span trace.Span)) string {
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("")
	func() {
		defer func() { _ = recover() }()
		_, span := tracer.Start(context.Background(), "outer")
		defer span.End(trace.WithStackTrace(true))
		fn(span)
	}()
	for _, kv := range recorder.Ended()[0].Events()[0].Attributes {
		if kv.Key == "exception.stacktrace" {
			return strings.ReplaceAll(kv.Value.AsString(), ownModule, disguise)
		}
	}
	return ""
}

// below returns the frames of a disguised stack that are nearer to the failure
// than the test, without their package.
func below(t *testing.T, stack string) string {
	t.Helper()
	got, _, _ := strings.Cut(frames(t, disguise, stack), disguised+"recorded")
	got = strings.TrimSuffix(got, " < ")
	return strings.ReplaceAll(got, disguised, "")
}

type counter struct {
	n     int
	items map[string]int
}

//go:noinline
func (c *counter) grow() { c.n++ }

//go:noinline
func (c counter) put(key string) { c.items[key]++ }

//go:noinline
func (c *counter) each() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range 3 {
			if !yield(i) {
				return
			}
		}
	}
}

//go:noinline
func (c *counter) later(f func()) { sync.OnceFunc(f)() }

// wider has grow of what it embeds.
type wider struct{ *counter }

type grower interface{ grow() }

type bag[K comparable] struct{ m map[K]int }

//go:noinline
func (b *bag[K]) add(k K) { b.m[k]++ }

//go:noinline
func apply[A, B any](in []A, f func(A) B) (out []B) {
	for _, a := range in {
		func() { out = append(out, f(a)) }()
	}
	return out
}

//go:noinline
func call(f func()) { f() }

//go:noinline
func at(list []int, i int) int { return list[i] }

//go:noinline
func from(list []int, i int) []int { return list[i:] }

//go:noinline
func divide(a, b int) int { return a / b }

//go:noinline
func text(v any) string { return v.(string) }

//go:noinline
func stringer(v any) fmt.Stringer { return v.(fmt.Stringer) }

//go:noinline
func shut(c chan int) { close(c) }

//go:noinline
func room(n int) []int { return make([]int, n) }

//go:noinline
func explode() { panic(errors.New("boom")) }

//go:noinline
func walk(depth int) {
	if depth > 0 {
		walk(depth - 1)
	}
	explode()
}

//go:noinline
func ping(depth int) {
	if depth == 0 {
		explode()
	}
	pong(depth - 1)
}

//go:noinline
func pong(depth int) {
	if depth == 0 {
		explode()
	}
	ping(depth - 1)
}

//go:noinline
func recoverer(f func()) {
	defer func() {
		if v := recover(); v != nil {
			panic(fmt.Sprint("again: ", v))
		}
	}()
	f()
}

//go:noinline
func cleanup() { (*counter)(nil).grow() }

//go:noinline
func cleansUp() {
	defer cleanup()
	explode()
}

func TestFramesOfPanics(t *testing.T) {
	tracer := sdktrace.NewTracerProvider().Tracer("")
	for _, tt := range []struct {
		rule string
		fn   func()
		want string
	}{
		{"an error", explode, "explode"},
		{"assignment to a nil map", func() { counter{}.put("a") }, "counter.put < TestFramesOfPanics"},
		{"nil dereference", func() { (*counter)(nil).grow() }, "(*counter).grow < TestFramesOfPanics"},
		{"index out of range", func() { at(nil, 3) }, "at < TestFramesOfPanics"},
		{"slice bounds", func() { from(nil, 3) }, "from < TestFramesOfPanics"},
		{"type assertion", func() { _ = text(1) }, "text < TestFramesOfPanics"},
		{"assertion of an interface", func() { stringer(1) }, "stringer < TestFramesOfPanics"},
		{"division by zero", func() { _ = divide(1, 0) }, "divide < TestFramesOfPanics"},
		{"close of a nil channel", func() { shut(nil) }, "shut < TestFramesOfPanics"},
		{"close of a closed channel", func() { c := make(chan int); shut(c); shut(c) }, "shut < TestFramesOfPanics"},
		{"negative length", func() { _ = room(-1) }, "room < TestFramesOfPanics"},
		{"recursion of any depth is one frame", func() { walk(4) }, "explode < walk < TestFramesOfPanics"},
		{"mutual recursion is a frame of each", func() { ping(4) }, "explode < ping < pong < TestFramesOfPanics"},
		{"a panic in a function that ran because of a panic began with the first", cleansUp, "explode < cleansUp"},
		{"a panic that was passed on began below", func() { recoverer(explode) }, "explode < recoverer < TestFramesOfPanics"},
		{"spans that it passes through do not hide it", func() {
			_, inner := tracer.Start(t.Context(), "inner")
			defer inner.End(trace.WithStackTrace(true))
			explode()
		}, "explode < TestFramesOfPanics"},
		{"generic methods are one", func() { (&bag[string]{}).add("a") }, "(*bag).add < TestFramesOfPanics"},
		{"of any type", func() { (&bag[struct{ a, b int }]{}).add(struct{ a, b int }{}) }, "(*bag).add < TestFramesOfPanics"},
		{"closures are their function", func() { apply([]int{1}, func(int) *bag[string] { explode(); return nil }) }, "explode < TestFramesOfPanics < apply"},
		{"a method value is the method", func() { call((*counter)(nil).grow) }, "(*counter).grow < call < TestFramesOfPanics"},
		{"an embedded method is the method", func() { grower(wider{}).grow() }, "(*counter).grow < TestFramesOfPanics"},
		{"the body of a range over a function is its function", func() {
			for i := range new(counter).each() {
				for j := range new(counter).each() {
					_ = divide(i, j)
				}
			}
		}, "divide < TestFramesOfPanics < (*counter).each"},
		{"frames of the standard library are passed over", func() { sort.Slice([]int{1, 2}, func(int, int) bool { explode(); return false }) }, "explode < TestFramesOfPanics"},
		{"a closure of an inlined function is its caller's", func() { new(counter).later(explode) }, "explode < (*counter).later < TestFramesOfPanics"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			stack := recorded(func(trace.Span) { tt.fn() })
			got := below(t, stack)
			// The closures of this table are this test's, nested or not.
			got = strings.TrimSuffix(got, " < TestFramesOfPanics")
			require.Equal(t, strings.TrimSuffix(tt.want, " < TestFramesOfPanics"), got, stack)
		})
	}
}

// fail is what an application does with an error: it records it, somewhere.
//
//go:noinline
func fail(span trace.Span) { span.RecordError(errors.New("x"), trace.WithStackTrace(true)) }

func TestFramesOfErrors(t *testing.T) {
	for _, tt := range []struct {
		rule string
		fn   func(span trace.Span)
		want string
	}{
		{"the SDK's frames are passed over", fail, "fail"},
		{"those of a handler end at its server", func(span trace.Span) {
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { fail(span) })
			mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}, "fail < TestFramesOfErrors"},
		{"who started the goroutine is not on its stack", func(span trace.Span) {
			var wg sync.WaitGroup
			wg.Go(func() { fail(span) })
			wg.Wait()
		}, "fail < TestFramesOfErrors"},
		{"a goroutine with arguments", func(span trace.Span) {
			done := make(chan bool)
			go func(n int) { fail(span); done <- true }(7)
			<-done
		}, "fail < TestFramesOfErrors"},
		{"what runs on the way out of a goroutine", func(span trace.Span) {
			var wg sync.WaitGroup
			wg.Go(func() { defer fail(span); runtime.Goexit() })
			wg.Wait()
		}, "fail < TestFramesOfErrors"},
		{"what runs because of a panic is told by where that began", func(span trace.Span) {
			defer func() { _ = recover() }()
			defer fail(span)
			explode()
		}, "explode < TestFramesOfErrors"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			stack := recorded(tt.fn)
			require.Equal(t, strings.TrimSuffix(tt.want, " < TestFramesOfErrors"), strings.TrimSuffix(below(t, stack), " < TestFramesOfErrors"), stack)
		})
	}
}

// route calls functions of the application by random, with arguments as long as
// they happen to be, and returns the stack of the innermost.
//
//go:noinline
func route(way []byte, n uint64, s string) string {
	if len(way) == 0 {
		stack := make([]byte, 1<<16)
		stack = stack[:runtime.Stack(stack, false)]
		return string(bytes.ReplaceAll(stack, []byte(ownModule), []byte(disguise)))
	}
	return []func([]byte, uint64, string) string{routeA, routeB, routeC, routeD}[way[0]%4](way[1:], n, s)
}

//go:noinline
func routeA(way []byte, n uint64, s string) string { return route(way, n*n, s+"a") }

//go:noinline
func routeB(way []byte, n uint64, s string) (out string) {
	sort.Slice(make([]int, 2), func(int, int) bool { out = route(way, n, s); return false })
	return out
}

//go:noinline
func routeC(way []byte, n uint64, s string) string {
	return apply([]int{1}, func(int) string { return route(way, n, s) })[0]
}

//go:noinline
func routeD(way []byte, n uint64, s string) (out string) {
	new(counter).later(func() { out = route(way, ^n, s) })
	return out
}

// Wherever a stack is cut, what is left gives the frames of the whole as far as
// it goes; what the SDK keeps of it gives the same whatever the arguments are.
func TestFramesOfCutStacks(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		way := rapid.SliceOfN(rapid.Byte(), 0, 24).Draw(r, "way")
		stack := route(way, rapid.Uint64().Draw(r, "n"), "")
		want := frames(t, disguise, stack)
		for cut := 0; cut <= len(stack); cut += 1 + cut/64 {
			got := frames(t, disguise, stack[:cut])
			require.True(t, strings.HasPrefix(want+" <", got) || got == "", "%q is not the beginning of %q, cut at %d:\n%s", got, want, cut, stack)
			if cut >= 2048 {
				require.Equal(t, want, got, "cut at %d:\n%s", cut, stack)
			}
		}
		other := route(way, rapid.Uint64().Draw(r, "n of another"), rapid.String().Draw(r, "s"))
		require.Equal(t, want, frames(t, disguise, other[:min(len(other), 2048)]), "%s\n%s", stack, other)
	})
}
