package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/spanticket/spanticket/correlate/deployment"
	"github.com/spanticket/spanticket/internal/world"
)

// print writes the score as tables, and one verdict of each kind in words.
func (s *score) print(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "seed %d", s.seeds[0])
	if n := len(s.seeds); n > 1 {
		fmt.Fprintf(&b, " and the %d after it", n-1)
	}
	fmt.Fprintf(&b, ", each of %d services and %d deployments over four weeks\n", len(s.answers[0].fleet.Services), len(s.answers[0].fleet.Changes))
	s.faults(&b)
	s.classes(&b)
	s.words(&b)
	_, err := w.Write(b.Bytes())
	return err
}

// faults writes how often it was right of each kind, a quarter of an hour after the ticket was
// filed and, in the last column, at once.
func (s *score) faults(b *bytes.Buffer) {
	line := func(name string, r row) {
		fmt.Fprintf(b, "  %-13s %6d %8.1f %% %8.1f %% %8.1f %% %8.1f %% %8.1f %%\n", name, r.faults,
			100*r.rate(r.first), 100*r.rate(r.three), 100*r.rate(r.other), 100*r.rate(r.none), 100*r.rate(r.filed))
	}
	for _, part := range []struct {
		title string
		kinds []world.Share
	}{
		{"of a deployment", world.Bad}, {"of one, but hard to see", world.Hard}, {"of none", world.Others},
	} {
		fmt.Fprintf(b, "\nFaults %s\n", part.title)
		fmt.Fprintf(b, "  %-13s %6s %10s %10s %10s %10s %10s\n", "kind", "faults", "top-1", "top-3", "another", "no suspect", "when filed")
		for _, k := range part.kinds {
			line(string(k.Kind), s.count(k))
		}
		line("all", s.count(part.kinds...))
	}
	bad, others := s.count(world.Bad...), s.count(world.Others...)
	fmt.Fprintf(b, "\ntop-1 %.3f, top-3 %.3f, false blame %.3f\n", bad.rate(bad.first), bad.rate(bad.three), others.rate(others.other))
	if s.unfiled > 0 {
		fmt.Fprintf(b, "%d faults had no ticket: too few requests failed\n", s.unfiled)
	}
}

// classes writes how often what a class says was so, and what rollbacks told.
func (s *score) classes(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nWhen a suspect was called\n")
	for _, c := range []deployment.Class{deployment.Confirmed, deployment.Strong, deployment.Likely, deployment.Possible} {
		right, named := s.class(c, false)
		fmt.Fprintf(b, "  %-10s it was right in %d of %d (%.1f %%)", c, right, named, 100*share(right, named))
		if c != deployment.Confirmed {
			right, named = s.class(c, true)
			fmt.Fprintf(b, "; when the ticket was filed, in %d of %d (%.1f %%)", right, named, 100*share(right, named))
		}
		fmt.Fprintln(b)
	}
	bad, confirmed, vain, blamed := s.undone()
	fmt.Fprintf(b, "%d of %d rollbacks of what was to blame confirmed it; after %d of %d of what was not, it was blamed yet\n", confirmed, bad, blamed, vain)
}

// words writes what was said of the first fault of each kind.
func (s *score) words(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nThe first of each kind, a quarter of an hour after its ticket was filed\n")
	said := map[world.Kind]bool{}
	for _, a := range s.answers {
		f := a.of()
		if said[f.Kind] {
			continue
		}
		said[f.Kind] = true
		fmt.Fprintf(b, "\n%s: %s fails, filed %s\n", f.Kind, a.fleet.Services[f.Service].Name, a.problem.OpenedAt.Format("Mon 2 Jan 15:04"))
		if f.Change >= 0 {
			c := a.fleet.Changes[f.Change]
			name := c.Version
			if c.Setting != "" {
				name = c.Setting
			}
			fmt.Fprintf(b, "  in truth: %s %s, %s before\n", a.fleet.Services[c.Service].Name, name, a.problem.OpenedAt.Sub(c.At).Round(time.Minute))
		} else {
			fmt.Fprintf(b, "  in truth: no deployment\n")
		}
		for i, u := range a.soon.Suspects {
			if i == 3 {
				break
			}
			fmt.Fprintf(b, "  %s: %s\n", u.Class, u.Deployment)
			for _, e := range u.Evidence {
				mark := "+"
				if !e.For {
					mark = "-"
				}
				fmt.Fprintf(b, "    %s %s\n", mark, e.Text)
			}
		}
		if a.soon.Reason != "" {
			fmt.Fprintf(b, "  no suspect: %s\n", a.soon.Reason.Text())
		}
	}
}
