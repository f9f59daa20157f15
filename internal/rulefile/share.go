package rulefile

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
)

// shared is what rules have in common: defaults, and definitions. Those of a
// file that has rules are its own; a file without rules shares them with the
// files after it.
type shared struct {
	out    celrule.Rule    // what the defaults say
	fields map[string]spot // of the defaults
	defs   []celrule.Definition
	lets   map[string]spot // of the definitions, by let.NAME
}

// link reads the rules of files again, under what the files before each share.
// Parse has read each by itself.
func link(files []*File) {
	if !slices.ContainsFunc(files, func(f *File) bool { return f.sharing || f.linked }) {
		return
	}
	var from *shared
	for _, f := range files {
		f.decode(from)
		if f.sharing {
			from = &f.own
		}
	}
}

// under returns what a file begins with: what it is given.
func under(from *shared) shared {
	own := shared{fields: make(map[string]spot), lets: make(map[string]spot)}
	if from != nil {
		own = shared{out: from.out, fields: maps.Clone(from.fields), defs: slices.Clone(from.defs), lets: maps.Clone(from.lets)}
	}
	return own
}

// let reads the definitions of a file. None may have the name of one that it is
// given: whoever reads a rule must be able to tell which is meant.
func (f *File) let(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.report(n, Error{Field: "let", Message: "it must be a mapping of names to expressions, and is " + Describe(n)})
		return
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field := "let." + key.Value
		if at, ok := f.own.lets[field]; ok {
			f.report(key, Error{Field: field, Message: fmt.Sprintf("the name is taken: %s:%d:%d", at.file.Name, at.node.Line, at.node.Column)})
			continue
		}
		d := decoder{file: f, fields: f.own.lets}
		var text string
		d.text(field, &text)(value)
		// One that cannot be read is there all the same: rules may use it.
		f.own.defs = append(f.own.defs, celrule.Definition{Name: key.Value, Expr: text})
	}
}
