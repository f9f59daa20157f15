package sinks

import (
	"strconv"
	"strings"
	"time"
)

// Suspect is a deployment that is probably to blame.
type Suspect struct {
	Service     string    `json:"service"` // that was changed
	Namespace   string    `json:"namespace,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Version     string    `json:"version,omitempty"`
	Revision    string    `json:"revision,omitempty"`
	Name        string    `json:"name,omitempty"`       // of the deployment
	ID          string    `json:"id,omitempty"`         // of the deployment
	DeployedAt  time.Time `json:"deployed_at,omitzero"` // when it began
	UndoneAt    time.Time `json:"undone_at,omitzero"`   // when it was rolled back
	By          string    `json:"by,omitempty"`
	Changelog   string    `json:"changelog,omitempty"` // http or https
	// Rollback is the command that undoes it, as it was told: text to be shown as code, for
	// a person to judge. Nothing runs it, and it must not become a link or a button that does.
	Rollback string `json:"rollback,omitempty"`

	Class    string        `json:"class"`              // confirmed, strong, likely or possible
	Means    string        `json:"means,omitempty"`    // what the class means, in words
	Distance int           `json:"distance,omitempty"` // calls from the service of the ticket to this one; 0 is the same
	Shared   bool          `json:"shared,omitempty"`   // it is infrastructure that several services use
	Delay    time.Duration `json:"delay"`              // from the change to the first failure; nanoseconds in JSON
	Before   Share         `json:"before,omitzero"`    // of the operation, before the change
	After    Share         `json:"after,omitzero"`     // and as long after it
	Ratio    float64       `json:"ratio,omitempty"`    // how many times as frequent failures became; 0 if that is not known
	Evidence []string      `json:"evidence,omitempty"` // what speaks for it; and against it, beginning with "but"
}

// String returns "payment 2.3.1".
func (s Suspect) String() string {
	rev := s.Revision
	if len(rev) > 12 && strings.Trim(rev, "0123456789abcdefABCDEF") == "" {
		rev = rev[:12]
	}
	for _, name := range []string{s.Version, rev, s.ID, s.Name} {
		if name != "" {
			return join(" ", s.Service, name)
		}
	}
	return s.Service
}

// suspects writes who is probably to blame: the first of them, and a line for each of
// the others.
func (p *page) suspects(t Ticket) {
	if t.Unsuspected != "" && len(t.Suspects) == 0 {
		p.heading("No deployment is suspected: " + clean(t.Unsuspected, ""))
	}
	for i, s := range t.Suspects {
		if i == 0 {
			p.heading("Suspected deployment")
			p.suspect(s)
			continue
		}
		if i == 1 {
			p.item(2, "others:")
		}
		p.item(4, clean(join(", ", s.String(), s.Class, prefixed("deployed at ", stamp(s.DeployedAt)), s.early(), s.way()), ""))
	}
}

func (p *page) suspect(s Suspect) {
	line := func(name, value string) {
		if value != "" {
			p.item(2, clean(name+": "+value, ""))
		}
	}
	named := s.Name
	if named == s.Version {
		named = ""
	}
	p.item(2, clean(join(": ", s.Class, s.Means), ""))
	p.item(2, clean(join(", ", s.String(), s.Environment, prefixed("namespace ", s.Namespace), s.way()), ""))
	line("deployed", join(", ", stamp(s.DeployedAt), prefixed("by ", s.By), s.early()))
	line("rolled back", stamp(s.UndoneAt))
	line("deployment", join(", ", named, prefixed("id ", s.ID)))
	line("revision", s.Revision)
	if s.Before.Requests > 0 || s.After.Requests > 0 {
		more := ""
		if s.Ratio > 0 {
			more = strconv.FormatFloat(s.Ratio, 'f', 1, 64) + " times as often"
		}
		line("failed", join(", ", "before "+s.Before.of(), "after "+s.After.of(), more))
	}
	line("changelog", s.Changelog)
	if s.Rollback != "" {
		p.item(2, "to roll it back, by hand:")
		p.block(6, 6, s.Rollback)
	}
	for _, e := range s.Evidence {
		p.item(2, "- "+clean(e, ""))
	}
}

// early says how long before the first failure the change was.
func (s Suspect) early() string {
	switch {
	case s.Delay > 0:
		return human(s.Delay) + " before the first failure"
	case s.DeployedAt.IsZero():
		return ""
	}
	return "as the first failure came"
}

// way says how the failing service comes to it.
func (s Suspect) way() string {
	switch {
	case s.Shared:
		return "infrastructure that is used"
	case s.Distance == 1:
		return "which is called"
	case s.Distance > 1:
		return "which is " + strconv.Itoa(s.Distance) + " calls away"
	}
	return ""
}

// of returns "3 of 250".
func (s Share) of() string {
	return strconv.FormatInt(s.Failed, 10) + " of " + strconv.FormatInt(s.Requests, 10)
}
