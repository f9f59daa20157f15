package correlate

import "strings"

// readJava reads the innermost cause, which is printed last.
func (f *frameList) readJava(stack string) {
	var best frameList
	for line := range strings.Lines(stack) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "Caused by: ") {
			if f.n > 0 {
				best = *f
			}
			*f = frameList{}
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
			f.add(frameJavaMethod(name))
		}
	}
	if f.n == 0 {
		*f = best
	}
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
	"com.netflix.",
}

// readPython reads the first traceback, which is the innermost cause's. A
// traceback has the failure last.
func (f *frameList) readPython(stack string) {
	for line := range strings.Lines(stack) {
		text := strings.TrimSpace(line)
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
		f.addOutermostFirst(frameFile(file) + ":" + function)
	}
}

// readJavaScript reads the frames of V8 engines.
func (f *frameList) readJavaScript(stack string) {
	for line := range strings.Lines(stack) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
		if !ok {
			continue
		}
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
		f.add(string(appendSegment(nil, file)) + ":" + name)
	}
}

// frameFile returns the last element of a path, of any system.
func frameFile(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
