package testfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/rulefile"
)

// keys says what a mapping may hold, and what to do with it.
type keys []struct {
	name string
	read func(n *yaml.Node, path string)
}

// mapping reads a mapping. Its path is "" for the file and for a test.
func (f *File) mapping(n *yaml.Node, path string, known keys) bool {
	if n.Kind != yaml.MappingNode {
		f.report(n, Error{Field: path, Message: "it must be a mapping of keys to values, and is " + rulefile.Describe(n)})
		return false
	}
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	f.each(n, path, func(key, value *yaml.Node) {
		at := slices.Index(names, key.Value)
		if at < 0 {
			f.report(key, Error{Field: path, Message: fmt.Sprintf("there is no key %q", key.Value), Hint: among(key.Value, names)})
			return
		}
		known[at].read(value, join(path, names[at]))
	})
	return true
}

// each goes over the keys of a mapping, each once.
func (f *File) each(n *yaml.Node, path string, read func(key, value *yaml.Node)) {
	first := make(map[string]*yaml.Node)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if first[key.Value] != nil {
			f.report(key, Error{Field: path, Message: fmt.Sprintf("the key %q stands here twice; first in line %d", key.Value, first[key.Value].Line)})
			continue
		}
		first[key.Value] = key
		read(key, n.Content[i+1])
	}
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// among says which of the names was meant.
func among(name string, names []string) string {
	if near := celrule.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "known are " + strings.Join(names, ", ")
}

// list reads a list.
func (f *File) list(n *yaml.Node, path string, elem func(n *yaml.Node, path string)) {
	if n.Kind != yaml.SequenceNode {
		f.report(n, Error{Field: path, Message: "it must be a list, and is " + rulefile.Describe(n)})
		return
	}
	for i, e := range n.Content {
		elem(e, fmt.Sprintf("%s[%d]", path, i))
	}
}

// scalar reports whether a node is one value that is not empty.
func (f *File) scalar(n *yaml.Node, path, want string) bool {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return true
	}
	f.report(n, Error{Field: path, Message: fmt.Sprintf("it must be %s, and is %s", want, rulefile.Describe(n))})
	return false
}

func (f *File) text(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !f.scalar(n, path, "a text") {
			return
		}
		if n.Tag != "!!str" {
			f.report(n, Error{Field: path, Message: "it must be a text, and is " + rulefile.Describe(n), Hint: fmt.Sprintf("did you mean %q?", n.Value)})
			return
		}
		*to = n.Value
	}
}

// name reads a text that is not empty.
func (f *File) name(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		f.text(to)(n, path)
		if n.Tag == "!!str" && strings.TrimSpace(n.Value) == "" {
			f.report(n, Error{Field: path, Message: "it is empty"})
		}
	}
}

func (f *File) texts(to *[]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		f.list(n, path, func(n *yaml.Node, path string) {
			var s string
			f.name(&s)(n, path)
			*to = append(*to, s)
		})
	}
}

func (f *File) count(to *int, most int) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !f.scalar(n, path, "a whole number") {
			return
		}
		i, err := strconv.Atoi(n.Value)
		switch {
		case err != nil || i < 1:
			f.report(n, Error{Field: path, Message: fmt.Sprintf("it must be a whole number of at least 1, and is %q", n.Value)})
		case i > most:
			f.report(n, Error{Field: path, Message: fmt.Sprintf("it is more than %d", most)})
		default:
			*to = i
		}
	}
}

func (f *File) truth(to *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !f.scalar(n, path, "true or false") {
			return
		}
		if n.Decode(to) != nil || n.Tag != "!!bool" {
			f.report(n, Error{Field: path, Message: "it must be true or false, and is " + rulefile.Describe(n)})
		}
	}
}

func (f *File) duration(to *time.Duration, least time.Duration) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !f.scalar(n, path, "a duration") {
			return
		}
		d, err := celrule.ParseDuration(n.Value)
		switch {
		case err != nil && n.Tag == "!!int":
			f.report(n, Error{Field: path, Message: "it has no unit", Hint: fmt.Sprintf("did you mean %ss?", n.Value)})
		case err != nil || d < least:
			f.report(n, Error{Field: path, Message: fmt.Sprintf("it must be a duration, and is %q", n.Value), Hint: "such as 120ms, 90s, 1h30m or 7d"})
		case d > maxTime:
			f.report(n, Error{Field: path, Message: "it is longer than a year"})
		default:
			*to = d
		}
	}
}

func (f *File) time(to *time.Time) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !f.scalar(n, path, "a time") {
			return
		}
		t, err := time.Parse(time.RFC3339, n.Value)
		if err != nil || t.Year() < 1971 || t.Year() > 2200 {
			f.report(n, Error{Field: path, Message: fmt.Sprintf("it must be a time, and is %q", n.Value), Hint: "such as 2024-05-06T07:00:00Z"})
			return
		}
		*to = t.UTC()
	}
}

// choice reads one of some texts.
func (f *File) choice(to *string, what string, known ...string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		var s string
		before := len(f.errs)
		f.text(&s)(n, path)
		if len(f.errs) > before {
			return
		}
		if !slices.Contains(known, s) {
			hint := among(s, known)
			if upper := strings.ToUpper(s); slices.Contains(known, upper) {
				hint = fmt.Sprintf("did you mean %s?", upper)
			}
			f.report(n, Error{Field: path, Message: fmt.Sprintf("there is no %s %q", what, s), Hint: hint})
			return
		}
		*to = s
	}
}
