package rulefile

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spanticket/spanticket/internal/celrule"
)

// Values returns the file that the rules would be: what is wrong with them is
// shown in the place where it would stand there.
func Values(name string, rules []celrule.Rule) *File {
	type threshold struct {
		Count  int64  `yaml:"count,omitempty"`
		Within string `yaml:"within,omitempty"`
	}
	type resolve struct {
		Quiet string `yaml:"quiet,omitempty"`
	}
	type suppress struct {
		Deploy string `yaml:"deploy,omitempty"`
	}
	type rule struct {
		Name      string    `yaml:"name"`
		When      string    `yaml:"when"`
		Unless    string    `yaml:"unless,omitempty"`
		Signature any       `yaml:"signature,omitempty"`
		Threshold threshold `yaml:"threshold,omitempty"`
		Severity  string    `yaml:"severity,omitempty"`
		Title     string    `yaml:"title,omitempty"`
		Team      string    `yaml:"team,omitempty"`
		Runbook   string    `yaml:"runbook,omitempty"`
		Labels    []string  `yaml:"labels,omitempty"`
		Sinks     []string  `yaml:"sinks,omitempty"`
		Budget    int64     `yaml:"budget,omitempty"`
		Suppress  suppress  `yaml:"suppress,omitempty"`
		Continue  bool      `yaml:"continue,omitempty"`
		Canceled  bool      `yaml:"canceled,omitempty"`
		Mode      string    `yaml:"mode,omitempty"`
		Resolve   resolve   `yaml:"resolve,omitempty"`
	}
	out := struct {
		Version int    `yaml:"version"`
		Rules   []rule `yaml:"rules"`
	}{Version: 1}
	for _, r := range rules {
		y := rule{
			Name: r.Name, When: r.When, Unless: r.Unless, Severity: r.Severity, Title: r.Title, Team: r.Team,
			Runbook: r.Runbook, Labels: r.Labels, Sinks: r.Sinks, Budget: r.Budget, Continue: r.Continue, Canceled: r.Canceled, Mode: r.Mode,
			Threshold: threshold{Count: r.Threshold.Count, Within: spell(r.Threshold.Within)},
			Suppress:  suppress{Deploy: spell(r.Suppress.Deploy)},
			Resolve:   resolve{Quiet: spell(r.Quiet)},
		}
		if r.SignatureExpr != "" {
			y.Signature = r.SignatureExpr
		} else if len(r.Signature) > 0 {
			y.Signature = r.Signature
		}
		out.Rules = append(out.Rules, y)
	}
	data, err := yaml.Marshal(out)
	if err != nil {
		return &File{Name: name, unread: []*Error{{File: name, Message: err.Error()}}, errs: []*Error{{File: name, Message: err.Error()}}}
	}
	f := &File{Name: name}
	f.parse(data)
	return f
}

func spell(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
