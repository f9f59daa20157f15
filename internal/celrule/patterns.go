package celrule

import (
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// patterns are compiled regular expressions, any of which may match. They are
// safe for concurrent use.
type patterns struct {
	all  []*regexp.Regexp
	size int // instructions of all of them
}

func compilePatterns(texts []string) (*patterns, error) {
	p := new(patterns)
	for _, text := range texts {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, err
		}
		size, err := types.RegexProgramSize(text)
		if err != nil {
			return nil, err
		}
		p.all, p.size = append(p.all, re), p.size+size
	}
	return p, nil
}

// match reports whether a text matches, unless it is so long that the answer
// could take more than maxMatch steps.
func (p *patterns) match(text string) tri {
	if int64(len(text))*int64(p.size) > maxMatch {
		return unknown
	}
	for _, re := range p.all {
		if re.MatchString(text) {
			return yes
		}
	}
	return no
}

// call is a call of matches or matchesAny by CEL.
func (p *patterns) call(args ...ref.Val) ref.Val {
	text, ok := args[0].(types.String)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	answer := p.match(string(text))
	if answer == unknown {
		return types.NewErr("a text of %d bytes is too long for a pattern of %d steps", len(text), p.size)
	}
	return types.Bool(answer == yes)
}

// patternCall returns what a call of matches or matchesAny looks at, and its
// patterns if they are constants. They are nil otherwise.
func patternCall(call ast.CallExpr) (target ast.Expr, texts []string) {
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	if len(args) != 2 {
		return nil, nil
	}
	switch call.FunctionName() {
	case overloads.Matches:
		if text, ok := constant(args[1]).(types.String); ok {
			return args[0], []string{string(text)}
		}
	case fnMatchesAny:
		if texts, ok := constantTexts(args[1]); ok {
			return args[0], texts
		}
	}
	return nil, nil
}

// constantTexts returns the elements of a list of text constants.
func constantTexts(e ast.Expr) ([]string, bool) {
	if e.Kind() != ast.ListKind || len(e.AsList().OptionalIndices()) > 0 {
		return nil, false
	}
	texts := []string{}
	for _, elem := range e.AsList().Elements() {
		text, ok := constant(elem).(types.String)
		if !ok {
			return nil, false
		}
		texts = append(texts, string(text))
	}
	return texts, true
}

// patternValidator checks the patterns of matchesAny, as CEL does those of
// matches. What it reports is put in words by explain.
type patternValidator struct{}

// Name implements cel.ASTValidator.
func (patternValidator) Name() string { return "celrule.validator." + fnMatchesAny }

// Validate implements cel.ASTValidator.
func (patternValidator) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != fnMatchesAny {
			return
		}
		list := e.AsCall().Args()[1]
		if list.Kind() != ast.ListKind || len(list.AsList().OptionalIndices()) > 0 {
			issues.ReportErrorAtID(list.ID(), "invalid %s argument", fnMatchesAny)
			return
		}
		total := 0
		for _, elem := range list.AsList().Elements() {
			text, ok := constant(elem).(types.String)
			size, err := types.RegexProgramSize(string(text))
			if total += size; !ok || err != nil || total > maxRegexp {
				issues.ReportErrorAtID(elem.ID(), "invalid %s argument", fnMatchesAny)
				return
			}
		}
	}))
}
