package celrule

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// maxEstimate is the cost, in CEL's units, that an expression may come to with
// the largest values that are likely: a loop over all events of a span with one
// over all of their attributes in it, but not over all events again. A unit is
// some ten nanoseconds.
const maxEstimate = 1 << 17

// The largest values that are likely, in characters and elements, of what the
// SDK does not bound.
const (
	attributeText = 1 << 10 // the value of an attribute
	attributeList = 128     // if it is used as a list
	otherText     = 128     // a name, or an element of a list
	line          = 32      // a part of a text that is split, and at most eight times that
)

// sizes are the largest values that are likely, in characters and elements. The
// SDK bounds the number of attributes and events to 128 each. It does not bound
// their length; what is longer than is likely, the limit at run time is for.
var sizes = map[string]uint64{
	"span.name":                             256,
	"span.kind":                             8,
	"span.status":                           8,
	"span.status_message":                   4 << 10,
	"span.trace_id":                         32,
	"span.span_id":                          16,
	"span.attributes":                       128,
	"span.attributes.@keys":                 otherText,
	"span.attributes.@values":               attributeText,
	"span.events":                           128,
	"span.events.@items.name":               otherText,
	"span.events.@items.attributes":         128,
	"span.events.@items.attributes.@keys":   otherText,
	"span.events.@items.attributes.@values": attributeText,
	"resource.attributes":                   128,
	"resource.attributes.@keys":             otherText,
	"resource.attributes.@values":           attributeText,
	"scope.name":                            128,
	"scope.version":                         32,
	"exception.type":                        256,
	"exception.message":                     8 << 10,
	"exception.stacktrace":                  32 << 10,
	"problem.id":                            32,
	"problem.service":                       128,
	"problem.environment":                   64,
	"problem.operation":                     256,
	"suspects":                              maxSuspects,
	"suspects.@items.service":               128,
	"suspects.@items.namespace":             128,
	"suspects.@items.environment":           64,
	"suspects.@items.version":               128,
	"suspects.@items.revision":              128,
	"suspects.@items.id":                    128,
	"suspects.@items.name":                  128,
	"suspects.@items.by":                    128,
	"suspects.@items.changelog":             1 << 10,
	"suspects.@items.class":                 16,
}

// estimator tells CEL how large values may be.
type estimator struct {
	lists map[int64]bool // nodes that are of use only if they are lists
}

// ofLists are the functions that are called on lists.
var ofLists = []string{"sort", "@sortByAssociatedKeys", "distinct", "hasOnly", "hasAny", "hasAll", "hasExactly", "flatten", "slice", "join"}

// newEstimator returns an estimator of the values of an expression. That of an
// attribute can be a long text or a short list.
func newEstimator(e ast.Expr) estimator {
	lists := make(map[int64]bool)
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			lists[e.AsComprehension().IterRange().ID()] = true
			lists[e.AsComprehension().AccuInit().ID()] = true // what sortBy sorts
		case ast.CallKind:
			call := e.AsCall()
			if call.FunctionName() == operators.In {
				lists[call.Args()[1].ID()] = true
			}
			if slices.Contains(ofLists, call.FunctionName()) {
				lists[call.Target().ID()] = true
				for _, arg := range call.Args() {
					lists[arg.ID()] = true
				}
			}
		}
	}))
	return estimator{lists}
}

// EstimateSize implements [cost.Estimator].
func (est estimator) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	path := pathOf(n)
	if n.Expr() == nil && strings.Count(path, "@") > 2 {
		return nil // CEL would ask for what is in it, and in that, and so on
	}
	if strings.HasSuffix(path, ".@values") && n.Expr() != nil && est.lists[n.Expr().ID()] {
		return &cost.SizeEstimate{Max: attributeList}
	}
	max, known := sizes[path]
	if n.Type().Kind() == types.OpaqueKind && n.Type().TypeName() == "optional_type" {
		if !known {
			max = otherText
		}
		return &cost.SizeEstimate{Max: 1, Elem: &cost.SizeEstimate{Max: max}} // of what is in it
	}
	if known {
		return &cost.SizeEstimate{Max: max}
	}
	if n.ComputedSize() != nil {
		return nil
	}
	switch n.Type().Kind() {
	case types.StringKind, types.BytesKind, types.DynKind, types.ListKind, types.MapKind:
		return &cost.SizeEstimate{Max: otherText}
	}
	return nil
}

// pathOf returns where a value stands, as sizes has it. The name of a field of
// attributes is that of one of them.
func pathOf(n cost.AstNode) string {
	path := slices.Clone(n.Path())
	for i := range path {
		if i > 0 && path[i-1] == "attributes" && !strings.HasPrefix(path[i], "@") {
			path[i] = "@values"
		}
	}
	return strings.Join(path, ".")
}

// EstimateCallCost implements [cost.Estimator].
func (estimator) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// splitCost estimates what splitting a text costs. By itself CEL takes it that
// there are as many parts as characters, each as long as the text.
func splitCost(est cost.Estimator, target *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	size := (*target).ComputedSize()
	if size == nil {
		size = est.EstimateSize(*target)
	}
	n := uint64(attributeText)
	if size != nil {
		n = min(size.Max, 1<<20)
	}
	parts := n/line + 1
	return cost.NewCallEstimate(cost.Estimate{Max: n/10 + parts}, &cost.SizeEstimate{
		Max: parts, Elem: &cost.SizeEstimate{Max: min(n, 8*line)},
	})
}

// estimate returns the most that an expression may cost, or an error if that is
// too much.
func estimate(env *cel.Env, checked *cel.Ast) (uint64, *Error) {
	est, err := env.EstimateCost(checked, newEstimator(checked.NativeRep().Expr()),
		cost.OverloadCostEstimate("string_split_string", splitCost),
		cost.OverloadCostEstimate("string_split_string_int", splitCost),
	)
	if err != nil {
		return 0, &Error{Message: "its cost cannot be told: " + err.Error()}
	}
	if est.Max > maxEstimate {
		return est.Max, &Error{
			Line: 1, Column: 1,
			Message: fmt.Sprintf("it may cost %s, and the limit is %d", amount(est.Max), maxEstimate),
			Hint:    dearest(checked.NativeRep().Expr()),
		}
	}
	return est.Max, nil
}

// dearest guesses what makes an expression dear.
func dearest(e ast.Expr) string {
	var loop, inside bool
	each := func(e ast.Expr, fn func(ast.ComprehensionExpr)) {
		ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
			if e.Kind() == ast.ComprehensionKind {
				fn(e.AsComprehension())
			}
		}))
	}
	each(e, func(outer ast.ComprehensionExpr) {
		loop = true
		each(outer.LoopStep(), func(ast.ComprehensionExpr) { inside = true })
	})
	switch {
	case inside:
		return "what is dear is a loop (all, exists, filter, map) inside a loop"
	case loop:
		return "what is dear are searches and comparisons in a loop (all, exists, filter, map), for many elements or long texts"
	}
	return "what is dear are long patterns against texts such as stack traces"
}

func amount(n uint64) string {
	if n > 1<<40 {
		return "more than can be told"
	}
	return fmt.Sprint(n)
}
