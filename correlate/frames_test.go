package correlate_test

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
)

// goStack prints a stack as the runtime does: functions, innermost first, with
// arguments, addresses and lines.
func goStack(functions ...string) string {
	var b strings.Builder
	b.WriteString("goroutine 34 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e\n")
	for i, f := range functions {
		fmt.Fprintf(&b, "%s(0x%x, {0xc0000%x?, 0x1})\n\t/src/file.go:%d +0x%x\n", f, i*77, i*1234, i+10, i*16+3)
	}
	b.WriteString("created by net/http.(*Server).Serve in goroutine 1\n\t/usr/local/go/src/net/http/server.go:3360 +0x485\n")
	return b.String()
}

func frames(t *testing.T, module, stack string) string {
	t.Helper()
	o := declined()
	o.Exception.Stacktrace = stack
	return component(t, correlate.Signer{Module: module}.Sign(o, correlate.Spec{}), "frames").Value
}

func TestFramesGo(t *testing.T) {
	for _, tt := range []struct {
		rule, module string
		functions    []string
		want         string
	}{
		{"those of the main module", "shop.example",
			[]string{"go.opentelemetry.io/otel/sdk/trace.recordStackTrace", "vendor.example/sql.Query", "shop.example/db.Load", "net/http.HandlerFunc.ServeHTTP", "main.main"},
			"shop.example/db.Load < main.main"},
		{"not those of a module whose path begins alike", "shop.example",
			[]string{"shop.example2/db.Load", "shop.example/db.Load"}, "shop.example/db.Load"},
		{"without a module, those that are not infrastructure", "",
			[]string{"runtime.goexit", "database/sql.(*DB).Query", "golang.org/x/sync/errgroup.(*Group).Go", "vendor.example/sql.Query", "shop/db.Load", "net/http.HandlerFunc.ServeHTTP"},
			"vendor.example/sql.Query < shop/db.Load"},
		{"the same when the module has none", "shop.example",
			[]string{"net/http.HandlerFunc.ServeHTTP", "vendor.example/sql.Query"}, "vendor.example/sql.Query"},
		{"never this library's", "",
			[]string{"github.com/spanticket/spanticket/autoticket.RecordError", "vendor.example/sql.Query"}, "vendor.example/sql.Query"},
		{"closures are their function", "shop.example",
			[]string{"shop.example/db.Load.func1.2", "shop.example/db.(*Tx).Do.func3", "shop.example/db.(*Tx).Do-fm", "shop.example/db.All-range1", "shop.example/db.init.0.func1", "main.main.gowrap1"},
			"shop.example/db.Load < shop.example/db.(*Tx).Do < shop.example/db.All < shop.example/db.init < main.main"},
		{"a function that begins like a closure is none", "shop.example",
			[]string{"shop.example/db.function", "shop.example/db.T.functional"}, "shop.example/db.function < shop.example/db.T.functional"},
		{"generics are their function", "shop.example",
			[]string{"shop.example/db.(*Set[...]).Add", "shop.example/db.Map[go.shape.int,go.shape.[]uint8].func1"}, "shop.example/db.(*Set).Add < shop.example/db.Map"},
		{"recursion is one frame", "shop.example",
			[]string{"shop.example/tree.walk", "shop.example/tree.walk", "shop.example/tree.visit", "shop.example/tree.walk", "main.main"},
			"shop.example/tree.walk < shop.example/tree.visit < main.main"},
		{"at most five", "shop.example",
			[]string{"main.a", "main.b", "main.c", "main.d", "main.e", "main.f"}, "main.a < main.b < main.c < main.d < main.e"},
		{"a panic begins below the functions that recovered it", "shop.example",
			[]string{"shop.example/web.recoverer.func1", "panic", "shop.example/db.Load", "main.main"}, "shop.example/db.Load < main.main"},
		{"a method of a vendored path with dots", "shop.example/v2",
			[]string{"shop.example/v2/db.v3.(*DB).Load"}, "shop.example/v2/db.v3.(*DB).Load"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			require.Equal(t, tt.want, frames(t, tt.module, goStack(tt.functions...)))
		})
	}
}

func TestFramesReal(t *testing.T) {
	var stack string
	func() { stack = string(debug.Stack()) }()
	o := declined()
	o.Exception.Stacktrace = stack
	c := component(t, correlate.Signer{}.Sign(o, correlate.Spec{}), "frames")
	require.False(t, c.Used, "this test is in the library itself, whose frames do not count: %s", c.Value)
	require.NotEmpty(t, c.Why)
}

// The SDK cuts a stack at 2,048 bytes, wherever that is. Arguments are printed
// in more or fewer digits, so that it is at another frame each time.
func TestFramesCut(t *testing.T) {
	functions := make([]string, 40)
	for i := range functions {
		functions[i] = fmt.Sprintf("vendor%c.example/a/rather/long/path.(*Type).Method", 'a'+i%26)
		if i%7 == 6 {
			functions[i] = fmt.Sprintf("shop.example/package%c.Function", 'a'+i/7)
		}
	}
	whole := goStack(functions...)
	want := frames(t, "shop.example", whole)
	require.NotEmpty(t, want)
	require.Equal(t, want, frames(t, "shop.example", whole[:2048]))

	long := strings.NewReplacer("0xc0000", "0xc000123456", "(0x", "(0x1234567").Replace(whole)
	require.Equal(t, want, frames(t, "shop.example", long))
	require.Equal(t, want, frames(t, "shop.example", long[:2048]))
}

func TestFramesOtherLanguages(t *testing.T) {
	for _, tt := range []struct{ rule, stack, want string }{
		{"Java: the innermost cause, without the platform", `java.lang.RuntimeException: outer
	at com.acme.web.Controller.get(Controller.java:12)
	at org.springframework.web.Foo.bar(Foo.java:1)
Caused by: java.sql.SQLException: inner
	at java.base/java.util.Optional.get(Optional.java:143)
	at app//com.acme.db.Dao.lambda$find$0(Dao.java:9)
	at com.acme.db.Dao$$EnhancerBySpringCGLIB$$ab12cd.find(<generated>)
	at com.acme.db.Service.load(Service.java:7)
	... 12 more
`, "com.acme.db.Dao.find < com.acme.db.Service.load"},
		{"Java: the cause before, when that has no frame of the application", `java.lang.RuntimeException: outer
	at com.acme.web.Controller.get(Controller.java:12)
Caused by: java.io.IOException: inner
	at java.base/java.io.File.open(File.java:1)
`, "com.acme.web.Controller.get"},
		{"Python: the last frame is nearest", `Traceback (most recent call last):
  File "/app/api/views.py", line 10, in get
    return cart.add()
  File "/usr/lib/python3.13/site-packages/django/db.py", line 3, in run
    run()
  File "/app/shop/cart.py", line 22, in add
    raise KeyError("sku")
KeyError: 'sku'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/api/late.py", line 10, in late
`, "cart.py:add < views.py:get"},
		{"JavaScript: without modules and internals", `TypeError: charge is not a function
    at pay (/app/src/payment.js:10:5)
    at async Object.handle (/app/src/server.js:3:4)
    at new Cart (file:///app/src/cart.mjs:1:2)
    at /app/dist/main.3f2a9c81.js:1:2
    at Layer.handle (/app/node_modules/express/lib/layer.js:95:5)
    at node:internal/process/task_queues:95:5
`, "payment.js:pay < server.js:Object.handle < cart.mjs:Cart < main.<*>.js:"},
		{"text that is no stack", "it broke\nat night (late)\n", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			require.Equal(t, tt.want, frames(t, "", tt.stack))
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(goStack("shop.example/db.(*Set[...]).Add.func1", "panic", "main.main"), "shop.example")
	f.Add("a\n\tat a.b.C$$1.lambda$d$1(C.java:1)\nCaused by: x\n", "")
	f.Add("  File \"a.py\", line 1, in b\n", "")
	f.Add("    at a (b.js:1:1)\n    at c:1:1\n", "")
	f.Add("boom\nmain.load\n\t/a.go:1\nruntime.gopanic\n\t/a.go:1\nmain.x\n\t/a.go:1\ny\nmain.z\n\t/a.go:1", "main")
	f.Add("(1) x\n  | main.load\n  | \t/a.go:1\nWraps: (2) x\n  | a.b/c[...].d.d.e.func1\n  | \t/a.s:1\n", "a.b")
	f.Add("a.B: x\n\tat a.B.c(B.java:1)\n\tSuppressed: a.C\n\t\tat x.Y(Z)\nCaused by: a.D: z\n\t... 3 more\n", "")
	f.Add("  + Exception Group\n  | File \"a.py\", line 1, in b\n  | X: y\n", "")
	f.Add("E: x\n    at a (b.js:1:1) {\n  [cause]: F [G]: y\n    at c.js:1:1\n}", "")
	f.Add("#0 /app/Cart.php(12): x\n/app/cart.rb:12:in 'y'\n", "")
	f.Fuzz(func(t *testing.T, stack, module string) {
		typ, message := correlate.StackHead(stack)
		require.Contains(t, stack, typ)
		require.Contains(t, stack, message)
		got := frames(t, module, stack)
		require.LessOrEqual(t, len(got), len(stack)+100)
		require.NotContains(t, got, "\n")
	})
}
