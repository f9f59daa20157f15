package correlate

import (
	"reflect"
	"strings"
)

const (
	// framesMax is how many frames make the component: those nearest to the
	// failure. More of them would tell one problem's callers apart.
	framesMax = 5

	// framesGoLimit is where the OpenTelemetry SDK cuts a Go stack.
	framesGoLimit = 2048

	framesLimit = 64 << 10 // what is read of any stack
)

// framesLibrary is the path of this library's module. Its frames are on the
// stack of whatever it records.
var framesLibrary = strings.TrimSuffix(reflect.TypeFor[Signer]().PkgPath(), "/correlate")

// appendFrames appends the application's top frames of a stack, the innermost
// first, with " < " between them. It understands the stacks of Go and, by
// their simple shape, those of Java, Python and JavaScript; from anything else
// it takes nothing. Arguments, addresses, line numbers and the numbers of
// closures are dropped, and a function that recurs is named once.
//
// module is the path of the main module of a Go process, if it is known: then
// its frames are the application's.
func appendFrames(dst []byte, stack, module string) []byte {
	if len(stack) > framesLimit {
		stack = stack[:framesLimit]
	}
	var f frameList
	switch frameLanguage(stack) {
	case "go":
		f.readGo(stack, module)
		if f.n == 0 && module != "" {
			f.readGo(stack, "")
		}
	case "java":
		f.readJava(stack)
	case "python":
		f.readPython(stack)
	case "javascript":
		f.readJavaScript(stack)
	}
	for i, name := range f.names[:f.n] {
		if i > 0 {
			dst = append(dst, " < "...)
		}
		dst = append(dst, name...)
	}
	return dst
}

// frameList holds distinct frames, the innermost first.
type frameList struct {
	names [framesMax]string
	n     int
}

func (f *frameList) add(name string) {
	if name == "" || f.n == framesMax {
		return
	}
	for _, have := range f.names[:f.n] {
		if have == name {
			return
		}
	}
	f.names[f.n] = name
	f.n++
}

// addOutermostFirst adds the frame of a stack that is printed from the root
// inwards: what has been added so far is further from the failure.
func (f *frameList) addOutermostFirst(name string) {
	if name == "" {
		return
	}
	for i, have := range f.names[:f.n] {
		if have == name {
			copy(f.names[1:i+1], f.names[:i])
			f.names[0] = name
			return
		}
	}
	f.n = min(f.n+1, framesMax)
	copy(f.names[1:f.n], f.names[:f.n-1])
	f.names[0] = name
}

// frameLanguage tells whose stack it is by the first line that looks like a frame.
func frameLanguage(stack string) string {
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimLeft(line, " \t")
		switch {
		case strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:"),
			strings.HasPrefix(line, "\t/") && strings.Contains(line, ".go:"):
			return "go"
		case strings.HasPrefix(text, `File "`) && strings.Contains(text, `", line `):
			return "python"
		case strings.HasPrefix(text, "at ") && text != line:
			if at := strings.IndexByte(text, '('); at > 0 && text[at-1] != ' ' && !strings.Contains(text, "://") {
				return "java"
			}
			return "javascript"
		}
	}
	return ""
}

// readGo reads the stack of the first goroutine.
//
// The SDK cuts stacks, and a cut one must give what the whole gives. So in
// either only those frames count that the cut one surely has: those within the
// limit however long their arguments, addresses and line numbers are printed.
func (f *frameList) readGo(stack, module string) {
	cut := len(stack) >= framesGoLimit
	cost := 0
	name := "" // of the frame whose second line comes next
	for line := range strings.Lines(stack) {
		cost += frameCost(line)
		if cost > framesGoLimit {
			return
		}
		whole := strings.HasSuffix(line, "\n")
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "goroutine "):
			if f.n > 0 {
				return // another one
			}
		case line == "", strings.HasPrefix(line, "created by "), strings.HasPrefix(line, "..."):
			if f.n > 0 {
				return
			}
		case cut && !whole:
			return
		case line[0] == '\t':
			if frameIsOurs(name, module) {
				f.add(frameFunction(name))
			}
			name = ""
		case strings.HasPrefix(line, "panic("), strings.HasPrefix(line, "runtime.gopanic("), strings.HasPrefix(line, "runtime.sigpanic("):
			// What is above ran because of the panic. It began below.
			f.n, name = 0, ""
		default:
			name = frameCall(line)
		}
	}
}

// frameCost returns the greatest length that a line of a Go stack can have
// for the same frame.
func frameCost(line string) int {
	const (
		hex    = len("0xffffffffffffffff?")
		number = len("1000000")
	)
	if strings.HasPrefix(line, "goroutine ") {
		return len("goroutine 10000000000 [running, locked to thread]:\n")
	}
	cost := 0
	for i := 0; i < len(line); {
		switch {
		case strings.HasPrefix(line[i:], "0x"):
			for i += 2; i < len(line) && (maskBits[line[i]]&maskHex != 0 || line[i] == '?'); i++ {
			}
			cost += hex
		case line[i] == ':' && i+1 < len(line) && maskBits[line[i+1]]&maskDigit != 0:
			for i++; i < len(line) && maskBits[line[i]]&maskDigit != 0; i++ {
			}
			cost += 1 + number
		default:
			i++
			cost++
		}
	}
	return cost
}

// frameCall returns the function of a line like "pkg.(*T).f(0x1, {0x2, 0x3})",
// or "" if the line is something else or was cut.
func frameCall(line string) string {
	if !strings.HasSuffix(line, ")") {
		return ""
	}
	depth := 0
	for i := len(line) - 1; i > 0; i-- {
		switch line[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return line[:i]
			}
		}
	}
	return ""
}

// frameIsOurs reports whether a Go function is of the main module or, where
// that is unknown, of no package that is known to be infrastructure.
func frameIsOurs(name, module string) bool {
	pkg := framePackage(name)
	if pkg == "" || frameIsBelow(pkg, framesLibrary) {
		return false
	}
	if pkg == "main" {
		return true
	}
	if module != "" {
		return frameIsBelow(pkg, module)
	}
	root, _, _ := strings.Cut(pkg, "/")
	if !strings.Contains(root, ".") {
		return !frameIsStandard(root)
	}
	for _, path := range framesInfrastructure {
		if frameIsBelow(pkg, path) {
			return false
		}
	}
	return true
}

// framePackage returns the import path of a function's package.
func framePackage(name string) string {
	slash := strings.LastIndexByte(name, '/')
	if i := strings.IndexByte(name, '['); i >= 0 && i < slash {
		slash = strings.LastIndexByte(name[:i], '/') // type arguments have paths too
	}
	dot := strings.IndexByte(name[slash+1:], '.')
	if dot < 0 {
		return ""
	}
	return name[:slash+1+dot]
}

func frameIsBelow(pkg, path string) bool {
	return strings.HasPrefix(pkg, path) && (len(pkg) == len(path) || pkg[len(path)] == '/')
}

// frameIsStandard reports whether an import path's first element is the
// standard library's.
func frameIsStandard(root string) bool {
	switch root {
	case "archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "encoding", "errors",
		"expvar", "flag", "fmt", "hash", "html", "image", "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os",
		"path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "sync", "syscall", "testing",
		"text", "time", "unicode", "vendor":
		return true
	}
	return false
}

// framesInfrastructure lists what stands between a server and the application.
var framesInfrastructure = []string{
	"go.opentelemetry.io",
	"golang.org/x",
	"google.golang.org/grpc",
	"github.com/felixge/httpsnoop",
	"github.com/gin-gonic/gin",
	"github.com/go-chi/chi",
	"github.com/gofiber/fiber",
	"github.com/gorilla/mux",
	"github.com/grpc-ecosystem",
	"github.com/labstack/echo",
	"github.com/pkg/errors",
}

// frameFunction drops from a Go function's name what differs between
// instances and builds: type arguments and the numbers of closures.
func frameFunction(name string) string {
	pkg := len(framePackage(name))
	for _, closure := range []string{".func", ".gowrap", ".deferwrap", "-range", ".init."} {
		from := pkg
		for {
			i := strings.Index(name[from:], closure)
			if i < 0 {
				break
			}
			i += from
			end := i + len(closure)
			if end < len(name) && maskBits[name[end]]&maskDigit != 0 {
				if closure == ".init." {
					i += len(".init")
				}
				name = strings.TrimRight(name[:i], ".")
				break
			}
			from = end
		}
	}
	return frameGeneric(strings.TrimSuffix(name, "-fm"))
}

// frameGeneric drops type arguments, which may be nested.
func frameGeneric(name string) string {
	if strings.IndexByte(name, '[') < 0 {
		return name
	}
	out := make([]byte, 0, len(name))
	depth := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth = max(0, depth-1)
		case depth == 0:
			out = append(out, c)
		}
	}
	return string(out)
}
