package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/sinks"
)

// told is a ticket that was opened at a second, and the seconds of its
// occurrences.
type told struct {
	service string
	opened  int
	at      []int
}

func at(second int) time.Time { return noon.Add(time.Duration(second) * time.Second) }

func outcomeOf(tickets []told) outcome {
	o := outcome{times: map[string][]time.Time{}}
	for _, tt := range tickets {
		o.tickets = append(o.tickets, &sinks.Ticket{Signature: tt.service, Origin: sinks.Origin{Service: tt.service}, OpenedAt: at(tt.opened)})
		for _, s := range tt.at {
			o.times[tt.service] = append(o.times[tt.service], at(s))
		}
	}
	return o
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		rule          string
		tickets       []told
		after, early  int
		count, growth int
	}{
		{"no ticket has no rank", nil, 0, 0, 0, 0},
		{"more in the window is before less", []told{{"a", 101, []int{101, 102}}, {"bank", 103, []int{103, 104, 105}}}, 2, 0, 1, 1},
		{"of equals the earlier", []told{{"a", 101, []int{101}}, {"bank", 103, []int{103}}}, 2, 0, 2, 2},
		{"only what is in the window counts", []told{{"a", 101, []int{101, 300, 301, 302}}, {"bank", 103, []int{103, 104}}}, 2, 0, 1, 1},
		{"a ticket from before the injection is none about it, unless it grew", []told{{"bank", 50, []int{50, 101, 102, 103, 104, 105}}, {"a", 103, []int{103}}}, 1, 1, 0, 1},
		{"what goes on as before has not grown", []told{{"bank", 10, []int{10, 40, 70, 101, 130, 160}}, {"a", 103, []int{103, 104}}}, 1, 1, 0, 2},
		{"a ticket from before the recording is not counted", []told{{"bank", -500, []int{-500}}}, 0, 0, 0, 0},
		{"a service has one rank", []told{{"a", 101, []int{101, 102}}, {"a", 101, nil}, {"bank", 103, []int{103}}}, 3, 0, 2, 2},
	} {
		t.Run(test.rule, func(t *testing.T) {
			f := fault{Service: "bank", Injected: at(100).UnixNano()}
			v := judge(f, outcomeOf(test.tickets), span{at(0), at(200)}, span{at(0), at(200)}, span{at(100), at(200)})
			require.Equal(t, []int{test.after, test.early, test.count, test.growth}, []int{v.tickets, v.early, v.rank, v.growth})
		})
	}
}

func TestAccuracy(t *testing.T) {
	vs := []verdict{{rank: 1}, {rank: 3}, {rank: 4}, {}}
	rank := func(v verdict) int { return v.rank }
	require.Equal(t, 0.25, accuracy(vs, 1, rank))
	require.Equal(t, 0.5, accuracy(vs, 3, rank))
	require.Zero(t, accuracy(nil, 3, rank))
}

func TestWindow(t *testing.T) {
	f := fault{Injected: at(100).UnixNano(), Window: []int64{at(120).UnixNano(), at(180).UnixNano()}}
	w := f.window(nil)
	require.True(t, w.from.Equal(at(120)) && w.to.Equal(at(180)))
	require.True(t, w.has(at(120)) && w.has(at(180)) && !w.has(at(181)))
	require.Equal(t, 60., w.seconds())
	require.Equal(t, 1., span{at(0), at(0)}.seconds(), "it divides")
	require.Equal(t, map[string][]string{"x": {"m", "n"}, "y": {"m"}},
		normals([]fault{{System: "x", Normal: "n"}, {System: "x", Normal: "m"}, {System: "x", Normal: "n"}, {System: "y", Normal: "m"}}))
}
