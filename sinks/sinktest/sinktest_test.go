package sinktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/spanticket/spanticket/sinks"
)

// A sink that keeps every rule, with and without the optional capabilities.
func TestRun(t *testing.T) {
	t.Run("all capabilities", func(t *testing.T) {
		Run(t, func(t *testing.T) sinks.Sink { return &memory{} })
	})
	t.Run("keyed", func(t *testing.T) {
		Run(t, func(t *testing.T) sinks.Sink { return &careless{} })
	})
	t.Run("wrapped", func(t *testing.T) {
		Run(t, func(t *testing.T) sinks.Sink { return wrapper{&memory{}} })
	})
	t.Run("File only", func(t *testing.T) {
		Run(t, func(t *testing.T) sinks.Sink { return after(func(*sinks.Ticket) error { return nil }) })
	})
}

// Each broken sink fails the rule that it breaks.
func TestBrokenSinksFail(t *testing.T) {
	for _, test := range []struct {
		rule string
		sink sinks.Sink
		want string // in the failure
	}{
		{"minimal", after(func(t *sinks.Ticket) error { return need(t.Team, "team") }), "team is missing"},
		{"minimal", after(func(t *sinks.Ticket) error { _ = t.Evidence[0]; return nil }), "panicked: runtime error: index out of range"},
		{"minimal", receipt(sinks.Receipt{}), "without an ID"},
		{"minimal", receipt(sinks.Receipt{ID: "1", URL: "javascript:alert(1)"}), "must be http or https"},
		{"full", after(func(t *sinks.Ticket) error { return refuse(len(t.Evidence) > 0) }), "File of a full ticket: refused"},
		{"full", over{10}, "File of a full ticket: refused"},
		{"hostile", after(func(t *sinks.Ticket) error { return refuse(strings.Contains(t.Exception.Message, "\x1b")) }), "terminals"},
		{"hostile", after(func(t *sinks.Ticket) error { return refuse(len(t.Exception.Message) > 1<<16) }), "1 MB"},
		{"cancelled", broken{file: func(context.Context, sinks.Ticket) (sinks.Receipt, error) {
			return sinks.Receipt{ID: "1"}, nil
		}}, "File returned no error"},
		{"cancelled", broken{file: func(ctx context.Context, _ sinks.Ticket) (sinks.Receipt, error) {
			return sinks.Receipt{}, &sinks.Error{Reason: sinks.Rejected, Err: ctx.Err()}
		}}, "File returned rejected"},
		{"cancelled", &memory{deaf: true}, "Update returned no error"},
		{"cancelled", &memory{deaf: true}, "Find returned no error"},
		{"again", &memory{once: true}, "File of the same key: already exists"},
		{"again", &memory{blind: true}, "Find of a key that was filed as"},
		{"concurrent", receipt(sinks.Receipt{ID: "same"}), "gave the same receipt same"},
		{"unmodified", after(func(t *sinks.Ticket) error { t.Facts[0].Name = "x"; return nil }), "Ticket.Facts"},
		{"unmodified", after(func(t *sinks.Ticket) error { t.Evidence[0].Attributes["x"] = "y"; return nil }), "Ticket.Evidence"},
		{"unmodified", after(func(t *sinks.Ticket) error { _ = append(t.Labels, "x"); return nil }), "Ticket.Labels"},
		{"retained", &memory{keep: true}, "File keeps Ticket.Labels, Ticket.Path"},
		{"updater", &memory{final: true}, "Update (reopened) of a full ticket, change 4: resolved for good"},
		{"finder", &memory{blind: true}, "Find of the ticket filed as"},
		{"finder", &memory{strict: true}, "not found"},
		{"deduper", &youngest{memory{twice: true}}, "Dedupe of the ticket filed first as"},
		{"account", &drifting{}, "then {ID:account-2"},
		{"account", &drifting{id: "https://user token@tracker"}, "returned the ID"},
		{"account", &drifting{rates: []sinks.Rate{{Calls: 80}}}, "a rate of 80 calls in 0s"},
		{"minimal", broken{file: func(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
			sinks.ReportQuota(ctx, sinks.Quota{Remaining: -1, Reset: 1})
			return sinks.Receipt{ID: t.Key}, nil
		}}, "reported a quota"},
		{"keyed", &careless{memory{twice: true}}, "filed by several at once, gave the receipts"},
		{"keyed", &careless{memory{final: true}}, "by the receipt of the one before: resolved for good"},
		{"limits", over{-1}, "Body:-1"},
	} {
		t.Run(test.rule+" "+test.want, func(t *testing.T) {
			log := verdict(t, test.rule, test.sink)
			if !strings.Contains(log.errors, test.want) {
				t.Errorf("the rule did not notice: want a failure with %q, have %q", test.want, log.errors)
			}
			if !strings.Contains(log.errors, "\nrule: ") {
				t.Errorf("the failure does not explain the rule: %q", log.errors)
			}
		})
	}
}

// drifting has an account that is another one each time.
type drifting struct {
	memory
	id    string
	rates []sinks.Rate
	asked int
}

func (d *drifting) Account() sinks.Account {
	d.asked++
	if d.id != "" || d.rates != nil {
		return sinks.Account{ID: d.id, Rates: d.rates}
	}
	return sinks.Account{ID: fmt.Sprint("account-", d.asked)}
}

func TestHangingSinkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		defer close(forever) // the bubble must be empty at its end
		s := broken{file: func(context.Context, sinks.Ticket) (sinks.Receipt, error) {
			<-forever
			return sinks.Receipt{}, errors.New("closed")
		}}
		for _, rule := range []string{"cancelled", "minimal"} {
			if log := verdict(t, rule, s); !strings.Contains(log.errors, "did not return within 5s") {
				t.Errorf("%s did not notice: %q", rule, log.errors)
			}
		}
	})
}

func TestAbsentCapabilitiesAreSaid(t *testing.T) {
	for rule, want := range map[string]string{"updater": "not an Updater", "finder": "not a Finder", "deduper": "not a Deduper", "keyed": "not Keyed", "limits": "not Limited"} {
		log := verdict(t, rule, receipt(sinks.Receipt{ID: "1"}))
		if log.errors != "" || !strings.Contains(log.notes, want) {
			t.Errorf("%s: errors %q, notes %q", rule, log.errors, log.notes)
		}
	}
	if log := verdict(t, "again", &memory{twice: true}); log.errors != "" || !strings.Contains(log.notes, "files twice") {
		t.Errorf("again: errors %q, notes %q", log.errors, log.notes)
	}
}

func verdict(t *testing.T, name string, s sinks.Sink) *log {
	t.Helper()
	for _, r := range rules {
		if r.name == name {
			var l log
			r.hold(&l, s)
			return &l
		}
	}
	t.Fatalf("there is no rule %q", name)
	return nil
}

type log struct{ notes, errors string }

func (l *log) Helper()                           {}
func (l *log) Logf(format string, args ...any)   { l.notes += fmt.Sprintf(format, args...) + "\n" }
func (l *log) Errorf(format string, args ...any) { l.errors += fmt.Sprintf(format, args...) + "\n" }

// broken is a sink without companions.
type broken struct {
	file func(context.Context, sinks.Ticket) (sinks.Receipt, error)
}

func (b broken) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return b.file(ctx, t)
}

func receipt(r sinks.Receipt) sinks.Sink {
	return broken{func(context.Context, sinks.Ticket) (sinks.Receipt, error) { return r, nil }}
}

func after(f func(*sinks.Ticket) error) sinks.Sink {
	return broken{func(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
		if err := ctx.Err(); err != nil {
			return sinks.Receipt{}, err
		}
		if err := f(&t); err != nil {
			return sinks.Receipt{}, err
		}
		return sinks.Receipt{ID: t.Key}, nil
	}}
}

func need(s, what string) error {
	if s == "" {
		return errors.New(what + " is missing")
	}
	return nil
}

func refuse(when bool) error {
	if when {
		return errors.New("refused")
	}
	return nil
}

// over refuses tickets, whatever its limit.
type over struct{ body int }

func (o over) File(context.Context, sinks.Ticket) (sinks.Receipt, error) {
	return sinks.Receipt{}, errors.New("refused")
}
func (o over) Limits() sinks.Limits { return sinks.Limits{Body: o.body} }

type wrapper struct{ inner sinks.Sink }

func (w wrapper) File(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
	return w.inner.File(ctx, t)
}
func (w wrapper) Unwrap() sinks.Sink { return w.inner }
