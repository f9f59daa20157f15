package celrule

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// The functions that rules have beside CEL's own.
const (
	fnIsTimeout       = "isTimeout"
	fnHTTPStatusClass = "httpStatusClass"
	fnMatchesAny      = "matchesAny"
	fnHasPrefixAny    = "hasPrefixAny"
	fnHost            = "host"
)

// function is one of them.
type function struct {
	usage, doc, example string

	id     string // of its only overload
	args   []*types.Type
	result *types.Type
	op     functions.FunctionOp
	cost   cost.QuantityExpr // beside that of a call
	absent ref.Val           // what it is of something absent, or of another type
}

var ownFunctions = map[string]function{
	fnIsTimeout: {
		usage:   "isTimeout(exception)",
		doc:     "whether the exception is a timeout or an exceeded deadline, by the last part of its type or by its message (see below)",
		example: `isTimeout(exception) && span.kind == "CLIENT"`,

		id: "is_timeout_exception", args: []*types.Type{exceptionClass.Type}, result: types.BoolType,
		op: func(args ...ref.Val) ref.Val {
			e := args[0].(*object).view.exception()
			return types.Bool(timedOut(e.Type, e.Message))
		},
		cost: cost.Const(maxMessage / 10), absent: types.False,
	},
	fnHTTPStatusClass: {
		usage: "httpStatusClass(span)",
		doc: `"1xx", "2xx", "3xx", "4xx" or "5xx", from the attribute http.response.status_code or else http.status_code, ` +
			`a number or the text of one; "" if there is none from 100 to 599`,
		example: `httpStatusClass(span) in ["4xx", "5xx"]`,

		id: "http_status_class_span", args: []*types.Type{spanClass.Type}, result: types.StringType,
		op: func(args ...ref.Val) ref.Val {
			return types.String(args[0].(*object).view.spanAttrs.statusClass())
		},
		cost: cost.Const(1), absent: types.String(""),
	},
	fnMatchesAny: {
		usage: `matchesAny(text, ["pattern", ...])`,
		doc: "whether any of some regular expressions (RE2, as for `matches`) matches a part of the text. " +
			"The list is of constants; all are compiled when the rule is loaded",
		example: `matchesAny(span.name, ["^GET /health", "^GET /ready"])`,

		id: "matches_any_string_list", args: textAndList, result: types.BoolType,
		op:   func(args ...ref.Val) ref.Val { return types.NewErr("the patterns of matchesAny are not constant") },
		cost: cost.Mul(cost.Length(cost.Arg(0)), cost.Length(cost.Arg(1))), absent: types.False,
	},
	fnHasPrefixAny: {
		usage:   `hasPrefixAny(text, ["prefix", ...])`,
		doc:     "whether the text begins with any of some prefixes",
		example: `hasPrefixAny(span.attributes["url.path"], ["/api/", "/internal/"])`,

		id: "has_prefix_any_string_list", args: textAndList, result: types.BoolType,
		op: func(args ...ref.Val) ref.Val {
			text, list := string(args[0].(types.String)), args[1].(traits.Lister)
			for it := list.Iterator(); it.HasNext() == types.True; {
				if prefix, ok := it.Next().(types.String); ok && strings.HasPrefix(text, string(prefix)) {
					return types.True
				}
			}
			return types.False
		},
		cost: cost.Length(cost.Arg(1)), absent: types.False,
	},
	fnHost: {
		usage: "host(url)",
		doc: `the host of a URL, or of a bare "host:port", in lower case and without port and credentials; ` +
			`"" if there is none`,
		example: `host(span.attributes["url.full"]) == "api.example.com"`,

		id: "host_string", args: []*types.Type{types.StringType}, result: types.StringType,
		op: func(args ...ref.Val) ref.Val {
			return types.String(lowerASCII(hostOf(string(args[0].(types.String)))))
		},
		cost: cost.Const(maxAuthority / 10), absent: types.String(""),
	},
}

var textAndList = []*types.Type{types.StringType, types.NewListType(types.StringType)}

// declareFunctions returns the options that make the functions known to an environment.
func declareFunctions() (opts []cel.EnvOption) {
	for name, f := range ownFunctions {
		overload := cel.Overload(f.id, f.args, f.result, binding(len(f.args), f.op))
		opts = append(opts,
			cel.Function(name, cel.FunctionDocs(f.doc), overload),
			cel.CostModel(cost.Overload(f.id, cost.EvalCost(cost.Sum(cost.Const(cost.CallCost), f.cost)))))
	}
	return opts
}

func binding(args int, op functions.FunctionOp) cel.OverloadOpt {
	switch args {
	case 1:
		return cel.UnaryBinding(func(arg ref.Val) ref.Val { return op(arg) })
	case 2:
		return cel.BinaryBinding(func(left, right ref.Val) ref.Val { return op(left, right) })
	}
	return cel.FunctionBinding(op)
}

// prepare makes a call ready to run: the patterns of matches and matchesAny are
// compiled, and what the functions of CEL's extensions make is bounded.
func prepare(call interpreter.InterpretableCall, texts []string) (interpreter.InterpretableCall, error) {
	op := boundedFunctions()[call.Function()]
	if texts != nil {
		p, err := compilePatterns(texts)
		if err != nil {
			return nil, err
		}
		op = p.call
	}
	if op == nil {
		return call, nil
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), op), nil
}
