package celrule

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/spanticket/spanticket/correlate"
)

// components are the names that a rule's signature can be made of.
var components = correlate.ComponentNames()

// Components returns the names that a rule's signature can be made of.
func Components() []string { return slices.Clone(components) }

// maxInlined bounds the nodes that come from definitions, in all rules: a large
// definition can stand in many of them. It is some hundred for each of ten
// thousand rules.
const maxInlined = 1 << 20

// Compile checks all rules and returns a set of those that are live, in the
// order given. If something is wrong there is no set, and the error joins an
// [*Error] for every problem of every rule. The sinks that rules name as plain
// text must be among sinks, unless that is nil.
func Compile(rules []Rule, sinks []string) (*Set, error) { return (*Set)(nil).Compile(rules, sinks) }

// Compile is the function [Compile], but takes over from s, which may be nil,
// the rules that it has too, unchanged, with all that they counted.
func (s *Set) Compile(rules []Rule, sinks []string) (*Set, error) {
	var compiled []*rule
	var errs []error
	first := make(map[string]int) // rule by name
	known, book := s.byName(), make(glossary)
	total := 0 // nodes that came from definitions
	switchedOff := new(atomic.Int64)
	if s != nil {
		switchedOff = s.switchedOff
	}
	for i, r := range rules {
		c := checker{rule: &rule{Rule: r.withDefaults(), switchedOff: switchedOff}, sinks: sinks}
		c.defs, c.errs = book.of(r.Definitions)
		c.rule.Definitions = used(r)
		if same := known[r.Name]; same != nil && reflect.DeepEqual(same.Rule, c.rule.Rule) && c.knowsSinks() {
			c.rule = same
		} else {
			c.check()
		}
		if total += c.rule.inlined; total > maxInlined {
			c.report("when", fmt.Sprintf("the rules up to it have more than %d parts, with what their definitions stand for", maxInlined), "")
		}
		if j, ok := first[r.Name]; ok && r.Name != "" {
			c.report("name", fmt.Sprintf("rule %d has this name already", j+1), "")
		} else {
			first[r.Name] = i
		}
		for _, e := range c.errs {
			e.Index, e.Rule = i, r.Name
			errs = append(errs, e)
		}
		if total > maxInlined {
			break // it would take too long
		}
		if c.rule.mode.Kind != Off {
			compiled = append(compiled, c.rule)
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	next := newSet(compiled)
	next.switchedOff = switchedOff
	return next, nil
}

// glossary has the definitions that were compiled, by where they stand: the
// rules of a file share a list.
type glossary map[list]definitions

type list struct {
	first *Definition
	len   int
}

// of returns the compiled definitions of a list. What is wrong with them is
// returned once.
func (g glossary) of(defs []Definition) (definitions, []*Error) {
	if len(defs) == 0 {
		return nil, nil
	}
	key := list{&defs[0], len(defs)}
	if ds, ok := g[key]; ok {
		return ds, nil
	}
	ds, errs := define(defs)
	g[key] = ds
	return ds, errs
}

// byName returns the rules of a set, which may be nil, by their names.
func (s *Set) byName() map[string]*rule {
	if s == nil {
		return nil
	}
	rules := make(map[string]*rule, len(s.rules))
	for _, r := range s.rules {
		rules[r.Name] = r
	}
	return rules
}

// checker compiles one rule and collects what is wrong with it.
type checker struct {
	rule  *rule
	defs  definitions
	sinks []string
	errs  []*Error
}

func (c *checker) report(field, message, hint string) {
	c.errs = append(c.errs, &Error{Field: field, Message: message, Hint: hint})
}

func (c *checker) check() {
	r := c.rule
	if strings.TrimSpace(r.Name) == "" {
		c.report("name", "a rule needs a name", "")
	}
	if strings.TrimSpace(r.When) == "" {
		c.report("when", "a rule needs a condition", "")
	} else {
		r.when = c.expression("when", matching, r.When, types.BoolType)
	}
	if strings.TrimSpace(r.Unless) != "" {
		r.unless = c.expression("unless", matching, r.Unless, types.BoolType)
	}
	c.signature()
	if r.Threshold.Count < 1 {
		c.report("threshold.count", "it must be at least 1", "")
	}
	if r.Threshold.Within <= 0 {
		c.report("threshold.within", "it must be longer than nothing", "")
	}
	if r.Quiet <= 0 {
		c.report("resolve.quiet", "it must be longer than nothing", "")
	}
	switch d := r.Suppress.Deploy; {
	case d < 0:
		c.report("suppress.deploy", "it must be longer than nothing", "")
	case d > correlate.MaxSuppress:
		c.report("suppress.deploy", fmt.Sprintf("it is longer than %d minutes", correlate.MaxSuppress/time.Minute), "")
	}
	var err error
	if r.mode, err = ParseMode(r.Mode); err != nil {
		near := ""
		if !slices.Contains(ModeKinds(), string(r.mode.Kind)) {
			near = hint(string(r.mode.Kind), ModeKinds())
		}
		c.report("mode", err.Error(), near)
	}
	r.severity = c.text("severity", r.Severity)
	r.title = c.text("title", r.Title)
	r.team = c.text("team", r.Team)
	r.runbook = c.text("runbook", r.Runbook)
	if p := r.runbook.plain; p != "" && !isWebAddress(p) {
		c.report("runbook", "it must be an http or https URL", "")
	}
	for i, s := range r.Labels {
		r.labels = append(r.labels, c.text(fmt.Sprintf("labels[%d]", i), s))
	}
	for i, s := range r.Sinks {
		field := fmt.Sprintf("sinks[%d]", i)
		if !c.knowsSink(s) {
			name := strings.TrimSpace(s)
			c.report(field, fmt.Sprintf("there is no sink %q", name), hint(name, c.sinks))
		}
		r.sinks = append(r.sinks, c.text(field, s))
	}
}

// knowsSink reports whether a sink that a rule names is there, as far as can be
// told before the name is evaluated.
func (c *checker) knowsSink(s string) bool {
	return c.sinks == nil || isExpression(s) || slices.Contains(c.sinks, strings.TrimSpace(s))
}

func (c *checker) knowsSinks() bool {
	return !slices.ContainsFunc(c.rule.Sinks, func(s string) bool { return !c.knowsSink(s) })
}

func (c *checker) signature() {
	r := c.rule
	for i, name := range r.Signature {
		field := fmt.Sprintf("signature[%d]", i)
		switch {
		case !slices.Contains(components, name):
			c.report(field, fmt.Sprintf("there is no component %q", name),
				cmp.Or(hint(name, components), "it is one of "+strings.Join(components, ", ")))
		case slices.Contains(r.Signature[:i], name):
			c.report(field, fmt.Sprintf("%q stands here twice", name), "")
		}
	}
	if r.SignatureExpr == "" {
		return
	}
	if len(r.Signature) > 0 {
		c.report("signature", "it is either names of components or an expression", "")
	}
	r.signature = c.expression("signature", signing, r.SignatureExpr, types.NewListType(types.StringType))
}

func (c *checker) expression(field string, s stage, source string, want *types.Type) *expression {
	expr, errs := compile(s, source, want, c.defs)
	c.add(field, expr, errs)
	return expr
}

func (c *checker) text(field, source string) text {
	t, errs := compileText(source, c.defs)
	c.add(field, t.expr, errs)
	return t
}

func (c *checker) add(field string, expr *expression, errs []*Error) {
	if expr != nil {
		c.rule.inlined += expr.inlined
	}
	for _, e := range errs {
		e.Field = field
	}
	c.errs = append(c.errs, errs...)
}

// hint proposes the candidate that a name is nearest to.
func hint(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
