// Package gitleaks turns a configuration of gitleaks, the secret scanner, into
// kinds for a [redact.Redactor]:
//
//	cfg, err := gitleaks.Default()
//	...
//	r := redact.Redactor{Kinds: cfg.Kinds}
//
// A rule finds what it finds in gitleaks: by its keywords, its regular
// expression, secretGroup, entropy, its allowlists and the global ones. The mark
// has the ID of the rule. What differs is on the side of caution, or because a
// text is no file:
//
//   - A rule with a path and an expression is looked for in every text. One with a
//     path alone is left out, and so is one that is only there for others
//     (skipReport). [Config.LeftOut] names them.
//   - Allowlists of paths and commits allow nothing, and a comment such as
//     gitleaks:allow does not either.
//   - What a composite rule finds is replaced, whether what it requires is near or
//     not.
//   - Where secretGroup is not set and the first group is named or repeated, it is
//     a part of the secret at most, and all of the match is replaced.
//   - A find that begins with one of a few words is at most 16 KiB long.
//
// Most rules begin with such words, and cost next to nothing where none of them
// stands. The others are tried on all of a text that has one of their keywords,
// and a rule that has no keyword either is tried on every text.
//
// It is a module of its own, so that only those who import it compile gitleaks'
// configuration and what that needs.
package gitleaks

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/spanticket/spanticket/redact"
)

// Config is a configuration made ready.
type Config struct {
	// Kinds has a kind for each rule that applies to text, for
	// [redact.Redactor.Kinds]. Their expressions are compiled when they are first
	// needed. They may be used by several Redactors, and concurrently.
	Kinds []redact.Kind
	// LeftOut has the rules that do not apply to text.
	LeftOut []LeftOut
}

// LeftOut is a rule that no kind stands for.
type LeftOut struct {
	RuleID string
	Reason string
}

// Default returns the configuration that gitleaks has built in, as of the
// version of it that this module requires.
func Default() (Config, error) { return Parse([]byte(config.DefaultConfig)) }

// Parse reads a configuration as gitleaks does, a text in TOML. One that says so
// ([extend] useDefault) extends the one that gitleaks has built in. The error says
// which rules are not right, and what is wrong with each. No file is read: one with
// [extend] path is refused.
func Parse(toml []byte) (Config, error) {
	s, err := parse(toml)
	if err != nil {
		return Config{}, err
	}
	var c Config
	var errs []error
	for _, r := range s.ordered() {
		switch {
		case r.skip:
			c.LeftOut = append(c.LeftOut, LeftOut{r.id, "it is only there for rules that require it (skipReport)"})
		case r.expr == "":
			c.LeftOut = append(c.LeftOut, LeftOut{r.id, "it tells by the path of a file alone"})
		default:
			k, err := r.kind(s.allow)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			c.Kinds = append(c.Kinds, k)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// ruleSet is what a configuration says.
type ruleSet struct {
	rules map[string]*rule
	order []string
	allow []*allowlist // for all rules
	// targeted has the allowlists for single rules, by their IDs. Such a rule may be
	// one of those that are extended.
	targeted map[string][]*allowlist
}

// builtin is gitleaks' own configuration.
var builtin = sync.OnceValues(func() (*ruleSet, error) {
	s, _, err := decode([]byte(config.DefaultConfig))
	return s, err
})

func parse(toml []byte) (*ruleSet, error) {
	s, ext, err := decode(toml)
	if err != nil {
		return nil, err
	}
	if ext.UseDefault {
		base, err := builtin()
		if err != nil {
			return nil, err
		}
		s.extend(base, ext.DisabledRules)
	}
	var errs []error
	for id, lists := range s.targeted {
		r := s.rules[id]
		if r == nil {
			errs = append(errs, fmt.Errorf("gitleaks: [[allowlists]] targetRules: there is no rule %q", id))
			continue
		}
		r.allow = slices.Concat(r.allow, lists)
	}
	for _, id := range s.order {
		errs = append(errs, s.rules[id].check())
	}
	return s, errors.Join(errs...)
}

// decode reads a configuration, without what it extends.
func decode(toml []byte) (*ruleSet, *config.Extend, error) {
	// An instance of its own: that of the package is the host's.
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(bytes.NewReader(toml)); err != nil {
		return nil, nil, fmt.Errorf("gitleaks: the configuration is no TOML: %w", err)
	}
	var vc config.ViperConfig
	if err := v.Unmarshal(&vc); err != nil {
		return nil, nil, fmt.Errorf("gitleaks: the configuration: %w", err)
	}
	switch e := vc.Extend; {
	case e.Path != "":
		return nil, nil, errors.New("gitleaks: extend.path: no file is read here: put its rules into the configuration")
	case e.URL != "":
		return nil, nil, errors.New("gitleaks: extend.url: nothing is fetched here: put its rules into the configuration")
	}
	s, err := newRuleSet(&vc)
	return s, &vc.Extend, err
}

// newRuleSet takes over what was decoded.
func newRuleSet(vc *config.ViperConfig) (*ruleSet, error) {
	s := &ruleSet{rules: map[string]*rule{}, targeted: map[string][]*allowlist{}}
	var errs []error
	for n := range vc.Rules {
		vr := &vc.Rules[n]
		r := &rule{id: vr.ID, expr: vr.Regex, path: vr.Path, group: vr.SecretGroup, entropy: vr.Entropy, skip: vr.SkipReport}
		if strings.TrimSpace(r.id) == "" {
			errs = append(errs, fmt.Errorf("gitleaks: the rule %d (%s) has no id", n+1, vr.Description))
			continue
		}
		for _, w := range vr.Keywords {
			r.keywords = append(r.keywords, strings.ToLower(w))
		}
		lists := vr.Allowlists
		if vr.AllowList != nil {
			lists = append(lists, vr.AllowList)
		}
		for _, a := range lists {
			list, err := newAllowlist(a.Condition, a.RegexTarget, a.Regexes, a.StopWords, len(a.Paths)+len(a.Commits))
			if err != nil {
				errs = append(errs, fmt.Errorf("gitleaks: the rule %q: %w", r.id, err))
				continue
			}
			r.allow = append(r.allow, list)
		}
		if s.rules[r.id] == nil {
			s.order = append(s.order, r.id)
		}
		s.rules[r.id] = r
	}
	lists := vc.Allowlists
	//lint:ignore SA1019 the built-in configuration has it
	if old := vc.AllowList; old != nil {
		lists = append(lists, old)
	}
	for _, a := range lists {
		list, err := newAllowlist(a.Condition, a.RegexTarget, a.Regexes, a.StopWords, len(a.Paths)+len(a.Commits))
		if err != nil {
			errs = append(errs, fmt.Errorf("gitleaks: %w", err))
			continue
		}
		for _, id := range a.TargetRules {
			s.targeted[id] = append(s.targeted[id], list)
		}
		if len(a.TargetRules) == 0 {
			s.allow = append(s.allow, list)
		}
	}
	return s, errors.Join(errs...)
}

// extend adds the rules of base. Of a rule that both have, s says what differs.
func (s *ruleSet) extend(base *ruleSet, disabled []string) {
	for _, id := range base.order {
		if slices.Contains(disabled, id) {
			continue
		}
		r, ok := *base.rules[id], false
		if own := s.rules[id]; own != nil {
			r, ok = own.over(r), true
		}
		if s.rules[id] = &r; !ok {
			s.order = append(s.order, id)
		}
	}
	s.allow = append(s.allow, base.allow...)
}

// ordered returns the rules in their order, but with those last whose name says
// that they are generic: what another knows better has its name.
func (s *ruleSet) ordered() []*rule {
	var special, generic []*rule
	for _, id := range s.order {
		if r := s.rules[id]; strings.Contains(strings.ToLower(id), "generic") {
			generic = append(generic, r)
		} else {
			special = append(special, r)
		}
	}
	return append(special, generic...)
}
