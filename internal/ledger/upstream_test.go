package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/celrule"
)

// call makes an occurrence a call of payment, in a trace and span of its own.
func call(trace string, attrs ...correlate.Attribute) func(*correlate.Occurrence) {
	return func(o *correlate.Occurrence) {
		o.Operation, o.Kind = "POST", "CLIENT"
		o.TraceID, o.SpanID = trace, "call"
		o.Exception = correlate.Exception{}
		o.Attributes = append([]correlate.Attribute{{Key: "server.address", Value: "payment"}}, attrs...)
		o.Path = []correlate.Step{{Service: "checkout", Operation: "POST"}, {Service: "checkout", Operation: "POST /buy"}}
	}
}

func status(key string, v any) correlate.Attribute { return correlate.Attribute{Key: key, Value: v} }

func TestPeers(t *testing.T) {
	for _, test := range []struct {
		rule  string
		peers []string
		give  correlate.Attribute
		want  correlate.Change
	}{
		{"a peer that answered files its failure itself", []string{"payment"}, status("http.response.status_code", int64(500)), correlate.ChangeHeld},
		{"by older names too", []string{"payment"}, status("http.status_code", int64(400)), correlate.ChangeHeld},
		{"a proxy that answered for it does not", []string{"payment"}, status("http.response.status_code", int64(503)), correlate.ChangeOpened},
		{"gRPC's answers count", []string{"payment"}, status("rpc.grpc.status_code", int64(13)), correlate.ChangeHeld},
		{"one that is not available has not answered", []string{"payment"}, status("rpc.response.status_code", "UNAVAILABLE"), correlate.ChangeOpened},
		{"nor has one that was not heard of", []string{"payment"}, status("other", "x"), correlate.ChangeOpened},
		{"a service that nobody named is no peer", []string{"bank"}, status("http.response.status_code", int64(500)), correlate.ChangeOpened},
		{"without peers nobody is", nil, status("http.response.status_code", int64(500)), correlate.ChangeOpened},
	} {
		t.Run(test.rule, func(t *testing.T) {
			b := open(t, new(correlate.Memory), celrule.Rule{}, "jira")
			b.Peers = test.peers
			batch := b.batch(1, call("t1", test.give))
			require.Equal(t, test.want, b.apply(batch))
			p := b.problem(batch.Key())
			if test.want == correlate.ChangeHeld {
				require.Equal(t, correlate.Downstream, p.Hold)
				require.Equal(t, "payment", p.Upstream.String())
				require.Empty(t, due(t, b.Store, b.now, "jira"))
			}
		})
	}
}

var payment = correlate.Scope{Service: "payment", Environment: checkout.Environment, Namespace: checkout.Namespace}

func TestDownstream(t *testing.T) {
	store := new(correlate.Memory)
	callee, caller := open(t, store, celrule.Rule{Quiet: time.Minute}, "jira"), open(t, store, celrule.Rule{Quiet: time.Hour}, "jira")
	cause := callee.batch(3, func(o *correlate.Occurrence) { o.Scope, o.Operation = payment, "pool" })
	require.Equal(t, correlate.ChangeOpened, callee.apply(cause))
	require.NoError(t, correlate.PublishOrigin(t.Context(), store, correlate.TraceOrigin{
		Call:     correlate.Call{TraceID: "t1", SpanID: "call"},
		Upstream: correlate.Upstream{Scope: payment, ID: cause.Signature.ID, Operation: "pool", At: callee.now},
	}, callee.now))

	symptom := caller.batch(2, call("t1"))
	require.Equal(t, correlate.ChangeHeld, caller.apply(symptom))
	require.Equal(t, "payment pool", caller.problem(symptom.Key()).Upstream.String())
	require.Empty(t, due(t, store, caller.now, "jira"), "the symptom has no ticket")
	p := caller.problem(cause.Key())
	require.Equal(t, []correlate.Affected{{Service: "checkout", Operation: "POST /buy", Count: 2}}, p.Impact.Operations)
	require.EqualValues(t, 3, p.Count, "a symptom is not counted on its cause")
	require.Equal(t, 1, p.Updates, "and people are told")

	// Not every request is looked up; that the cause goes on is enough for a while.
	caller.now = caller.now.Add(30 * time.Second)
	require.Equal(t, correlate.ChangeHeld, caller.apply(caller.batch(1, call("t2"))))
	require.EqualValues(t, 3, caller.problem(cause.Key()).Impact.Operations[0].Count)

	// It is over, and nothing is heard of it: what still fails is another failure.
	caller.now = caller.now.Add(2 * time.Minute)
	callee.now = caller.now
	_, err := callee.Sweep(t.Context(), callee.now)
	require.NoError(t, err)
	require.Equal(t, correlate.ChangeOpened, caller.apply(caller.batch(1, call("t3"))))
	require.EqualValues(t, 4, caller.problem(symptom.Key()).Count)
	require.Equal(t, []string{"open jira"}, due(t, store, caller.now, "jira"))
}

// A store that fails counts nothing: the caller tries again.
func TestDownstreamNeedsTheStore(t *testing.T) {
	store := &broken{Store: new(correlate.Memory)}
	b := open(t, store, celrule.Rule{}, "jira")
	store.update = true
	_, err := b.Apply(t.Context(), b.batch(1, call("t1")), b.now)
	require.Error(t, err)
	store.update = false
	require.Equal(t, correlate.ChangeOpened, b.apply(b.batch(1, call("t1"))))
}
