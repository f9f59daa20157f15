package correlate

import "strings"

// stackHead returns the type and the message that a stack says its exception
// has: those of the innermost cause. Of a message it returns the first line. A
// stack in Go has at most a message. What a stack does not say is empty.
func stackHead(stack string) (typ, message string) {
	if len(stack) > framesLimit {
		stack = stack[:framesLimit]
	}
	switch frameLanguage(stack) {
	case "go":
		return "", headGo(stack)
	case "python":
		return headPython(stack)
	case "java", "javascript":
		return headCause(stack)
	}
	return "", ""
}

// headGo returns what a crash says, or the text of an error that stands before
// its stack.
func headGo(stack string) string {
	before := ""
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\r\n")
		if text, ok := strings.CutPrefix(line, "panic: "); ok {
			return strings.TrimSuffix(strings.TrimSuffix(text, " [recovered]"), " [recovered, repanicked]")
		}
		if strings.HasPrefix(line, "goroutine ") {
			return ""
		}
		if frameIsGoFile(line) { // the line before is its function
			return ""
		}
		if before != "" {
			return before
		}
		before = line
	}
	return ""
}

// headPython returns the last line of the first traceback.
func headPython(stack string) (typ, message string) {
	inside := false
	for line := range strings.Lines(stack) {
		if _, rest, ok := strings.Cut(line, "| "); ok && strings.TrimSpace(line[:len(line)-len(rest)]) == "|" {
			line = rest // of a group of exceptions
		}
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, `File "`):
			inside = true
		case inside && text != "" && line[0] != ' ' && line[0] != '\t': // what is indented is code
			return headLine(text)
		}
	}
	return "", ""
}

// headCause returns the first line, or that of the last cause.
func headCause(stack string) (typ, message string) {
	first := true
	var suppressed suppressed
	for line := range strings.Lines(stack) {
		if suppressed.has(line) {
			continue
		}
		text := strings.TrimSpace(line)
		if cause := frameCause(text); cause != "" {
			if t, m := headLine(cause); t != "" {
				typ, message = t, m
			}
		} else if first && text != "" && !strings.HasPrefix(text, "at ") {
			typ, message = headLine(text)
		}
		first = first && text == ""
	}
	return typ, message
}

// headLine takes a line like "java.lang.IllegalStateException: closed" apart. One
// without a type is a message.
func headLine(line string) (typ, message string) {
	line = strings.TrimSpace(line)
	for _, prefix := range []string{"Uncaught ", "Unhandled exception. ", `Exception in thread "`} {
		rest, ok := strings.CutPrefix(line, prefix)
		if ok && strings.HasSuffix(prefix, `"`) {
			_, rest, ok = strings.Cut(rest, `" `)
		}
		if ok {
			line = rest
			break
		}
	}
	line = strings.TrimSuffix(line, " {") // the error's own fields follow
	typ, message, _ = strings.Cut(line, ":")
	typ, _, _ = strings.Cut(typ, " [") // Node adds a code
	if !isClassName(typ) {
		return "", line
	}
	return typ, strings.TrimSpace(message)
}

// isClassName reports whether a text may name a class: an identifier that begins
// with a capital letter, or several with dots between them.
func isClassName(s string) bool {
	letters := false
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', c >= 0x80:
			letters = true
		case c == '_', c == '$', letters && maskBits[c]&maskDigit != 0, letters && (c == '.' || c == '`') && i+1 < len(s):
		default:
			return false
		}
	}
	return letters && ('A' <= s[0] && s[0] <= 'Z' || strings.IndexByte(s, '.') > 0)
}
