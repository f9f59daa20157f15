package sinktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spanticket/spanticket/sinks"
)

// Outlet is a sink under test, with the other end of it.
type Outlet struct {
	Sink sinks.Sink

	// Arrived returns what has come out at the other end since it was last called.
	Arrived func() []Arrival

	// Acts is the dialect of the system: it returns what in a text of an arrival
	// the system would act on instead of showing it, such as an @name that is not
	// escaped where the text is Markdown, or "" if there is nothing. Nil is for
	// systems that act on no text.
	Acts func(text string) string
}

// Arrival is one message as the other end got it: a line, a document, a request.
type Arrival struct {
	Raw    []byte      // as it came
	Header http.Header // of a request; nil if there was none
	Texts  []string    // what it says, out of its encoding, in the dialect of the system
}

// RunSafety feeds texts that attack trackers, terminals, spreadsheets and those
// who read them into every text of a ticket, through File and Update. It checks
// what holds for every system, and by [Outlet.Acts] what holds for this one:
//
//   - the call succeeds, or is refused as [sinks.Rejected];
//   - as much arrives as for a harmless ticket, with the same headers, so that
//     nothing was forged;
//   - it is valid UTF-8, and JSON if it begins like that;
//   - of a text that arrives, all does: nothing ends at a NUL or at a fence;
//   - the system acts on none of it.
//
// It makes several hundred tickets: use a system of the test's own, not one that
// people look at. newOutlet may use its t for cleanup.
func RunSafety(t *testing.T, newOutlet func(t *testing.T) Outlet) {
	t.Helper()
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			t.Helper()
			o := newOutlet(t)
			for _, text := range a.texts {
				o.withstand(t, text, false)
				o.withstand(t, text, true)
			}
		})
	}
}

// withstand sends one text. If it is marked, each field has marks of its own
// around it; without them a field begins with the text, which is what makes a
// formula of it.
func (o Outlet) withstand(t reporter, text string, marked bool) {
	t.Helper()
	harmless, hostile := o.exchange(t, "harmless", marked), o.exchange(t, text, marked)
	for i, h := range hostile {
		what := []string{"File", "Update"}[i]
		fail := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%s of %s: %s", what, excerpt(text), fmt.Sprintf(format, args...))
		}
		if h.refused || harmless[i].refused {
			if harmless[i].refused {
				fail("a harmless ticket is refused too")
			}
			continue
		}
		if got, want := len(h.arrived), len(harmless[i].arrived); got != want || got == 0 {
			fail("%d messages arrived, and %d of a harmless ticket", got, want)
			continue
		}
		for n, a := range h.arrived {
			if problem := a.flaw(harmless[i].arrived[n].Header); problem != "" {
				fail("%s", problem)
			}
			for _, s := range a.Texts {
				if o.Acts == nil {
					break
				}
				if acts := o.Acts(s); acts != "" {
					fail("the system acts on %s", excerpt(acts))
				}
			}
		}
		if marked {
			for _, lost := range h.lost(i == 0) {
				fail("%s", lost)
			}
		}
	}
}

// outcome is what became of one call.
type outcome struct {
	ticket  sinks.Ticket
	fields  []string
	refused bool
	arrived []Arrival
}

// exchange files a ticket that says text everywhere, and updates it.
func (o Outlet) exchange(t reporter, text string, marked bool) (out []outcome) {
	t.Helper()
	c := &check{sink: o.Sink}
	ticket := full(newKey())
	fields := saturate(&ticket, text, marked)
	ticket = fit(ticket, o.Sink)
	send := func(what string, f func(context.Context) error) bool {
		var err error
		if !c.call(context.Background(), what, func(ctx context.Context) { err = f(ctx) }) {
			return false
		}
		reason, _ := sinks.ReasonOf(err)
		if err != nil && reason != sinks.Rejected {
			c.failf("%s of %s: %v: what a text says is no reason to try again", what, excerpt(text), err)
			return false
		}
		out = append(out, outcome{ticket: ticket, fields: fields, refused: err != nil, arrived: o.Arrived()})
		return err == nil
	}
	o.Arrived()
	var r sinks.Receipt
	ok := send("File", func(ctx context.Context) (err error) { r, err = o.Sink.File(ctx, ticket); return err })
	if u, can := sinks.As[sinks.Updater](o.Sink); ok && can {
		ticket.Event, ticket.Count = sinks.EventUpdated, ticket.Count+1
		send("Update", func(ctx context.Context) error { _, err := u.Update(ctx, r, ticket); return err })
	}
	for _, s := range c.broken {
		t.Errorf("%s", s)
	}
	return out
}

// flaw returns what no message may have, whatever the system.
func (a Arrival) flaw(like http.Header) string {
	if !utf8.Valid(a.Raw) {
		return "what arrived is no valid UTF-8"
	}
	if strings.HasPrefix(string(a.Raw), "{") && !json.Valid(a.Raw) {
		return "what arrived is no JSON"
	}
	for name, values := range a.Header {
		if _, known := like[name]; !known {
			return fmt.Sprintf("the header %q is forged", name)
		}
		if len(values) != len(like[name]) {
			return fmt.Sprintf("the header %q came %d times", name, len(values))
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
				return fmt.Sprintf("the header %q is %q", name, v)
			}
		}
	}
	return ""
}

// lost returns the fields of which the beginning arrived and the end did not,
// and those that every system must show. A ticket that was cut is let off.
func (o outcome) lost(filed bool) (out []string) {
	if len(o.ticket.Cut) > 1 {
		return nil
	}
	var all strings.Builder
	for _, a := range o.arrived {
		for _, s := range a.Texts {
			all.WriteString(s)
			all.WriteByte('\n')
		}
	}
	for i, name := range o.fields {
		begun, ended := strings.Contains(all.String(), beginMark(i)), strings.Contains(all.String(), endMark(i))
		switch {
		case begun && !ended && name != "Title":
			out = append(out, name+" is cut short, and nothing says so")
		case filed && !begun && (name == "Title" || name == "Exception.Message"):
			out = append(out, name+" is lost")
		}
	}
	return out
}

// A key, which is random, has no nine in it.
func beginMark(field int) string { return "q9b" + strconv.Itoa(field) + "z" }
func endMark(field int) string   { return "q9e" + strconv.Itoa(field) + "z" }

// own are the fields whose text is the engine's own.
var own = map[string]bool{"Key": true, "Signature": true, "Event": true, "State": true, "TraceID": true, "SpanID": true, "URL": true, "Runbook": true}

// saturate puts text into every string of a ticket that can come from a span, a
// rule or an enricher, and returns the names of the fields. Links lead where a
// quote or a bracket may lead: the engine escapes nothing else of them for a
// dialect.
func saturate(t *sinks.Ticket, text string, marked bool) (fields []string) {
	say := func(name string) string {
		fields = append(fields, name)
		if !marked {
			return text
		}
		i := len(fields) - 1
		return beginMark(i) + text + endMark(i)
	}
	t.Problems = roomy(sinks.Problem{Signature: "v1:0a", Group: 1, Count: 3, FirstSeen: first, LastSeen: first})
	t.Groups = roomy(sinks.Group{Problems: 1, Count: 3})
	t.Others = 2
	eachText(reflect.ValueOf(t).Elem(), "", func(name, _ string) string { return say(name) })
	// As the engine makes them: a title is one line and not empty, and URLs have
	// nothing in them that RFC 3986 does not.
	t.Title = strings.Join(strings.Fields(t.Title), " ")
	if title := firstRunes(t.Title, 250); title != t.Title || title == "" {
		t.Title = title + "…"
	}
	t.Links[0].URL = "https://example.com/a_b*c~(d)!'e';,@here?q=%22%3E%3Cscript%3E&r=$%7B1%7D#_*x*_"
	return fields
}

// eachText puts what f returns in place of every text of a ticket that is not
// the engine's own. f is given the names of the fields that lead to it.
func eachText(v reflect.Value, name string, f func(name, text string) string) {
	switch v.Kind() {
	case reflect.String:
		if last := name[strings.LastIndexByte(name, '.')+1:]; !own[last] {
			v.SetString(f(name, v.String()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				eachText(v.Field(i), strings.TrimPrefix(name+"."+field.Name, "."), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachText(v.Index(i), name, f)
		}
	case reflect.Map:
		next := map[string]string{}
		for _, key := range v.MapKeys() {
			next[f(name, key.String())] = f(name, v.MapIndex(key).String())
		}
		if v.Len() > 0 {
			v.Set(reflect.ValueOf(next))
		}
	}
}

// excerpt quotes a text, or its beginning.
func excerpt(s string) string {
	if len(s) > 60 {
		return strconv.QuoteToASCII(s[:60]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
