package testfile

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder reads one test.
type decoder struct {
	*File
	test *Test

	name, at, spans, repeat, recording, expect *yaml.Node
	count                                      int // of spans
}

func (d *decoder) read(n *yaml.Node) {
	before := len(d.errs)
	t := d.test
	note := func(to **yaml.Node, read func(*yaml.Node, string)) func(*yaml.Node, string) {
		return func(n *yaml.Node, path string) {
			*to = n
			read(n, path)
		}
	}
	mode := ""
	if !d.mapping(n, "", keys{
		{"name", note(&d.name, d.File.name(&t.Name))},
		{"at", note(&d.at, d.time(&t.At))},
		{"spans", note(&d.spans, d.roots)},
		{"repeat", note(&d.repeat, func(n *yaml.Node, path string) {
			d.mapping(n, path, keys{
				{"count", d.File.count(&t.Count, maxRepeat)},
				{"every", d.duration(&t.Every, 0)},
			})
		})},
		{"file", note(&d.recording, d.file)},
		{"mode", d.choice(&mode, "mode", "whole", "process")},
		{"expect", note(&d.expect, d.expected)},
	}) {
		return
	}
	t.PerService = mode == "process"
	if len(d.errs) > before {
		return // what is missing may be there, misspelt
	}
	switch {
	case d.name == nil:
		d.report(n, Error{Message: "the test has no name", Hint: "say in a few words what holds"})
	case d.spans == nil && d.recording == nil:
		d.report(n, Error{Message: "the test has no spans", Hint: "they stand under the key spans, or in the file that the key file names"})
	case d.spans != nil && d.recording != nil:
		d.report(d.recording, Error{Field: "file", Message: "the test has spans already", Hint: "make it two tests"})
	case d.recording != nil && d.at != nil:
		d.report(d.at, Error{Field: "at", Message: "the spans of a file have their own times"})
	case d.recording != nil && d.repeat != nil:
		d.report(d.repeat, Error{Field: "repeat", Message: "the spans of a file come once"})
	case d.expect == nil:
		d.report(n, Error{Message: "the test expects nothing", Hint: "such as expect: {tickets: [{rule: NAME}]}, or tickets: [] for none"})
	default:
		d.extent()
	}
}

// extent says when there are too many spans, or when they take too long.
func (d *decoder) extent() {
	t := d.test
	if n := d.count * t.Count; n > maxSpans {
		d.report(d.spans, Error{Field: "spans", Message: fmt.Sprintf("the test has %d spans, which is more than %d", n, maxSpans)})
		return
	}
	end, ok := lay(t.Spans, 0)
	// Not all of it, which might not fit into a Duration.
	if every := t.Every.Seconds() * float64(t.Count-1); !ok || end.Seconds()+every > maxSpan.Seconds() {
		d.report(d.spans, Error{Field: "spans", Message: fmt.Sprintf("the spans take more than %d years", maxSpan/(365*24*time.Hour))})
	}
}

func (d *decoder) file(n *yaml.Node, path string) {
	r := &d.test.Recording
	d.File.name(r)(n, path)
	if *r != "" && (strings.ContainsRune(*r, '\\') || strings.HasPrefix(*r, "/")) {
		d.report(n, Error{Field: path, Message: "it must be a path relative to the test file, with forward slashes", Hint: "such as testdata/outage.jsonl"})
	}
}
