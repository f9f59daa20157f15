package autoticket

import (
	"fmt"
	"reflect"

	"github.com/spanticket/spanticket/internal/celrule"
	"github.com/spanticket/spanticket/internal/filewatch"
)

// Reload reads RuleFiles again, and puts their rules into force together with
// those of Rules and RuleYAML: all at once, so that no span meets half of them.
// What unchanged rules have counted stays. If anything is wrong with any of the
// files nothing changes, and the error, which is logged too, says what.
//
// Problems keep what their rule said when they opened. Those of a rule that is
// gone end when they have been quiet.
func (e *Engine) Reload() error {
	if e == nil {
		return nil
	}
	s := e.s
	e.reloading.Lock()
	defer e.reloading.Unlock()
	old := s.gate.Rules.Load()
	next, err := s.config.compileRules(s.sinks, old)
	if err != nil {
		s.counters.Refused.Add(1)
		s.config.Logger.Error("spanticket: the rules are refused, the old ones stay in force", "error", err)
		s.audit.Error("rules refused", "error", err.Error())
		return safeError(s.config.Redactor, fmt.Errorf("autoticket: the rules are refused, the old ones stay in force: %w", err))
	}
	for _, r := range e.known.all() {
		next.Prepare(r)
	}
	s.gate.Rules.Store(next)
	for _, r := range e.known.all() { // one that came meanwhile was prepared in the old set
		next.Prepare(r)
	}
	s.counters.Reloaded.Add(1)
	added, removed, changed := diffRules(old, next)
	s.config.Logger.Info("spanticket: the rules are reloaded", "rules", next.Len(), "added", len(added), "removed", len(removed), "changed", len(changed))
	s.audit.Info("rules reloaded", "rules", next.Len(), "added", added, "removed", removed, "changed", changed)
	return nil
}

// diffRules returns the names of the rules that only one of two sets has, and
// of those that are not the same in both.
func diffRules(old, next *celrule.Set) (added, removed, changed []string) {
	before := make(map[string]celrule.Rule, old.Len())
	for i := range old.Len() {
		before[old.Rule(i).Name] = old.Rule(i)
	}
	for i := range next.Len() {
		r := next.Rule(i)
		was, ok := before[r.Name]
		switch {
		case !ok:
			added = append(added, r.Name)
		case !reflect.DeepEqual(was, r):
			changed = append(changed, r.Name)
		}
		delete(before, r.Name)
	}
	for i := range old.Len() {
		if name := old.Rule(i).Name; before[name].Name != "" {
			removed = append(removed, name)
		}
	}
	return added, removed, changed
}

// maxRuleFile is how much of a rule file is looked at for changes: a larger one
// is refused.
const maxRuleFile = 1<<20 + 1

// watchRules reloads the rules whenever their files have changed. It is a
// goroutine of its own, which may hang with the file system.
func (e *Engine) watchRules(seen string) {
	e.again(e.ctx, "a change of the rule files may be missed", func() {
		filewatch.Watch(e.ctx, e.s.config.WatchRules, e.s.config.ruleFiles().Digest, seen, func() {
			_ = e.Reload() // it has told the log
		})
	})
}

func (c Config) ruleFiles() filewatch.Files {
	return filewatch.Files{FS: c.RuleFS, Patterns: c.RuleFiles, Max: maxRuleFile}
}
