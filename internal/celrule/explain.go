package celrule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	overload   = regexp.MustCompile(`(?s)^found no matching overload for '([^']*)' applied to '(.*)'$`)
	expected   = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
	unreadable = regexp.MustCompile(`(?s)^Syntax error: (?:mismatched input|extraneous input|no viable alternative at input|token recognition error at:|missing .* at) '(.+?)'(?: expecting.*)?$`)
	ofType     = regexp.MustCompile(`type\((event|suspect)\)`)
	invalid    = regexp.MustCompile(`^invalid (\w+) argument$`)
)

// elements says where values of a type are that have no variable of their own.
var elements = map[string]string{"event": "span.events[0]", "suspect": suspectsName + "[0]"}

// explain turns what CEL found wrong into errors that say it in the words of
// rules. The tree is nil if there is none.
func explain(s stage, tree *ast.AST, issues *cel.Issues) []*Error {
	var errs []*Error
	for _, issue := range issues.Errors() {
		e := &Error{Line: issue.Location.Line(), Column: issue.Location.Column() + 1, Message: issue.Message}
		if e.Line <= 0 {
			e.Line, e.Column = 1, 1 // the expression as a whole
		}
		s.reword(e, tree, issue)
		errs = append(errs, e)
		if tree == nil {
			break // what follows a syntax error is seldom another one
		}
	}
	return errs
}

func (s stage) reword(e *Error, tree *ast.AST, issue *common.Error) {
	if m := ofType.FindStringSubmatch(issue.Message); m != nil {
		defer func() { e.Hint = fmt.Sprintf("%s is a type; did you mean %s?", m[1], elements[m[1]]) }()
	}
	if m := undefined.FindStringSubmatch(issue.Message); m != nil {
		e.Column++ // CEL points at the dot
		e.Message = fmt.Sprintf("undefined field '%s'", m[1])
		e.Hint = s.fieldHint(tree, issue.ExprID, m[1])
		return
	}
	if m := undeclared.FindStringSubmatch(issue.Message); m != nil {
		e.Message = fmt.Sprintf("undeclared name '%s'", m[1])
		e.Hint = s.nameHint(m[1])
		return
	}
	if m := overload.FindStringSubmatch(issue.Message); m != nil {
		name, ok := operators.FindReverse(m[1])
		if !ok || name == "" {
			name = m[1]
		}
		e.Message = fmt.Sprintf("'%s' does not take %s", name, m[2])
		if owner, args, ok := strings.Cut(m[2], ".("); ok {
			e.Message = fmt.Sprintf("'%s' of %s does not take (%s", name, article(owner), args)
		}
		if f, ok := ownFunctions[name]; ok {
			e.Hint = "it is " + f.usage
		}
		return
	}
	if m := invalid.FindStringSubmatch(issue.Message); m != nil {
		e.Message = "this is no " + m[1]
		switch m[1] {
		case "matches":
			e.Message = "this is no regular expression"
			if _, err := regexp.Compile(textAt(tree, issue.ExprID)); err != nil {
				e.Message = strings.TrimPrefix(err.Error(), "error parsing regexp: ")
			}
		case fnMatchesAny:
			explainPatterns(e, tree, issue.ExprID)
		case "duration":
			e.Hint = "such as 90s, 5m or 1h30m"
		}
		return
	}
	if m := expected.FindStringSubmatch(issue.Message); m != nil {
		e.Message = fmt.Sprintf("this is %s where %s is needed", article(m[2]), article(m[1]))
		return
	}
	if m := unreadable.FindStringSubmatch(issue.Message); m != nil {
		what := strings.TrimSpace(m[1])
		e.Message = fmt.Sprintf("cannot read %s", what)
		switch {
		case what == "<EOF>":
			e.Message = "the expression ends too early"
		case what == "=", what == "&", what == "|":
			e.Hint = fmt.Sprintf("did you mean %s?", what+what)
		case what[0] == '\'' || what[0] == '"':
			e.Message = "the quote is not closed"
		}
		return
	}
	e.Message = strings.TrimPrefix(e.Message, "Syntax error: ")
}

// explainPatterns says what is wrong with what was given to matchesAny at a node.
func explainPatterns(e *Error, tree *ast.AST, node int64) {
	text := textAt(tree, node)
	if text == "" {
		e.Message = "the patterns of matchesAny must be a list of constants"
		e.Hint = "it is " + ownFunctions[fnMatchesAny].usage
	} else if _, err := regexp.Compile(text); err != nil {
		e.Message = strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	} else {
		e.Message = fmt.Sprintf("these patterns are too large: together they take more than %d steps", maxRegexp)
	}
}

// fieldHint proposes a field of the object that node selects one of.
func (s stage) fieldHint(tree *ast.AST, node int64, name string) string {
	hint := ""
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() != node || e.Kind() != ast.SelectKind {
			return
		}
		owner := ownerOf(e.AsSelect().Operand())
		if owner == "" {
			return
		}
		// A variable of another name can only be an element of a list.
		fields := s.element().fields
		all := fields
		for _, c := range s.classes() {
			if c.name == owner {
				fields = c.fields
			}
		}
		for _, c := range matching.classes() {
			if c.name == owner {
				all = c.fields
			}
		}
		if _, ok := all[name]; ok {
			hint = fmt.Sprintf("only when and unless can see %s.%s", owner, name)
		} else if near := Nearest(name, slices.Sorted(maps.Keys(fields))); near != "" {
			hint = fmt.Sprintf("did you mean %s.%s?", owner, near)
		} else if _, ok := fields["attributes"]; ok && owner != "" {
			hint = fmt.Sprintf("did you mean %s.attributes[%q]?", owner, name)
		}
	}))
	return hint
}

// ownerOf names what a field is selected of: a variable, or an element of a list
// at a position. It is "" if there is no name for it.
func ownerOf(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[0].Kind() != ast.IdentKind {
			return ""
		}
		if i, ok := constant(call.Args()[1]).(types.Int); ok {
			return fmt.Sprintf("%s[%d]", call.Args()[0].AsIdent(), i)
		}
	}
	return ""
}

// textAt returns the text constant that a node is, or "".
func textAt(tree *ast.AST, node int64) (text string) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if s, ok := constant(e).(types.String); ok && e.ID() == node {
			text = string(s)
		}
	}))
	return text
}

// nameHint proposes a variable or a function.
func (s stage) nameHint(name string) string {
	switch name {
	case "problem":
		return "there is no problem yet when this is evaluated"
	case suspectsName:
		return "there is no problem yet when this is evaluated, and so nothing to blame for it"
	case "owner", "incident":
		return "this version does not know it yet"
	case "ERROR", "OK", "UNSET", "SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER":
		return fmt.Sprintf("did you mean %q?", name)
	}
	names := s.variables()
	for _, fn := range slices.Sorted(maps.Keys(s.env().Functions())) {
		if fn[0] != '@' && fn[0] != '_' && !strings.Contains(fn, "@") {
			names = append(names, fn)
		}
	}
	for _, m := range s.env().Macros() {
		names = append(names, m.Function())
	}
	for _, c := range s.classes() {
		if _, ok := c.fields[name]; ok {
			return fmt.Sprintf("did you mean %s.%s?", c.name, name)
		}
	}
	near := Nearest(name, names)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		near = names[i]
	}
	if near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "a text needs quotes"
}

func typeName(t *types.Type) string { return article(cel.FormatCELType(t)) }

// article returns the name of a type as one reads it.
func article(t string) string {
	switch t {
	case "int":
		return "an int"
	case "exception", "event":
		return "an " + t
	case "google.protobuf.Duration", "duration":
		return "a duration"
	case "google.protobuf.Timestamp", "timestamp":
		return "a timestamp"
	case "list(string)":
		return "a list of strings"
	}
	return "a " + t
}
