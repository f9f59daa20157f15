package celrule

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/spanticket/spanticket/correlate"
)

const (
	defaultSeverity = "error"
	maxTitle        = 120  // runes
	maxLine         = 1000 // runes of any other text
	maxValues       = 32   // of a signature
)

// Answers evaluates what a rule says about a problem, of which o is the newest
// occurrence. A field that hangs on something absent has its default, and so
// has one that fails; the error joins an [*Error] for each that failed.
//
// scrub redacts a text before it is cut or made one line: half a secret is not
// known for one. Runbook and Sinks are not scrubbed, nor cut.
func (s *Set) Answers(i int, o *correlate.Occurrence, p *correlate.Problem, scrub func(string) string) (correlate.Answers, error) {
	r := s.rules[i]
	v := viewOccurrence(o, p)
	defer v.release()
	e := evaluation{rule: r, index: i, view: v, scrub: scrub}
	a := correlate.Answers{
		Severity:  cmp.Or(e.line("severity", r.severity, maxLine), defaultSeverity),
		Title:     cmp.Or(e.line("title", r.title, maxTitle), oneLine(scrub(defaultTitle(o, p, scrub)), maxTitle)),
		Team:      e.line("team", r.team, maxLine),
		Runbook:   strings.TrimSpace(e.text("runbook", r.runbook)),
		Labels:    e.lines("labels", r.labels),
		Threshold: r.Threshold,
		Quiet:     r.Quiet,
	}
	for i, t := range r.sinks {
		if name := e.text(fmt.Sprintf("sinks[%d]", i), t); name != "" {
			a.Sinks = append(a.Sinks, name)
		}
	}
	if a.Runbook != "" && !isWebAddress(a.Runbook) {
		e.fail("runbook", errors.New("it is not an http or https URL"))
		a.Runbook = ""
	}
	return a, errors.Join(e.errs...)
}

// Spec returns what makes the signature of an occurrence under a rule. If the
// rule's expression fails or yields nothing it is the default one.
func (s *Set) Spec(i int, o *correlate.Occurrence) (correlate.Spec, error) {
	r := s.rules[i]
	if r.signature == nil {
		return correlate.Spec{Components: r.Signature}, nil
	}
	v := viewOccurrence(o, nil)
	defer v.release()
	e := evaluation{rule: r, index: i, view: v}
	var spec correlate.Spec
	e.try("signature", func() error {
		out, err := r.signature.eval(v)
		if out == nil || err != nil {
			return err
		}
		spec.Values, err = listOfStrings(out)
		return err
	})
	return spec, errors.Join(e.errs...)
}

// evaluation evaluates the fields of one rule and collects what fails.
type evaluation struct {
	rule  *rule
	index int
	view  *view
	scrub func(string) string
	errs  []error
}

func (e *evaluation) fail(field string, err error) {
	e.rule.failed(err)
	e.errs = append(e.errs, &Error{Index: e.index, Rule: e.rule.Name, Field: field, Message: err.Error()})
}

// try runs what evaluates a field. Panics are failures.
func (e *evaluation) try(field string, fn func() error) {
	if e.rule.off() {
		return // it has its defaults
	}
	defer func() {
		if r := recover(); r != nil {
			e.fail(field, fmt.Errorf("panic: %v", r))
		}
	}()
	if err := fn(); err != nil {
		e.fail(field, err)
	}
}

func (e *evaluation) text(field string, t text) (s string) {
	e.try(field, func() (err error) {
		s, err = t.eval(e.view)
		return err
	})
	return s
}

// line evaluates a text that is to be one line, of at most size runes.
func (e *evaluation) line(field string, t text, size int) string {
	return oneLine(e.scrub(e.text(field, t)), size)
}

func (e *evaluation) lines(field string, ts []text) []string {
	var out []string
	for i, t := range ts {
		if s := e.line(fmt.Sprintf("%s[%d]", field, i), t, maxLine); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// oneLine makes a text fit for a line of a ticket, of at most size runes.
func oneLine(s string, size int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if utf8.RuneCountInString(s) <= size {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:size-1])) + "…"
}

func listOfStrings(v ref.Val) ([]string, error) {
	list, ok := v.(traits.Lister)
	if !ok {
		return nil, fmt.Errorf("%s is no list", article(v.Type().TypeName()))
	}
	var out []string
	for it := list.Iterator(); it.HasNext() == types.True; {
		elem := it.Next()
		s, ok := elem.ConvertToType(types.StringType).(types.String)
		if !ok {
			return nil, wrongType(elem)
		}
		if len(out) == maxValues {
			return nil, fmt.Errorf("more than %d values", maxValues)
		}
		out = append(out, string(s))
	}
	return out, nil
}

func wrongType(v ref.Val) error {
	return fmt.Errorf("%s is no text", article(v.Type().TypeName()))
}
