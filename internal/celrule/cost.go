package celrule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// maxEstimate is the cost, in CEL's units, that an expression may come to with
// the largest values that are likely: a loop over all events of a span with one
// over all of their attributes in it, but not over all events again. A unit is
// some ten nanoseconds.
const maxEstimate = 1 << 17

// sizes are the largest values that are likely, in characters and elements. The
// SDK bounds the number of attributes and events to 128 each. It does not bound
// their length; what is longer than is likely, the limit at run time is for.
var sizes = map[string]uint64{
	"span.name":                     256,
	"span.kind":                     8,
	"span.status":                   8,
	"span.status_message":           4 << 10,
	"span.trace_id":                 32,
	"span.span_id":                  16,
	"span.attributes":               128,
	"span.attributes.@keys":         128,
	"span.attributes.@values":       128,
	"span.events":                   128,
	"span.events.@items.name":       128,
	"span.events.@items.attributes": 128,
	"resource.attributes":           128,
	"resource.attributes.@keys":     128,
	"resource.attributes.@values":   128,
	"scope.name":                    128,
	"scope.version":                 32,
	"exception.type":                256,
	"exception.message":             8 << 10,
	"exception.stacktrace":          32 << 10,
	"problem.id":                    32,
	"problem.service":               128,
	"problem.environment":           64,
	"problem.operation":             256,
}

// otherwise is the size of what is not among sizes, such as the value of an
// attribute of an event.
const otherwise = 128

// estimator tells CEL how large values may be.
type estimator struct{}

// EstimateSize implements [cost.Estimator].
func (estimator) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	if max, ok := sizes[strings.Join(n.Path(), ".")]; ok {
		return &cost.SizeEstimate{Max: max}
	}
	if n.ComputedSize() != nil {
		return nil
	}
	switch n.Type().Kind() {
	case types.StringKind, types.BytesKind, types.DynKind, types.ListKind, types.MapKind:
		return &cost.SizeEstimate{Max: otherwise}
	}
	return nil
}

// EstimateCallCost implements [cost.Estimator].
func (estimator) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// estimate returns the most that an expression may cost, or an error if that is
// too much.
func estimate(env *cel.Env, checked *cel.Ast) (uint64, *Error) {
	est, err := env.EstimateCost(checked, estimator{})
	if err != nil {
		return 0, &Error{Message: "its cost cannot be told: " + err.Error()}
	}
	if est.Max > maxEstimate {
		return est.Max, &Error{
			Line: 1, Column: 1,
			Message: fmt.Sprintf("it may cost %s, and the limit is %d", amount(est.Max), maxEstimate),
			Hint:    "what is dear are loops in loops (all, exists, filter, map) and searches in long texts such as stack traces",
		}
	}
	return est.Max, nil
}

func amount(n uint64) string {
	if n > 1<<40 {
		return "more than can be told"
	}
	return fmt.Sprint(n)
}
