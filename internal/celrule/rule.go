package celrule

import (
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Rule is one rule as written: a condition, and what to do about the spans
// that meet it.
//
// When, Unless and SignatureExpr are CEL expressions. The fields that are text
// (Severity, Title, Team, Runbook and the elements of Labels and Sinks) are an
// expression too if they begin with a quote or mention a variable, as in
// problem.count or resource.attributes["service.name"]; anything else is taken
// as it stands.
type Rule struct {
	Name          string              // required, unique in its set
	When          string              // required: is this span an occurrence?
	Unless        string              // and is it not one after all?
	Signature     []string            // names of components; empty means the default ones
	SignatureExpr string              // or a list of strings, instead of Signature
	Threshold     correlate.Threshold // Defaults to 1 within 5 minutes.
	Severity      string              // Defaults to "error".
	Title         string              // Defaults to the operation and what went wrong.
	Team          string              // Defaults to none.
	Runbook       string              // an http or https URL. Defaults to none.
	Labels        []string            // Defaults to none.
	Sinks         []string            // names. Defaults to all.
	Quiet         time.Duration       // without an occurrence, until it is resolved. Defaults to 30 minutes.
	Budget        int64               // new tickets an hour, for each service. Defaults to 20.
	Suppress      correlate.Suppress  // when a new problem waits. Defaults to never.
	Continue      bool                // Also ask the rules after it. Its problems are its own then.
	Canceled      bool                // Operations that their caller gave up count too, as they do if When asks for span.duration.
	Mode          string              // see [ParseMode]. Defaults to live.

	// Definitions are the names that its expressions can use beside the
	// variables. Each sees those before it.
	Definitions []Definition
}

// Definition is a named expression.
type Definition struct {
	Name string
	Expr string
}

// withDefaults returns the rule with the defaults of its plain fields.
func (r Rule) withDefaults() Rule {
	if r.Threshold.Count == 0 {
		r.Threshold.Count = 1
	}
	if r.Threshold.Within == 0 {
		r.Threshold.Within = 5 * time.Minute
	}
	if r.Quiet == 0 {
		r.Quiet = 30 * time.Minute
	}
	if r.Mode == "" {
		r.Mode = string(Live)
	}
	if r.Budget == 0 {
		r.Budget = 20
	}
	return r
}
