package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/spanticket/spanticket/sinks"
)

// outlet returns a sink whose messages encode makes out of tickets.
func outlet(acts func(string) string, encode func(sinks.Ticket) ([]Arrival, error)) Outlet {
	var got []Arrival
	return Outlet{
		Sink: broken{func(ctx context.Context, t sinks.Ticket) (sinks.Receipt, error) {
			out, err := encode(t)
			if err != nil {
				return sinks.Receipt{}, err
			}
			got = append(got, out...)
			return sinks.Receipt{ID: t.Key}, nil
		}},
		Arrived: func() []Arrival {
			out := got
			got = nil
			return out
		},
		Acts: acts,
	}
}

func one(raw string, texts ...string) ([]Arrival, error) {
	return []Arrival{{Raw: []byte(raw), Texts: texts}}, nil
}

// faithful shows everything, as JSON.
func faithful(t sinks.Ticket) ([]Arrival, error) {
	raw, err := json.Marshal(t)
	return []Arrival{{Raw: raw, Header: http.Header{"Content-Type": {"application/json"}}, Texts: []string{t.Title + "\n" + t.Text()}}}, err
}

func TestRunSafety(t *testing.T) {
	RunSafety(t, func(*testing.T) Outlet { return outlet(nil, faithful) })
	RunSafety(t, func(*testing.T) Outlet {
		return outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			if strings.Contains(t.Title, "harmless") {
				return faithful(t)
			}
			return nil, &sinks.Error{Reason: sinks.Rejected, Err: errors.New("not in this house")}
		})
	})
}

func TestUnsafeSinksFail(t *testing.T) {
	said := func(t sinks.Ticket) string { return t.Title + "\n" + t.Exception.Message }
	mention := func(text string) string {
		if i := strings.Index(text, "@here"); i >= 0 && (i == 0 || text[i-1] != '\\') {
			return text[i:]
		}
		return ""
	}
	for _, c := range []struct {
		rule   string
		text   string
		outlet Outlet
		want   string
	}{
		{"a dialect that acts on a text", "@here", outlet(mention, func(t sinks.Ticket) ([]Arrival, error) { return one(said(t), said(t)) }), "the system acts on"},
		{"the same escaped", "@here", outlet(mention, func(t sinks.Ticket) ([]Arrival, error) {
			return one("x", strings.ReplaceAll(said(t), "@", `\@`))
		}), ""},
		{"a text that ends at a NUL", "a\x00b", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			text, _, _ := strings.Cut(t.Exception.Message, "\x00")
			return one("x", t.Title, text)
		}), "Exception.Message is cut short"},
		{"a text that is not there", "x", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) { return one("x", t.Title) }), "Exception.Message is lost"},
		{"bytes as they are", "\xff", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) { return one(said(t), said(t)) }), "no valid UTF-8"},
		{"JSON made by hand", `a"b`, outlet(nil, func(t sinks.Ticket) ([]Arrival, error) { return one(`{"title":"`+t.Title+`"}`, said(t)) }), "no JSON"},
		{"a line for a line", "a\nb", outlet(nil, func(t sinks.Ticket) (out []Arrival, _ error) {
			for line := range strings.Lines(said(t)) {
				out = append(out, Arrival{Raw: []byte(line), Texts: []string{said(t)}})
			}
			return out, nil
		}), "messages arrived"},
		{"a header that a text makes", "x\r\nX-Forged: 1", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			h := http.Header{"A": {"1"}}
			if strings.Contains(t.Team, "X-Forged") {
				h["X-Forged"] = []string{"1"}
			}
			return []Arrival{{Raw: []byte("x"), Header: h, Texts: []string{said(t)}}}, nil
		}), "is forged"},
		{"a header with a line end", "x\ny", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			return []Arrival{{Raw: []byte("x"), Header: http.Header{"A": {t.Team}}, Texts: []string{said(t)}}}, nil
		}), `the header "A" is`},
		{"a failure that is not final", "@here", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			return nil, errors.New("500")
		}), "no reason to try again"},
		{"nothing that works", "@here", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) {
			return nil, &sinks.Error{Reason: sinks.Rejected}
		}), "a harmless ticket is refused too"},
		{"a panic", "@here", outlet(nil, func(t sinks.Ticket) ([]Arrival, error) { panic("boom") }), "panicked: boom"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var l log
			c.outlet.withstand(&l, c.text, true)
			if c.want == "" && l.errors != "" || !strings.Contains(l.errors, c.want) {
				t.Errorf("want a failure with %q, have %q", c.want, l.errors)
			}
		})
	}
}

// A text is in every field that a ticket has, one that is added later too.
func TestSaturate(t *testing.T) {
	var ticket = full("k")
	fields := saturate(&ticket, "hostile", true)
	data, err := json.Marshal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range fields {
		if !strings.Contains(string(data), beginMark(i)+"hostile"+endMark(i)) {
			t.Errorf("%s does not have its text", name)
		}
	}
	if len(fields) < 35 {
		t.Errorf("there are %d fields", len(fields))
	}
	for _, name := range []string{"Title", "Problems.Title", "Groups.Value", "Impact.Operations.Service", "Evidence.Attributes", "Previous.ID", "Labels"} {
		if !strings.Contains(strings.Join(fields, " "), name) {
			t.Errorf("%s is not among %v", name, fields)
		}
	}
}
