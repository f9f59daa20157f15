package celrule

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
)

// inlined says which nodes of a tree stand in the place of a definition's name.
type inlined struct {
	places []place // by rising IDs
	nodes  int     // that came in
}

// place is where the name of a definition stood.
type place struct {
	name         string
	root         int64 // ID that the name had, and the node has that came in for it
	first, last  int64 // IDs of the nodes below
	line, column int
}

// of returns the place that a node came in at, or nil if it is one of the
// expression itself.
func (in inlined) of(id int64) *place {
	for i := range in.places {
		if p := &in.places[i]; id == p.root || p.first <= id && id <= p.last {
			return p
		}
	}
	return nil
}

// misused words an error of a definition that is found where it is used: it
// has no meaning in that stage.
func (p *place) misused(e *Error) {
	e.Line, e.Column = p.line, p.column
	e.Message = fmt.Sprintf("%s cannot be used here: %s", p.name, e.Message)
}

// substitute puts definitions in the place of their names. What is wrong in
// them is placed where they are used. It reports false if one is not sound.
func (ds definitions) substitute(tree *ast.AST) (in inlined, sound bool, errs []*Error) {
	if len(ds) == 0 {
		return in, true, nil
	}
	s := substitution{definitions: ds, tree: tree, next: ast.MaxID(tree), size: size(tree.Expr()), sound: true}
	eachName(tree.Expr(), nil, s.replace)
	return s.inlined, s.sound, s.errs
}

type substitution struct {
	inlined
	definitions definitions
	tree        *ast.AST
	next        int64 // ID
	size        int   // nodes
	sound       bool
	errs        []*Error
}

// replace puts a definition in the place of a name, where macros have given the
// bound names to something else.
func (s *substitution) replace(e ast.Expr, bound []string) {
	name := e.AsIdent()
	d, ok := s.definitions[name]
	if !ok || slices.Contains(bound, name) || len(s.errs) > 0 {
		return
	}
	info := s.tree.SourceInfo()
	at := info.GetStartLocation(e.ID())
	report := func(format string, args ...any) {
		s.errs = append(s.errs, &Error{Line: at.Line(), Column: at.Column() + 1, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case d == nil:
		s.sound = false
		return
	case s.size+d.size > maxNodes:
		report("with what %s stands for the expression has more than %d parts", name, maxNodes)
		return
	}
	for _, used := range d.free {
		if slices.Contains(bound, used) {
			report("%s uses %s, which means something else here", name, used)
			return
		}
	}
	p := place{name: name, root: e.ID(), first: s.next + 1, line: at.Line(), column: at.Column() + 1}
	offsets, _ := info.GetOffsetRange(e.ID())
	part := ast.NewExprFactory().CopyExpr(d.expr)
	part.RenumberIDs(func(int64) int64 {
		s.next++
		info.SetOffsetRange(s.next, offsets)
		return s.next
	})
	e.SetKindCase(part)
	p.last = s.next
	s.places = append(s.places, p)
	s.size += d.size
	s.nodes += d.size
}

// eachName calls fn for the names in an expression, with those that macros have
// bound there. What fn puts in the place of a name is not gone into.
func eachName(e ast.Expr, bound []string, fn func(name ast.Expr, bound []string)) {
	switch e.Kind() {
	case ast.IdentKind:
		fn(e, bound)
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			eachName(call.Target(), bound, fn)
		}
		for _, arg := range call.Args() {
			eachName(arg, bound, fn)
		}
	case ast.SelectKind:
		eachName(e.AsSelect().Operand(), bound, fn)
	case ast.ListKind:
		for _, elem := range e.AsList().Elements() {
			eachName(elem, bound, fn)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			eachName(entry.AsMapEntry().Key(), bound, fn)
			eachName(entry.AsMapEntry().Value(), bound, fn)
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			eachName(field.AsStructField().Value(), bound, fn)
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		eachName(c.IterRange(), bound, fn)
		eachName(c.AccuInit(), bound, fn)
		inner := append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
		eachName(c.LoopCondition(), inner, fn)
		eachName(c.LoopStep(), inner, fn)
		eachName(c.Result(), inner, fn)
	}
}

// size returns the number of nodes of an expression.
func size(e ast.Expr) int {
	n := 0
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(ast.Expr) { n++ }))
	return n
}

// free returns the names in an expression that it does not bind itself.
func free(e ast.Expr) []string {
	var names []string
	eachName(e, nil, func(name ast.Expr, bound []string) {
		if n := name.AsIdent(); !slices.Contains(bound, n) && !slices.Contains(names, n) {
			names = append(names, n)
		}
	})
	return names
}
