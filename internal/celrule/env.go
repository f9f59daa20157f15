package celrule

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// Limits of one expression. They are far above what a rule written by people
// needs, and keep one that was not from costing a service its time.
const (
	maxText    = 16 << 10 // code points
	maxNodes   = 4 << 10
	maxNesting = 50
	maxRegexp  = 1 << 10 // instructions of the compiled pattern
	maxLoops   = 3       // comprehensions inside each other
	maxCost    = 1 << 19 // of one evaluation, in CEL's units: some milliseconds; see also maxEstimate
)

// stage says when an expression is evaluated, and so what it can see.
type stage int

const (
	matching  stage = iota // a live span
	signing                // an occurrence
	answering              // an occurrence and its problem
)

// classes returns the variables of a stage.
func (s stage) classes() []*class {
	if s == matching {
		return []*class{spanClass, resourceClass, scopeClass, exceptionClass}
	}
	// What an occurrence does not keep of its span.
	classes := []*class{
		spanClass.without("events"),
		resourceClass,
		scopeClass.without("version"),
		exceptionClass.without("escaped"),
	}
	if s == answering {
		classes = append(classes, problemClass)
	}
	return classes
}

// variables returns the names of the variables of a stage.
func (s stage) variables() (names []string) {
	for _, c := range s.classes() {
		names = append(names, c.name)
	}
	if s == answering {
		names = append(names, suspectsName)
	}
	return names
}

// element returns the class of what is in a list that a stage knows.
func (s stage) element() *class {
	if s == answering {
		return suspectClass
	}
	return eventClass
}

// env returns the CEL environment of a stage.
func (s stage) env() *cel.Env { return envs[s]() }

var envs = [...]func() *cel.Env{
	matching:  sync.OnceValue(func() *cel.Env { return newEnv(matching) }),
	signing:   sync.OnceValue(func() *cel.Env { return newEnv(signing) }),
	answering: sync.OnceValue(func() *cel.Env { return newEnv(answering) }),
}

func newEnv(s stage) *cel.Env {
	opts := []cel.EnvOption{
		cel.ParserExpressionSizeLimit(maxText),
		cel.ParserRecursionLimit(maxNesting),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ParserErrorRecoveryLimit(4),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateRegexLiterals(),
			cel.ValidateRegexProgramSizeLimit(maxRegexp),
			cel.ValidateComprehensionNestingLimit(maxLoops),
			patternValidator{},
		),
		cel.Types(eventClass),
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxRange)), ext.Math(),
	}
	opts = append(opts, declareFunctions()...)
	for _, c := range s.classes() {
		opts = append(opts, cel.Types(c), cel.Variable(c.name, cel.ObjectType(c.name)))
	}
	if s == answering {
		opts = append(opts, cel.Types(suspectClass), cel.Variable(suspectsName, suspectsType))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		panic("celrule: " + err.Error()) // it does not depend on any input
	}
	return env
}
