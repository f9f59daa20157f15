package testfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/rulefile"
)

const (
	// maxSize is the size of the largest file that is read, that of rule files.
	maxSize = 1 << 20
	// maxDepth is far deeper than the spans of any test go.
	maxDepth = 64
)

const begins = "a test file begins with version: 1"

// parse returns the one document of the file, or nil if it is refused.
func (f *File) parse(data []byte) *yaml.Node {
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	f.lines = strings.Split(text, "\n")
	if !utf8.ValidString(text) {
		f.unreadable(data, "the file is not UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		f.errs = append(f.errs, &Error{File: f.Name, Message: "the file is empty", Hint: begins})
		return nil
	} else if err != nil {
		f.unreadable(data, err.Error())
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		f.report(&second, Error{Message: "a file has one document", Hint: "put these tests into a file of their own"})
		return nil
	} else if !errors.Is(err, io.EOF) {
		f.unreadable(data, err.Error())
		return nil
	}
	root := doc.Content[0]
	if !f.acceptable(root, 0) {
		return nil
	}
	return root
}

// unreadable reports what is no YAML: rule files are read by the same parser,
// and can say where that gave up.
func (f *File) unreadable(data []byte, otherwise string) {
	_, err := rulefile.Compile([]*rulefile.File{rulefile.Parse(f.Name, data)}, nil, nil)
	if e, ok := errors.AsType[*rulefile.Error](err); ok {
		f.errs = append(f.errs, f.At(Place{e.Line, e.Column}, Error{Message: e.Message, Hint: e.Hint}))
		return
	}
	f.errs = append(f.errs, &Error{File: f.Name, Message: otherwise})
}

// acceptable reports whether a tree is free of what makes YAML hard to read
// and dangerous to expand.
func (f *File) acceptable(n *yaml.Node, depth int) bool {
	refuse := func(message, hint string) bool {
		f.report(n, Error{Message: message, Hint: hint})
		return false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return refuse("aliases are not allowed", "")
	case n.Anchor != "":
		return refuse("anchors are not allowed", "")
	case n.Style&yaml.TaggedStyle != 0:
		return refuse("tags are not allowed", "")
	case depth > maxDepth:
		return refuse("this is nested too deeply", "")
	}
	ok := true
	for _, child := range n.Content {
		ok = f.acceptable(child, depth+1) && ok
	}
	return ok
}

func (f *File) report(n *yaml.Node, e Error) { f.errs = append(f.errs, f.At(placeOf(n), e)) }

func placeOf(n *yaml.Node) Place { return Place{n.Line, n.Column} }
