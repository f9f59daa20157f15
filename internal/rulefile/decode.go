package rulefile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
)

// laterKeys are planned. Saying so is kinder than to propose another key.
var laterKeys = []string{"priority", "page", "escalate", "windows", "ttl", "schedule", "until"}

// decode reads the rules of the document, under what the files before it share.
func (f *File) decode(from *shared) {
	f.Rules, f.places, f.own, f.errs = nil, nil, under(from), slices.Clone(f.unread)
	f.linked = from != nil
	if f.root == nil {
		return
	}
	root := f.root
	var version, rules, let, defaults *yaml.Node
	f.mapping(root, "", keys{
		{"version", func(n *yaml.Node) { version = n }},
		{"let", func(n *yaml.Node) { let = n; f.let(n) }},
		{"defaults", func(n *yaml.Node) {
			defaults = n
			d := decoder{file: f, out: f.own.out, fields: f.own.fields}
			d.rule(n, "defaults")
			f.own.out = d.out
		}},
		{"rules", func(n *yaml.Node) { rules = n }},
	})
	for _, key := range []string{"name", "when"} {
		if at, ok := f.own.fields[key]; ok && at.file == f {
			f.report(at.node, Error{Field: "defaults." + key, Message: "every rule has its own"})
		}
	}
	if version != nil && version.Value != "1" {
		f.report(version, Error{Field: "version", Message: fmt.Sprintf("there is no version %q", version.Value), Hint: "did you mean 1?"})
	}
	// What is missing may be there, misspelt.
	if version == nil && len(f.errs) == 0 {
		f.report(root, Error{Message: "the file does not say its version", Hint: "a rule file begins with version: 1"})
	}
	if rules == nil {
		f.sharing = let != nil || defaults != nil
		if len(f.errs) == 0 && !f.sharing {
			f.report(root, Error{Message: "the file has no rules", Hint: "they are a list, under the key rules"})
		}
		return
	}
	if rules.Kind != yaml.SequenceNode || len(rules.Content) == 0 {
		f.report(rules, Error{Field: "rules", Message: "it must be a list of rules, and is " + Describe(rules)})
		return
	}
	for i, n := range rules.Content {
		before := len(f.errs)
		d := decoder{file: f, out: f.own.out, fields: make(map[string]spot)}
		d.rule(n, fmt.Sprintf("rules[%d]", i))
		d.out.Definitions = f.own.defs
		f.Rules = append(f.Rules, d.out)
		f.places = append(f.places, place{node: n, fields: d.fields, damaged: len(f.errs) > before})
	}
}

// maxList bounds the elements of a list: each rule has those of the defaults.
const maxList = 100

// decoder reads one rule, over what the defaults say.
type decoder struct {
	file   *File
	out    celrule.Rule
	fields map[string]spot
}

// rule reads a rule. Its path names it in errors if it has no name.
func (d *decoder) rule(n *yaml.Node, path string) {
	before := len(d.file.errs)
	d.read(n)
	for _, e := range d.file.errs[before:] {
		if d.out.Name != "" {
			e.Rule = d.out.Name
		} else {
			e.Field = strings.TrimSuffix(path+"."+e.Field, ".")
		}
	}
}

func (d *decoder) read(n *yaml.Node) { d.file.mapping(n, "", d.keys()) }

// keys returns what a rule may hold. What each is, people read in ruleKeys.
func (d *decoder) keys() keys {
	r := &d.out
	return keys{
		{"name", d.text("name", &r.Name)},
		{"when", d.text("when", &r.When)},
		{"unless", d.text("unless", &r.Unless)},
		{"signature", d.signature},
		{"threshold", func(n *yaml.Node) {
			d.file.mapping(n, "threshold", keys{
				{"count", d.count("threshold.count", &r.Threshold.Count)},
				{"within", d.duration("threshold.within", &r.Threshold.Within)},
			})
		}},
		{"severity", d.text("severity", &r.Severity)},
		{"title", d.text("title", &r.Title)},
		{"team", d.text("team", &r.Team)},
		{"runbook", d.text("runbook", &r.Runbook)},
		{"labels", d.list("labels", &r.Labels)},
		{"sinks", d.list("sinks", &r.Sinks)},
		{"budget", d.count("budget", &r.Budget)},
		{"suppress", func(n *yaml.Node) {
			d.file.mapping(n, "suppress", keys{{"deploy", d.duration("suppress.deploy", &r.Suppress.Deploy)}})
		}},
		{"continue", d.truth("continue", &r.Continue)},
		{"canceled", d.truth("canceled", &r.Canceled)},
		{"mode", d.mode},
		{"resolve", func(n *yaml.Node) {
			d.file.mapping(n, "resolve", keys{{"quiet", d.duration("resolve.quiet", &r.Quiet)}})
		}},
	}
}

func (d *decoder) report(n *yaml.Node, field, message, hint string) {
	d.file.report(n, Error{Field: field, Message: message, Hint: hint})
}

// scalar notes where a field stands, and reports whether it is one text.
func (d *decoder) scalar(n *yaml.Node, field string) bool {
	d.fields[field] = spot{d.file, n}
	hint := "leave the key out for the default"
	if field == "name" || field == "when" {
		hint = ""
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		d.report(n, field, "it must be a text, and is "+Describe(n), "")
	case n.Tag == "!!null":
		d.report(n, field, "it has no value", hint)
	case strings.TrimSpace(n.Value) == "":
		d.report(n, field, "it is empty", hint)
	default:
		return true
	}
	return false
}

func (d *decoder) text(field string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !d.scalar(n, field) {
			return
		}
		if n.Tag != "!!str" {
			d.report(n, field, "it must be a text, and is "+Describe(n), fmt.Sprintf("did you mean %q?", n.Value))
			return
		}
		*to = n.Value
	}
}

func (d *decoder) list(field string, to *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		maps.DeleteFunc(d.fields, func(key string, _ spot) bool { return strings.HasPrefix(key, field+"[") })
		*to = nil
		if n.Kind != yaml.SequenceNode {
			hint := ""
			if n.Kind == yaml.ScalarNode && n.Value != "" {
				hint = fmt.Sprintf("did you mean [%s]?", n.Value)
			}
			d.report(n, field, "it must be a list, and is "+Describe(n), hint)
			return
		}
		if len(n.Content) > maxList {
			d.report(n, field, fmt.Sprintf("it has more than %d elements", maxList), "")
			return
		}
		for i, elem := range n.Content {
			var s string
			d.text(fmt.Sprintf("%s[%d]", field, i), &s)(elem)
			*to = append(*to, s)
		}
	}
}

// signature reads a list of components, or one expression.
func (d *decoder) signature(n *yaml.Node) {
	delete(d.fields, "signature")
	d.out.Signature, d.out.SignatureExpr = nil, ""
	if n.Kind == yaml.ScalarNode {
		d.text("signature", &d.out.SignatureExpr)(n)
		return
	}
	d.list("signature", &d.out.Signature)(n)
}

// mode reads a mode: a text, or a mapping of a kind to its value.
func (d *decoder) mode(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.text("mode", &d.out.Mode)(n)
		return
	}
	d.fields["mode"] = spot{d.file, n}
	var mode string
	read := func(kind celrule.ModeKind) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
				d.report(n, "mode."+string(kind), "it must be a text, and is "+Describe(n), "")
				return
			}
			if mode != "" {
				d.report(n, "mode", "a rule has one mode", "")
				return
			}
			mode = string(kind) + ": " + n.Value
			if _, err := celrule.ParseMode(mode); err != nil {
				d.report(n, "mode."+string(kind), err.Error(), "")
				mode = string(celrule.Live) // what is wrong is said
			}
		}
	}
	before := len(d.file.errs)
	d.file.mapping(n, "mode", keys{{"canary", read(celrule.Canary)}, {"draft", read(celrule.Draft)}})
	if mode == "" && len(d.file.errs) == before {
		d.report(n, "mode", "it is empty", "leave the key out for the default")
	}
	d.out.Mode = mode
}

func (d *decoder) count(field string, to *int64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !d.scalar(n, field) {
			return
		}
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || i < 1 {
			d.report(n, field, fmt.Sprintf("it must be a whole number of at least 1, and is %q", n.Value), "")
			return
		}
		*to = i
	}
}

func (d *decoder) truth(field string, to *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !d.scalar(n, field) {
			return
		}
		if n.Tag != "!!bool" {
			d.report(n, field, "it must be true or false, and is "+Describe(n), "")
			return
		}
		*to = strings.EqualFold(n.Value, "true")
	}
}

func (d *decoder) duration(field string, to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !d.scalar(n, field) {
			return
		}
		t, err := celrule.ParseDuration(n.Value)
		switch {
		case err != nil && n.Tag == "!!int":
			d.report(n, field, "it has no unit", fmt.Sprintf("did you mean %ss?", n.Value))
		case err != nil || t <= 0:
			d.report(n, field, fmt.Sprintf("it must be a duration, and is %q", n.Value), "such as 90s, 5m, 1h30m or 7d")
		default:
			*to = t
		}
	}
}

// keys says what a mapping may hold, and what to do with it.
type keys []struct {
	name string
	read func(*yaml.Node)
}

// mapping reads a mapping. Its path is "" for the file and for a rule.
func (f *File) mapping(n *yaml.Node, path string, known keys) {
	if n.Kind != yaml.MappingNode {
		f.report(n, Error{Field: path, Message: "it must be a mapping of keys to values, and is " + Describe(n)})
		return
	}
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	first := make(map[string]*yaml.Node)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.Index(names, key.Value)
		switch {
		case first[key.Value] != nil:
			f.report(key, Error{Field: path, Message: fmt.Sprintf("the key %q stands here twice; first in line %d", key.Value, first[key.Value].Line)})
			continue
		case at >= 0:
			known[at].read(value)
		case slices.Contains(laterKeys, key.Value):
			f.report(key, Error{Field: path, Message: fmt.Sprintf("%q is not supported by this version", key.Value)})
		default:
			hint := "known are " + strings.Join(names, ", ")
			if near := celrule.Nearest(key.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			f.report(key, Error{Field: path, Message: fmt.Sprintf("there is no key %q", key.Value), Hint: hint})
		}
		first[key.Value] = key
	}
}

// Describe names what a node is.
func Describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "a truth value"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a text"
}
