package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"
	"github.com/spanticket/spanticket/sinks"
)

// madeOf makes a trial of tickets, each a signature and its occurrences.
func madeOf(tickets ...string) trial {
	t := trial{members: map[string][]place{}}
	for i, text := range tickets {
		signature, members, _ := strings.Cut(text, ":")
		for _, m := range strings.Fields(members) {
			t.members[signature] = append(t.members[signature], place{trace: m, span: "s"})
		}
		t.Tickets = append(t.Tickets, rehearsal.Ticket{Ticket: sinks.Ticket{
			Signature: signature, Title: signature, FirstSeen: time.Unix(int64(i), 0), Count: int64(len(t.members[signature])),
		}})
	}
	return t
}

func TestCompare(t *testing.T) {
	for _, row := range []struct {
		rule     string
		old, new trial
		want     []string // kind, old and new
	}{
		{"nothing", madeOf("a: 1 2"), madeOf("a: 1 2"), []string{"unchanged a > a"}},
		{"more of the same", madeOf("a: 1 2"), madeOf("a: 1 2 3"), []string{"changed a > a"}},
		{"gained and lost", madeOf("a: 1"), madeOf("b: 2"), []string{"gained > b", "lost a >"}},
		{"under another signature", madeOf("a: 1 2"), madeOf("b: 1 2"), []string{"changed a > b"}},
		{"merged", madeOf("a: 1", "b: 2"), madeOf("c: 1 2"), []string{"merged a b > c"}},
		{"merged into one of them", madeOf("a: 1", "b: 2"), madeOf("a: 1 2"), []string{"merged a b > a"}},
		{"split", madeOf("a: 1 2"), madeOf("b: 1", "c: 2"), []string{"split a > b c"}},
		{"split, and one goes on", madeOf("a: 1 2"), madeOf("a: 1", "c: 2"), []string{"split a > a c"}},
		{"regrouped", madeOf("a: 1 2", "b: 3 4"), madeOf("c: 1 3", "d: 2 4"), []string{"regrouped a b > c d"}},
		{"a rule that goes on counts again", madeOf("a: 1 2", "w: 1"), madeOf("a: 1 2", "w: 1"), []string{"unchanged a > a", "unchanged w > w"}},
	} {
		var got []string
		for _, c := range compare(row.old, row.new) {
			parts := []string{c.Kind}
			for _, b := range c.Old {
				parts = append(parts, b.Signature)
			}
			parts = append(parts, ">")
			for _, b := range c.New {
				parts = append(parts, b.Signature)
			}
			got = append(got, strings.Join(parts, " "))
		}
		require.Equal(t, row.want, got, row.rule)
	}
}

func TestBacktest(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-rules", "testdata/after.yaml", "-against", "testdata/before.yaml", shopFile}, nil, &out, &errs), errs.String())
	require.Equal(t, `gained
  + [error] "POST: took 4.03s", 1 times, rule "slow"
changed
  - [error] "pool.Acquire: pool.ExhaustedError: no connection for order 4708 within 35ms", 6 times, rule "payment"
  + [critical] "pool.Acquire: pool.ExhaustedError: no connection for order 4708 within 35ms", 6 times, rule "payment"
    severity "error" -> "critical"
    team "" -> "payments"
1 gained, 0 lost, 0 merged, 0 split, 0 regrouped, 1 changed, 0 unchanged
`, out.String())
	out.Reset()
	require.Zero(t, run([]string{"-format", "json", "-rules", "testdata/before.yaml", "-against", "testdata/before.yaml", shopFile}, nil, &out, &errs))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"summary":{"gained":0,"lost":0,"merged":0,"split":0,"regrouped":0,"changed":0,"unchanged":1}}`, lines[1])

	require.Equal(t, 2, run([]string{"-against", "testdata/before.yaml", shopFile}, nil, &out, &errs), "against needs rules")
	require.Equal(t, 2, run([]string{"-rules", "testdata/after.yaml", "-against", "testdata/none.yaml", shopFile}, nil, &out, &errs))
}
