package autoticket

import (
	"time"

	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/ledger"
	"github.com/spanticket/spanticket/internal/rulefile"
)

// compileRules compiles the rules of a configuration. The error names
// everything that is wrong with any of them.
func (c Config) compileRules(sinkNames []string, old *celrule.Set) (*celrule.Set, error) {
	var files []*rulefile.File
	if len(c.Rules) > 0 {
		rules := make([]celrule.Rule, len(c.Rules))
		for i, r := range c.Rules {
			rules[i] = celrule.Rule{
				Name: r.Name, When: r.When, Unless: r.Unless, Signature: r.Signature, SignatureExpr: r.SignatureExpr,
				Threshold: r.Threshold, Severity: r.Severity, Title: r.Title, Team: r.Team, Runbook: r.Runbook,
				Labels: r.Labels, Sinks: r.Sinks, Quiet: r.Quiet, Budget: r.Budget, Suppress: r.Suppress, Continue: r.Continue, Canceled: r.Canceled, Mode: r.Mode,
			}
		}
		files = append(files, rulefile.Values("Config.Rules", rules))
	}
	if len(c.RuleYAML) > 0 {
		files = append(files, rulefile.Parse("Config.RuleYAML", c.RuleYAML))
	}
	if len(c.RuleFiles) > 0 {
		read, err := rulefile.Read(c.RuleFS, c.RuleFiles...)
		if err != nil {
			return nil, err
		}
		files = append(files, read...)
	}
	if len(files) == 0 {
		return old.Compile(celrule.Builtin(), nil)
	}
	set, err := rulefile.Compile(files, sinkNames, old)
	return set, rulefile.Scrub(err, func(line string) string { return safeText(c.Redactor, line) })
}

// lookAtRules tells of rules that were switched off. It belongs to the keeper's
// goroutine.
func (s *stages) lookAtRules(now time.Time) {
	rules := s.gate.Rules.Load()
	off := rules.SwitchedOff()
	if len(off) == 0 {
		s.off = nil
		return
	}
	told := s.off
	s.off = make(map[string]bool, len(off))
	for _, i := range off {
		name, stats := rules.Rule(i).Name, rules.Stats(i)
		s.off[name] = true
		if told[name] {
			continue
		}
		why := s.config.Redactor.Text(stats.LastError)
		s.config.Logger.Error("spanticket: a rule is switched off: it exceeded the limits of an evaluation too often", "rule", name, "overruns", stats.Overruns, "error", why)
		s.audit.Warn("rule switched off", "rule", name, "error", why)
		team, sinks := rules.Owner(i)
		s.ledger.SwitchedOff(ledger.SwitchedOff{Rule: name, Team: team, Sinks: sinks, Title: "rule " + name + ": " + why, Count: stats.Overruns}, now)
	}
}
