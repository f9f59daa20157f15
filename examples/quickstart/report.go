package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spanticket/spanticket/autoticket"
	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/sinks"
)

// report shows what came of it all, and checks it.
func (s *shop) report(ctx context.Context) error {
	all := s.book.all()
	tickets := latest(all)

	s.screen.say("\n== The tickets, as they are now ==\n")
	for _, t := range tickets {
		if _, err := s.book.console.File(ctx, t); err != nil {
			return err
		}
	}

	s.screen.say("== What was seen, and what was filed ==\n")
	s.screen.say("%-12s %8s %15s %10s %9s", "", "spans", "failing spans", "failures", "tickets")
	var seen, failing int64
	for _, service := range s.services {
		st := service.stats()
		n := failingSpans(st)
		s.screen.say("%-12s %8d %15d %10d %9d", service.name, st.Spans, n, st.Occurrences, len(of(tickets, service.name)))
		seen, failing = seen+st.Spans, failing+n
	}
	s.screen.say("%-12s %8d %15d %10s %9d\n", "together", seen, failing, "", len(tickets))

	c := checks{screen: s.screen}
	s.checkLoad(&c, failing)
	s.checkTickets(&c, tickets)
	if err := s.checkSecrets(ctx, &c, all); err != nil {
		return err
	}
	return c.err()
}

// failingSpans returns how many spans failed, as far as that is decided.
func failingSpans(st autoticket.Stats) (n int64) {
	for _, d := range st.Decisions {
		n += d
	}
	for _, d := range st.Dropped {
		n += d
	}
	return n
}

// of returns the tickets of a service.
func of(tickets []sinks.Ticket, service string) []sinks.Ticket {
	return slices.DeleteFunc(slices.Clone(tickets), func(t sinks.Ticket) bool { return t.Service != service })
}

func (s *shop) checkLoad(c *checks, failing int64) {
	t := s.load.tally()
	c.check(t.failed > 0 && t.lost == 0, "customers sent %d orders: %d were taken, %d failed, %d were lost", t.sent, t.good, t.failed, t.lost)
	if t.why != nil {
		s.screen.say("         the first that was lost: %v", t.why)
	}
	c.check(s.failedPayments.Load() == int64(t.failed), "payment refused %d of them", s.failedPayments.Load())
	// In each failed order: a server's and a client's span of storefront and of
	// checkout, and of payment those of the server, the payment and the pool.
	c.check(failing == 7*int64(t.failed), "%d spans failed, 7 of each failed order", failing)
	for _, service := range s.services {
		if dropped := service.stats().Dropped; len(dropped) > 0 {
			c.check(false, "%s dropped failing spans: %v", service.name, dropped)
		}
	}
}

// reaches reports whether a ticket says that the requests came in through every
// service.
func reaches(t sinks.Ticket, services []*service) bool {
	return !slices.ContainsFunc(services, func(s *service) bool {
		return !slices.ContainsFunc(t.Impact.Operations, func(a sinks.Affected) bool { return a.Service == s.name })
	})
}

func (s *shop) checkTickets(c *checks, tickets []sinks.Ticket) {
	failed := s.load.tally().failed
	c.check(len(tickets) == 1, "%d of them is filed, though three services saw the failure", len(tickets))
	for _, t := range tickets {
		c.check(t.Count == int64(failed), "%-12s counts %d, customers saw %d", t.Service, t.Count, failed)
	}
	origin := of(tickets, s.payment().name)
	c.check(len(origin) == 1 && origin[0].Origin.Operation == "pool.Acquire", "the ticket of payment names the operation that failed first: pool.Acquire")
	for _, t := range tickets {
		c.check(reaches(t, s.services), "it names the other services, through which the requests came, as its impact")
	}
	c.check(len(tickets) > 0 && settled(tickets), "it was resolved after the rollback")
	s.checkSuspect(c, origin)
}

// checkSuspect looks for what the ticket says of the deployment that broke payment.
func (s *shop) checkSuspect(c *checks, tickets []sinks.Ticket) {
	var d sinks.Suspect
	if len(tickets) > 0 && len(tickets[0].Suspects) > 0 {
		d = tickets[0].Suspects[0]
	}
	bad := badPayment()
	c.check(d.Service == "payment" && d.Version == bad.version && d.Revision == bad.revision && d.Rollback != "",
		"it names payment %s as the suspected deployment, and how to roll it back: %s", bad.version, d.Rollback)
	c.check(d.Before.Requests > 0 && d.After.Failed > 0 && d.Ratio > 2,
		"before that %d of %d calls of the operation failed, after it %d of %d", d.Before.Failed, d.Before.Requests, d.After.Failed, d.After.Requests)
	c.check(d.Class == correlate.Confirmed && !d.UndoneAt.IsZero(), "after the rollback it says that this has helped")
}

// checkSecrets looks for the secrets that were in the errors in everything that
// left the services, and in what they stored.
func (s *shop) checkSecrets(ctx context.Context, c *checks, all []sinks.Ticket) error {
	var found []string
	for _, t := range all {
		fields, err := json.Marshal(t)
		if err != nil {
			return err
		}
		found = append(found, leaks(string(fields)+t.Title+t.Text())...)
	}
	records, err := s.store.List(ctx, correlate.Page{Kind: correlate.KindProblem, Max: 1000})
	if err != nil {
		return err
	}
	for _, r := range records {
		found = append(found, leaks(string(r.Data))...)
	}
	// Not to find what was never there would prove nothing.
	redacted := slices.ContainsFunc(all, func(t sinks.Ticket) bool { return strings.Contains(t.Text(), "[REDACTED:") })
	c.check(redacted && len(found) == 0, "%d errors of payment carried an API key, a card number and an e-mail address; those %d texts were searched for\n"+
		"         in every field and the text of all %d tickets and updates, and in all %d stored records, and found %d times",
		s.failedPayments.Load(), len(secrets()), len(all), len(records), len(found))
	return nil
}

// checks shows expectations and keeps those that do not hold.
type checks struct {
	screen *screen
	failed []error
}

func (c *checks) check(ok bool, format string, args ...any) {
	if ok {
		c.screen.say("  ok     "+format, args...)
		return
	}
	c.screen.say("  FAILED "+format, args...)
	c.failed = append(c.failed, fmt.Errorf("this does not hold: "+format, args...))
}

func (c *checks) err() error { return errors.Join(c.failed...) }
