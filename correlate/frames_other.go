package correlate

import "strings"

// readJava reads the innermost cause, which is printed last.
func (f *frameList) readJava(stack string) {
	var outer frameList
	var suppressed suppressed
	for line := range strings.Lines(stack) {
		if suppressed.has(line) {
			continue
		}
		text := strings.TrimSpace(line)
		if frameCause(text) != "" {
			if f.n > 0 {
				outer = *f
			}
			f.n = 0
			continue
		}
		text, ok := strings.CutPrefix(text, "at ")
		if !ok {
			continue
		}
		name, _, ok := strings.Cut(text, "(")
		if !ok {
			continue // cut
		}
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			name = name[i+1:] // class loader and module
		}
		if !frameIsJavaPlatform(name) {
			f.add(frameJavaMethod(name), "")
		}
	}
	if f.n == 0 {
		*f = outer
	}
}

// suppressed tells the lines of exceptions that were suppressed, which have
// causes of their own. Its zero value is outside of any.
type suppressed struct{ depth int }

// has reports whether the next line of a stack is one of theirs.
func (s *suppressed) has(line string) bool {
	text := strings.TrimLeft(line, " \t")
	depth := len(line) - len(text)
	if s.depth > 0 && depth >= s.depth {
		return true
	}
	s.depth = 0
	if depth > 0 && strings.HasPrefix(text, "Suppressed: ") {
		s.depth = depth
	}
	return s.depth > 0
}

// frameCause returns what follows the words that a cause is printed after in
// Java and JavaScript, or "" if the line is no such line.
func frameCause(text string) string {
	for _, words := range []string{"Caused by: ", "[cause]: ", "---> "} {
		if cause, ok := strings.CutPrefix(text, words); ok {
			return cause
		}
	}
	return ""
}

// frameJavaMethod drops the numbers of lambdas, proxies and generated classes.
func frameJavaMethod(name string) string {
	if class, rest, ok := strings.Cut(name, "$$"); ok {
		name = class
		if i := strings.LastIndexByte(rest, '.'); i >= 0 {
			name += rest[i:]
		}
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		if lambda, ok := strings.CutPrefix(name[i+1:], "lambda$"); ok {
			method, _, _ := strings.Cut(lambda, "$")
			name = name[:i+1] + method
		}
	}
	return strings.TrimRight(name, "$0123456789")
}

func frameIsJavaPlatform(name string) bool {
	for _, prefix := range framesJavaPlatform {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var framesJavaPlatform = []string{
	"java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "akka.", "groovy.", "org.codehaus.groovy.",
	"org.springframework.", "org.apache.", "org.hibernate.", "org.eclipse.jetty.", "org.jboss.", "org.junit.", "org.aspectj.",
	"io.netty.", "io.grpc.", "io.opentelemetry.", "io.micrometer.", "io.undertow.", "io.vertx.", "io.quarkus.", "reactor.", "rx.", "io.reactivex.",
	"com.fasterxml.", "com.google.common.", "com.mysql.", "com.mongodb.", "com.zaxxer.", "org.postgresql.", "oracle.", "net.sf.cglib.", "feign.", "okhttp3.",
	"com.netflix.", "System.", "Microsoft.",
}

// readPython reads the first traceback, which is the innermost cause's. A
// traceback has the failure last.
func (f *frameList) readPython(stack string) {
	for line := range strings.Lines(stack) {
		text := framePythonLine(line)
		if f.n > 0 && strings.HasPrefix(text, "Traceback ") {
			return
		}
		text, ok := strings.CutPrefix(text, `File "`)
		if !ok {
			continue
		}
		file, rest, ok := strings.Cut(text, `", line `)
		if !ok || strings.Contains(file, "site-packages") || strings.Contains(file, "dist-packages") ||
			strings.Contains(file, "/lib/python") || strings.HasPrefix(file, "<frozen ") {
			continue
		}
		_, function, ok := strings.Cut(rest, ", in ")
		if !ok {
			function = "<module>"
		}
		f.addOutermostFirst(frameFile(file)+":", function)
	}
}

// framePythonLine returns a line without what it is indented with, the bars of
// groups of exceptions among it.
func framePythonLine(line string) string {
	return strings.TrimRight(strings.TrimLeft(line, " \t|+"), " \t\r\n")
}

// readJavaScript reads the frames of V8 engines, those of the innermost cause.
func (f *frameList) readJavaScript(stack string) {
	var outer frameList
	for line := range strings.Lines(stack) {
		text := strings.TrimSpace(line)
		if frameCause(text) != "" {
			if f.n > 0 {
				outer = *f
			}
			f.n = 0
			continue
		}
		text, ok := strings.CutPrefix(text, "at ")
		if !ok {
			continue
		}
		text = strings.TrimSuffix(text, " {") // the error's own fields follow
		name, file, ok := strings.Cut(text, " (")
		if !ok {
			name, file = "", text
		}
		if strings.Contains(file, "node_modules") || strings.Contains(file, "node:") || strings.HasPrefix(file, "internal/") ||
			strings.HasPrefix(file, "native") || strings.HasPrefix(file, "<anonymous>") {
			continue
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, "async "), "new ")
		file, _, ok = strings.Cut(frameFile(file), ":")
		if !ok {
			continue // cut
		}
		f.add(string(appendSegment(nil, file))+":", name)
	}
	if f.n == 0 {
		*f = outer
	}
}

// readOther takes the files of a stack that has a frame a line, with the file
// and the line number in it. A single one is more likely a message.
func (f *frameList) readOther(stack string) {
	seen := 0
	for line := range strings.Lines(stack) {
		file := frameSource(line)
		if file == "" {
			continue
		}
		seen++
		for _, folder := range []string{"/gems/", "/vendor/", "/rustc/", "/.cargo/", "/deps/", "/usr/lib/", "/usr/local/lib/"} {
			if strings.Contains(file, folder) {
				file = ""
			}
		}
		if file != "" {
			f.add(frameFile(file), "")
		}
	}
	if seen < 2 {
		f.n = 0
	}
}

// frameSource returns the path in a line like "from /app/cart.rb:12:in 'add'" or
// "#0 /app/cart.php(12): add()", or "".
func frameSource(line string) string {
	line = line[:min(len(line), frameLimit)]
	for i := 1; i+1 < len(line); i++ {
		if (line[i] != ':' && line[i] != '(') || maskBits[line[i+1]]&maskDigit == 0 {
			continue
		}
		begin := strings.LastIndexAny(line[:i], " \t(\"'") + 1
		file := frameFile(line[begin:i])
		dot := strings.LastIndexByte(file, '.')
		if dot <= 0 || len(file)-dot > 6 || len(file)-dot < 2 || !isLetters(file[dot+1:]) {
			continue // no extension: a host with its port, or a time
		}
		return line[begin:i]
	}
	return ""
}

func isLetters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// frameFile returns the last element of a path, of any system.
func frameFile(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
