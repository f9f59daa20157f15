package correlate

import (
	"reflect"
	"strings"
)

const (
	// framesMax is how many frames make the component: those nearest to the
	// failure. More of them would tell one problem's callers apart.
	framesMax = 5

	framesLimit = 64 << 10 // what is read of any stack
	frameLimit  = 1 << 10  // and of any line, where a name is looked for more than once
)

// framesLibrary is the path of this library's module. Its frames are on the
// stack of whatever it records.
var framesLibrary = strings.TrimSuffix(reflect.TypeFor[Signer]().PkgPath(), "/correlate")

// appendFrames appends the application's top frames of a stack, the innermost
// first, with " < " between them. It understands the stacks of Go and, by their
// simple shape, those of Java, Python and JavaScript; of anything else that looks
// like a stack it takes the files. Arguments, addresses, line numbers and the
// numbers of closures are dropped, and a function that recurs is named once.
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
		// Of a stack that something has cut short nobody knows what else was on it.
		if f.n == 0 && module != "" && (len(stack) >= framesGoLimit || !frameIsCut(stack)) {
			f.readGo(stack, "")
		}
	case "java":
		f.readJava(stack)
	case "python":
		f.readPython(stack)
	case "javascript":
		f.readJavaScript(stack)
	default:
		f.readOther(stack)
	}
	for i, name := range f.names[:f.n] {
		if i > 0 {
			dst = append(dst, " < "...)
		}
		dst = append(append(dst, name.head...), name.tail...)
	}
	return dst
}

// frameName is a name in two parts, so that dropping what is between them
// costs nothing.
type frameName struct{ head, tail string }

// frameList holds distinct frames, the innermost first.
type frameList struct {
	names [framesMax]frameName
	n     int
}

func (f *frameList) add(head, tail string) {
	name := frameName{head, tail}
	if name == (frameName{}) || f.n == framesMax {
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
func (f *frameList) addOutermostFirst(file, function string) {
	name := frameName{file, function}
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
		case strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:"), frameIsGoFile(line):
			return "go"
		case strings.HasPrefix(strings.TrimLeft(text, "| "), `File "`) && strings.Contains(text, `", line `):
			return "python"
		case strings.HasPrefix(text, "at ") && strings.Contains(text, ".rs:"):
			return "rust"
		case strings.HasPrefix(text, "at ") && text != line:
			if at := strings.IndexByte(text, '('); at > 0 && text[at-1] != ' ' && !strings.Contains(text, "://") {
				return "java"
			}
			return "javascript"
		}
	}
	return ""
}
