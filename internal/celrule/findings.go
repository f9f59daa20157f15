package celrule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// Finding is something about a rule that is legal and probably not meant.
type Finding struct {
	Error
	Kind FindingKind
}

// FindingKind says what a finding is about. The set is closed.
type FindingKind string

const (
	FindNever     FindingKind = "never"     // the rule can match nothing
	FindAlways    FindingKind = "always"    // the rule matches every span
	FindShadowed  FindingKind = "shadowed"  // a rule before it takes all that it could
	FindUnused    FindingKind = "unused"    // no rule uses the definition
	FindAttribute FindingKind = "attribute" // the name of an attribute is misspelt, old, or looked for in the wrong place
	FindCost      FindingKind = "cost"      // the rule is dear for every span
	FindSeverity  FindingKind = "severity"  // tickets do not know the severity
)

// dear is a cost that is worth telling.
const dear = maxEstimate / 8

// Findings returns what the rules, in order, probably do not mean. Rules that do
// not compile have none: [Compile] says what is wrong with them.
func Findings(rules []Rule) []*Finding {
	book := make(glossary)
	f := finder{earlier: newCover(), defined: make(map[Definition]bool)}
	for i, r := range rules {
		c := checker{rule: &rule{Rule: r.withDefaults()}}
		c.defs, c.errs = book.of(r.Definitions)
		c.check()
		if len(c.errs) > 0 {
			continue
		}
		f.index, f.rule, f.defs = i, &rule{}, c.defs
		f.definitions(r.Definitions)
		f.rule = c.rule
		f.look()
	}
	f.unused(rules)
	slices.SortStableFunc(f.found, func(a, b *Finding) int { return a.Index - b.Index })
	return f.found
}

// finder looks at one rule after another.
type finder struct {
	index   int
	rule    *rule
	defs    definitions
	earlier *cover
	defined map[Definition]bool // that were looked at
	found   []*Finding
}

func (f *finder) report(kind FindingKind, field string, line, column int, message, hint string) {
	f.found = append(f.found, &Finding{Kind: kind, Error: Error{
		Index: f.index, Rule: f.rule.Name, Field: field, Line: line, Column: column, Message: message, Hint: hint,
	}})
}

func (f *finder) look() {
	r := f.rule
	f.attributes("when", r.When)
	f.attributes("unless", r.Unless)
	if r.severity.expr == nil && r.Severity != "" && !slices.Contains(severities, r.severity.plain) {
		f.report(FindSeverity, "severity", 0, 0, fmt.Sprintf("tickets do not know the severity %q", r.severity.plain), "it is one of "+strings.Join(severities, ", "))
	}
	when := &r.when.condition
	switch {
	case !satisfiable(when):
		f.report(FindNever, "when", 0, 0, "no span can meet the condition", "")
		return
	case r.unless != nil && implies(when, &r.unless.condition):
		f.report(FindNever, "unless", 0, 0, "it holds whenever the rule's when does: the rule matches nothing", "")
		return
	case !satisfiable(&condition{op: negation, args: []condition{*when}}):
		f.report(FindAlways, "when", 0, 0, "every span meets the condition", "")
	case when.needsCEL() && !when.isFiled():
		f.report(FindCost, "when", 0, 0, "it is evaluated for every span: no index can tell which it could match",
			"a condition on status, kind, a name or an attribute beside it would")
	}
	if cost := r.when.cost + unlessCost(r); cost > dear {
		f.report(FindCost, "when", 0, 0, fmt.Sprintf("it may cost %d for a span, of %d at most", cost, maxEstimate), "")
	}
	if j := f.earlier.find(when); j != nil {
		f.report(FindShadowed, "when", 0, 0, fmt.Sprintf("rule %q before it takes every span that it could match", j.Name), "put it before that one")
	}
	if takesAll := r.unless == nil || !satisfiable(when, &r.unless.condition); takesAll && !r.Continue && r.mode.Kind != Off {
		f.earlier.add(r)
	}
}

var severities = []string{"critical", "error", "warning", "info"}

func unlessCost(r *rule) uint64 {
	if r.unless == nil {
		return 0
	}
	return r.unless.cost
}

// needsCEL reports whether a condition may leave a question open.
func (c *condition) needsCEL() bool {
	return c.op == open && c.answer == unknown || slices.ContainsFunc(c.args, func(arg condition) bool { return arg.needsCEL() })
}

// isFiled reports whether an index tells which of the spans that did not fail
// can meet the condition.
func (c *condition) isFiled() bool {
	healthy := c.given(func(s subject) (value, bool) { return textValue("UNSET"), s.what == spanStatus })
	if healthy.op == open && healthy.answer == no {
		return true
	}
	_, _, ok := healthy.rarest(nil)
	return ok
}

// unused reports definitions that no rule uses.
func (f *finder) unused(rules []Rule) {
	need := make(map[Definition]bool)
	first := make(map[Definition]int) // rule that could use it
	for i, r := range rules {
		for _, d := range used(r) {
			need[d] = true
		}
		for _, d := range r.Definitions {
			if _, ok := first[d]; !ok {
				first[d] = i
			}
		}
	}
	for _, d := range slices.SortedFunc(maps.Keys(first), func(a, b Definition) int { return strings.Compare(a.Name, b.Name) }) {
		if !need[d] {
			f.index, f.rule = first[d], &rule{}
			f.report(FindUnused, "let."+d.Name, 0, 0, "no rule uses it", "")
		}
	}
}

// definitions looks at definitions, each of them once.
func (f *finder) definitions(defs []Definition) {
	for _, d := range defs {
		if !f.defined[d] {
			f.defined[d] = true
			f.attributes("let."+d.Name, d.Expr)
		}
	}
}

// attributes reports names that are probably not meant, but for those in
// definitions that the text uses.
func (f *finder) attributes(field, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	checked, in, errs := f.defs.check(matching, text)
	if checked == nil || errs != nil {
		return
	}
	tree := checked.NativeRep()
	seen := make(map[string]bool)
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		owner, key := attributeOf(tree, e)
		if owner == 0 || seen[key] || in.of(e.ID()) != nil {
			return
		}
		seen[key] = true
		if message, hint := doubt(owner, key); message != "" {
			at := tree.SourceInfo().GetStartLocation(e.ID())
			f.report(FindAttribute, field, at.Line(), at.Column()+1, message, hint)
		}
	}))
}

// attributeOf returns whose attribute an expression reads or asks for, and its
// name.
func attributeOf(tree *ast.AST, e ast.Expr) (what, string) {
	switch e.Kind() {
	case ast.SelectKind:
		if w, ok := attributesOf(tree, e.AsSelect().Operand()); ok {
			return w, e.AsSelect().FieldName()
		}
	case ast.CallKind:
		if s, ok := called(tree, e.AsCall()); ok && s.key != "" && !s.host {
			return s.what, s.key
		}
	}
	return 0, ""
}

// doubt says what is probably wrong with the name of an attribute, or "".
func doubt(owner what, key string) (message, hint string) {
	c, known := convention(key)
	switch {
	case known && c.Old && c.Replacement != "":
		return fmt.Sprintf("%s is an old name", key), "newer instrumentation records " + c.Replacement
	case known && owner == spanAttribute && ofResource(key):
		return fmt.Sprintf("%s is recorded of resources", key), fmt.Sprintf("did you mean resource.attributes[%q]?", key)
	case known:
		return "", ""
	}
	if near := Nearest(key, conventionNames()); near != "" && strings.Contains(key, ".") {
		return fmt.Sprintf("no convention knows %s", key), fmt.Sprintf("did you mean %s?", near)
	}
	return "", ""
}

// ofResource reports whether an attribute describes the process that records,
// and so stands on its resource.
func ofResource(key string) bool {
	for _, namespace := range []string{"service.", "deployment.", "k8s.", "telemetry.", "cloud.", "host.", "process.", "os.", "container."} {
		if strings.HasPrefix(key, namespace) {
			return key != "service.peer.name" && key != "service.peer.namespace"
		}
	}
	return false
}
