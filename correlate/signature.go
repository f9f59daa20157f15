package correlate

import (
	"fmt"
	"slices"
	"strings"
)

// Signature is the identity of "the same problem": the same failure, whoever
// saw it, has the same ID. It depends on nothing but the occurrence and the
// rule, so that replicas that never met, and the process after a restart,
// agree on it.
type Signature struct {
	ID         string      `json:"id"`                // "v2" and 26 digits of base32: [a-z2-7]
	Version    int         `json:"version"`           // of the algorithm
	Earlier    string      `json:"earlier,omitempty"` // the ID by the version before, see [Signer.Earlier]; "" if it was not asked for
	Components []Component `json:"components"`
}

// Component is one thing that was looked at to compute a signature.
type Component struct {
	Name  string `json:"name"`  // one of [ComponentNames], or rule for a rule's own
	Value string `json:"value"` // as it went in, normalised
	Used  bool   `json:"used"`
	Why   string `json:"why"` // why it was used or left out
}

// Components, in the order in which they are encoded.
const (
	componentService = iota
	componentEnvironment
	componentDependency
	componentOperation
	componentException
	componentMessage
	componentFrames
	componentCount
)

var componentNames = [componentCount]string{"service", "environment", "dependency", "operation", "exception", "message", "frames"}

// ComponentNames returns the names that [Spec.Components] may hold.
func ComponentNames() []string { return slices.Clone(componentNames[:]) }

// Spec says what makes a signature. Its zero value means the default: every
// component that says something or, where a dependency failed, that instead of
// what was doing it.
type Spec struct {
	Components []string // names of components, instead of the default ones
	Values     []string // a rule's own values, instead of any component but service and environment
	Rule       string   // name of the rule, if its problems are to be apart from those of other rules
	// Fold, if there is one, makes the signature of those that are counted as one: of
	// the service and environment, of the operation for [FoldOperation], and of Rule.
	Fold Fold
}

// chooses reports whether the rule says itself what its signatures are made of.
func (spec Spec) chooses() bool { return len(spec.Components)+len(spec.Values) > 0 || spec.Fold != "" }

// leavesOut says why a component is not to be used, or "" if it is.
func (spec Spec) leavesOut(i int) string {
	switch {
	case i == componentService, i == componentEnvironment, i == componentOperation && spec.Fold == FoldOperation:
		return ""
	case spec.Fold != "":
		return "not used: there are too many signatures, and they are counted as one"
	case len(spec.Values) > 0:
		return "not used: the rule gives its own values"
	case len(spec.Components) > 0 && !slices.Contains(spec.Components, componentNames[i]):
		return "not used: the rule does not name it"
	}
	return ""
}

// Explain says what went into the signature and what did not, and why, one
// component a line, and of which version of the algorithm it is.
func (s Signature) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (version %d", s.ID, s.Version)
	if s.Earlier != "" {
		fmt.Fprintf(&b, "; by version %d it was %s", s.Version-1, s.Earlier)
	}
	b.WriteString(")\n")
	for _, c := range s.Components {
		mark := "  - "
		if c.Used {
			mark = "  + "
		}
		b.WriteString(mark)
		b.WriteString(c.Name)
		b.WriteString(": ")
		if c.Value != "" {
			b.WriteString(c.Value)
			b.WriteByte(' ')
		}
		b.WriteByte('[')
		b.WriteString(c.Why)
		b.WriteString("]\n")
	}
	return b.String()
}
