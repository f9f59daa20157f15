package rulefile

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is far deeper than any rule goes.
const maxDepth = 16

// document returns the one document of the file, or nil if it is refused.
func (f *File) document(data []byte) *yaml.Node {
	if !utf8.Valid(data) {
		f.reportInvalid()
		return nil
	}
	if f.reportSeparators() {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		f.errs = append(f.errs, &Error{File: f.Name, Message: "the file is empty", Hint: "a rule file begins with version: 1"})
		return nil
	} else if err != nil {
		f.reportSyntax(err, len(data))
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		f.report(&second, Error{Message: "a file has one document", Hint: "put these rules into a file of their own"})
		return nil
	} else if !errors.Is(err, io.EOF) {
		f.reportSyntax(err, len(data))
		return nil
	}
	root := doc.Content[0]
	if !f.acceptable(root, 0) {
		return nil
	}
	return root
}

// acceptable reports whether a tree is free of what makes YAML hard to read
// and dangerous to expand.
func (f *File) acceptable(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		f.report(n, Error{Message: "aliases are not allowed", Hint: "what rules share goes into defaults and let"})
		return false
	case n.Anchor != "":
		f.report(n, Error{Message: "anchors are not allowed", Hint: "what rules share goes into defaults and let"})
		return false
	case n.Style&yaml.TaggedStyle != 0:
		f.report(n, Error{Message: "tags are not allowed"})
		return false
	case depth > maxDepth:
		f.report(n, Error{Message: "this is nested too deeply"})
		return false
	}
	ok := true
	for _, child := range n.Content {
		ok = f.acceptable(child, depth+1) && ok
	}
	return ok
}

// reportSeparators reports characters that YAML takes for the end of a line and
// editors do not, so that no place after them could be told. It reports whether
// there are any.
func (f *File) reportSeparators() bool {
	for i, line := range f.lines {
		if at := strings.IndexAny(line, "\u0085\u2028\u2029"); at >= 0 {
			f.errs = append(f.errs, f.place(i+1, utf8.RuneCountInString(line[:at])+1, Error{
				Message: "a Unicode line separator is not allowed", Hint: "in double quotes it can be written \\N, \\L or \\P",
			}))
			return true
		}
	}
	return false
}

// reportInvalid reports the first byte that is no UTF-8.
func (f *File) reportInvalid() {
	for i, line := range f.lines {
		for at, r := range line {
			if _, size := utf8.DecodeRuneInString(line[at:]); r == utf8.RuneError && size == 1 {
				f.lines[i] = strings.ToValidUTF8(line, "\ufffd")
				f.errs = append(f.errs, f.place(i+1, utf8.RuneCountInString(line[:at])+1, Error{Message: "the file is not UTF-8"}))
				return
			}
		}
	}
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// reportSyntax reports an error of the YAML parser.
func (f *File) reportSyntax(err error, size int) {
	message, line := err.Error(), 1
	if m := yamlError.FindStringSubmatch(message); m != nil {
		message = m[2]
		line, _ = strconv.Atoi(m[1])
	}
	line = min(max(f.unreadable(size), line, 1), len(f.lines))
	text := f.lines[line-1]
	e := Error{Message: message}
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if strings.Contains(indent, "\t") {
		e.Hint = "YAML is indented with spaces, not with tabs"
	} else if strings.Contains(message, "mapping values are not allowed") {
		e.Hint = "a value that contains ': ' needs quotes; is the line indented like the one above?"
	}
	f.errs = append(f.errs, f.place(line, utf8.RuneCountInString(indent)+1, e))
}

// unreadable returns the line where what cannot be read begins, or 0. The
// parser says only where what surrounds it begins.
func (f *File) unreadable(size int) int {
	const maxText, maxValue = 32 << 10, 50 // bytes, lines
	if size > maxText {
		return 0 // it takes parsing the file some hundred times
	}
	readable := func(lines int) bool {
		err := yaml.Unmarshal([]byte(strings.Join(f.lines[:lines], "\n")), new(yaml.Node))
		return err == nil
	}
	good, bad := 0, len(f.lines)
	for good+1 < bad {
		mid := (good + bad) / 2
		if readable(mid) {
			good = mid
			continue
		}
		bad = mid
		// A cut through a value of several lines cannot be read either.
		for lines := bad + 1; lines < min(bad+maxValue, len(f.lines)); lines++ {
			if readable(lines) {
				good, bad = lines, len(f.lines)
				break
			}
		}
	}
	return bad
}
