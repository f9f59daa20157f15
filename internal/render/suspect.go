package render

import (
	"reflect"
	"slices"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// suspects fills in which deployments are probably to blame or, if somebody was asked,
// why none is.
func suspects(s correlate.Suspects, t *sinks.Ticket) {
	if s.Asked.IsZero() {
		return
	}
	for _, d := range s.Ranked {
		out := sinks.Suspect{
			Service: d.Scope.Service, Namespace: d.Scope.Namespace, Environment: d.Scope.Environment,
			Version: d.Version, Revision: d.Revision, Name: d.Name, ID: d.ID, DeployedAt: d.Time.UTC(), By: d.By,
			Changelog: d.Changelog, Rollback: d.Rollback, Class: d.Class, Means: d.Means, Distance: d.Distance, Shared: d.Shared, Delay: d.Delay,
			Before: sinks.Share(d.Before), After: sinks.Share(d.After), Ratio: d.Ratio, Evidence: slices.Clone(d.Evidence),
		}
		if !d.Undone.IsZero() {
			out.UndoneAt = d.Undone.UTC()
		}
		t.Suspects = append(t.Suspects, out)
	}
	if len(t.Suspects) == 0 {
		t.Unsuspected = s.Reason
	}
}

// fewerSuspects cuts to the first suspect.
func fewerSuspects(t *sinks.Ticket) string {
	n := len(t.Suspects) - 1
	if n < 1 {
		return ""
	}
	t.Suspects = t.Suspects[:1]
	return count(n, "other suspect", "other suspects")
}

// shorterSuspect leaves of a suspect what says which deployment it is, and how to undo it.
func shorterSuspect(t *sinks.Ticket) string {
	if len(t.Suspects) == 0 || len(t.Suspects[0].Evidence) == 0 {
		return ""
	}
	t.Suspects[0].Evidence = nil
	return "the evidence against the deployment"
}

// noSuspect leaves which deployment it is and when it was made. A command is left whole,
// or out.
func noSuspect(t *sinks.Ticket) (cut bool) {
	for i := range t.Suspects {
		s := t.Suspects[i]
		least := sinks.Suspect{
			Service: s.Service, Version: s.Version, DeployedAt: s.DeployedAt, UndoneAt: s.UndoneAt, Class: s.Class,
			Distance: s.Distance, Shared: s.Shared, Delay: s.Delay,
		}
		if s.Version == "" {
			least.Revision, least.ID, least.Name = s.Revision, s.ID, s.Name
		}
		for _, name := range []*string{&least.Service, &least.Version, &least.Revision, &least.ID, &least.Name, &least.Class} {
			short(name, 40)
		}
		cut = cut || !reflect.DeepEqual(s, least)
		t.Suspects[i] = least
	}
	return short(&t.Unsuspected, 80) || cut
}
