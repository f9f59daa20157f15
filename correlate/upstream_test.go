package correlate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fleet is a store with problems and what services said of calls.
type fleet struct {
	*Memory
	t   *testing.T
	now time.Time
}

func newFleet(t *testing.T) *fleet {
	return &fleet{new(Memory), t, time.Now()}
}

func (f *fleet) problem(service string, state State, hold Reason) {
	p := Problem{ID: "v1" + service, Scope: in(service), State: state, Hold: hold, LastSeen: f.now}
	require.NoError(f.t, f.Update(f.t.Context(), Key{Scope: p.Scope, Kind: KindProblem, ID: p.ID}, UpdateProblem(func(Problem) (Problem, []Delivery, error) {
		return p, nil, nil
	})))
}

// resolved is a problem that was over at a time, with a ticket.
func (f *fleet) resolved(service string, at time.Time) {
	p := Problem{ID: "v1" + service, Scope: in(service), State: Resolved, ResolvedAt: at, Filings: []Filing{{Sink: "jira"}}}
	require.NoError(f.t, f.Update(f.t.Context(), Key{Scope: p.Scope, Kind: KindProblem, ID: p.ID}, UpdateProblem(func(Problem) (Problem, []Delivery, error) {
		return p, nil, nil
	})))
}

// says that a service failed a call of one trace, perhaps by another call.
func (f *fleet) says(service, call, next string) {
	require.NoError(f.t, PublishOrigin(f.t.Context(), f, TraceOrigin{
		Call: Call{TraceID: "t", SpanID: call}, Upstream: Upstream{Scope: in(service), ID: "v1" + service, Operation: "op of " + service, At: f.now}, Next: next,
	}, f.now))
}

func in(service string) Scope {
	return Scope{Namespace: "shop", Service: service, Environment: "live"}
}

func TestFindUpstream(t *testing.T) {
	for _, test := range []struct {
		rule  string
		setup func(f *fleet)
		want  string
	}{
		{"nobody said anything", func(f *fleet) { f.problem("pay", Open, "") }, ""},
		{"the callee has the problem", func(f *fleet) {
			f.problem("pay", Open, "")
			f.says("pay", "a", "")
		}, "pay op of pay"},
		{"the callee's callee has it", func(f *fleet) {
			f.problem("pay", Open, Downstream)
			f.problem("bank", Open, "")
			f.says("pay", "a", "b")
			f.says("bank", "b", "")
		}, "bank op of bank"},
		{"the callee has filed it before its callee was heard of", func(f *fleet) {
			f.problem("pay", Open, "")
			f.problem("bank", Open, "")
			f.says("pay", "a", "b")
			f.says("bank", "b", "")
		}, "bank op of bank"},
		{"the callee's callee files nothing", func(f *fleet) {
			f.problem("pay", Open, "")
			f.problem("bank", Open, Shadow)
			f.says("pay", "a", "b")
			f.says("bank", "b", "")
		}, "pay op of pay"},
		{"what is below its threshold is no ticket", func(f *fleet) {
			f.problem("pay", Watching, "")
			f.says("pay", "a", "")
		}, ""},
		{"what waits for an approval, or is listed, is known to people", func(f *fleet) {
			f.problem("pay", Open, Draft)
			f.says("pay", "a", "")
		}, "pay op of pay"},
		{"what was over by then is no reason", func(f *fleet) {
			f.resolved("pay", f.now.Add(-time.Second))
			f.says("pay", "a", "")
		}, ""},
		{"what was over later is: the caller only comes late", func(f *fleet) {
			f.resolved("pay", f.now.Add(time.Second))
			f.says("pay", "a", "")
		}, "pay op of pay"},
		{"what was resolved without a ticket is none", func(f *fleet) {
			f.problem("pay", Resolved, "")
			f.says("pay", "a", "")
		}, ""},
		{"the problem is gone", func(f *fleet) { f.says("pay", "a", "") }, ""},
		{"another call", func(f *fleet) {
			f.problem("pay", Open, "")
			f.says("pay", "b", "")
		}, ""},
		{"calls in a circle end", func(f *fleet) {
			f.problem("pay", Open, "")
			f.says("pay", "a", "a")
		}, "pay op of pay"},
		{"what was said first stays", func(f *fleet) {
			f.problem("pay", Open, "")
			f.problem("bank", Open, "")
			f.says("pay", "a", "")
			f.says("bank", "a", "")
		}, "pay op of pay"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			f := newFleet(t)
			test.setup(f)
			got, err := FindUpstream(t.Context(), f, in("shop"), Call{TraceID: "t", SpanID: "a"})
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
}

func TestUpstreamIsOfTheFleet(t *testing.T) {
	f := newFleet(t)
	f.problem("pay", Open, "")
	f.says("pay", "a", "")
	other := in("shop")
	other.Environment = "test"
	got, err := FindUpstream(t.Context(), f, other, Call{TraceID: "t", SpanID: "a"})
	require.NoError(t, err)
	require.Empty(t, got.ID, "in another environment")

	broken := Call{TraceID: "t", SpanID: "broken"}
	require.NoError(t, f.Update(t.Context(), broken.key(in("shop")), func(Record, bool) (Record, []Delivery, error) {
		return Record{Data: []byte("{")}, nil, nil
	}))
	got, err = FindUpstream(t.Context(), f, in("shop"), broken)
	require.NoError(t, err)
	require.Empty(t, got.ID, "what cannot be read says nothing")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = FindUpstream(ctx, f, in("shop"), broken)
	require.ErrorIs(t, err, context.Canceled)
}

func TestDownstreamIsHeld(t *testing.T) {
	now := time.Now()
	b := Batch{Scope: in("shop"), Signature: Signature{ID: "v1shop"}, Threshold: Threshold{Count: 1, Within: time.Minute}, Quiet: time.Hour, Count: 1, First: now, Last: now}
	b.Admission.Upstream = Upstream{Scope: in("pay"), ID: "v1pay", At: now}
	p, change := Problem{}.Observe(b, now)
	require.Equal(t, ChangeHeld, change)
	require.Equal(t, Downstream, p.Hold)
	require.Equal(t, "v1pay", p.Upstream.ID)

	b.Admission.Upstream = Upstream{}
	p, change = p.Observe(b, now)
	require.Equal(t, ChangeOpened, change, "it fails still, and nothing explains it")
	require.EqualValues(t, 2, p.Count)

	b.Admission.Upstream = Upstream{Scope: in("pay"), ID: "v1pay", At: now}
	p, change = p.Observe(b, now)
	require.Equal(t, ChangeCounted, change, "what has its ticket keeps it")
	require.Empty(t, p.Hold)

	p.State, p.LastSeen = Resolved, now.Add(-time.Minute)
	p, change = p.Observe(b, now)
	require.Equal(t, ChangeHeld, change, "it is not reopened as a symptom")
	require.Equal(t, Downstream, p.Hold)
}
