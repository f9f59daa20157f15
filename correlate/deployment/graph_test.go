package deployment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spanticket/spanticket/correlate"
)

func upstream(g *Graph, from correlate.Scope, now time.Time) (out []string) {
	for _, r := range g.Upstream(from, now) {
		s := fmt.Sprintf("%d %s", r.Distance, r.Scope)
		if r.Shared {
			s += " shared"
		}
		out = append(out, s)
	}
	return out
}

func TestLearn(t *testing.T) {
	for _, c := range []struct {
		rule, kind string
		attrs      []correlate.Attribute
		want       []string
	}{
		{"a peer is named", "CLIENT", attrs("service.peer.name", "payment", "service.peer.namespace", "shop"), []string{"1 shop/payment@production"}},
		{"as it was before", "CLIENT", attrs("peer.service", "payment", "server.address", "10.0.0.7"), []string{"1 payment@production"}},
		{"the newest name is above", "CLIENT", attrs("peer.service", "old", "service.peer.name", "payment"), []string{"1 payment@production"}},
		{"a server does not say whom it calls", "SERVER", attrs("server.address", "payment"), nil},
		{"a host may be a service of Kubernetes", "CLIENT", attrs("server.address", "payment.shop.svc.cluster.local", "server.port", int64(80)), []string{"1 payment@production"}},
		{"of the same namespace", "CLIENT", attrs("server.address", "payment:8080"), []string{"1 payment@production"}},
		{"with a pod before it", "CLIENT", attrs("net.peer.name", "Payment-0.Payment.shop.svc."), []string{"1 payment@production"}},
		{"the world's is none", "CLIENT", attrs("server.address", "api.bank.example"), nil},
		{"unless somebody said whose it is", "CLIENT", attrs("server.address", "ledger.internal.example"), []string{"1 shop/ledger@production"}},
		{"an address is none", "CLIENT", attrs("server.address", "fd00::7"), nil},
		{"nor is the own machine", "CLIENT", attrs("server.address", "localhost"), nil},
		{"nor a socket", "CLIENT", attrs("server.address", "/var/run/app.sock"), nil},
		{"a service of RPC", "CLIENT", attrs("rpc.system.name", "grpc", "rpc.method", "shop.Ledger/Book"), []string{"1 shop/ledger@production"}},
		{"as it was before", "CLIENT", attrs("rpc.system", "grpc", "rpc.service", "shop.Rates", "rpc.method", "Get"), []string{"1 shop.Rates@production"}},
		{"a database by its host", "CLIENT", attrs("db.system.name", "postgresql", "server.address", "orders-db.shop.svc", "db.namespace", "orders"), []string{"1 orders-db@production shared"}},
		{"or by its name", "CLIENT", attrs("db.system", "postgresql", "db.name", "orders", "net.peer.name", "10.0.0.9"), []string{"1 postgresql orders@production shared"}},
		{"who consumes depends on the queue", "CONSUMER", attrs("messaging.system", "kafka", "messaging.destination.name", "orders"), []string{"1 kafka orders@production shared"}},
		{"who fills it on the broker alone", "PRODUCER", attrs("messaging.system", "kafka", "messaging.destination.name", "orders", "server.address", "broker"), []string{"1 broker@production shared"}},
		{"a queue of one process is none", "CONSUMER", attrs("messaging.system", "rabbitmq", "messaging.destination.name", "amq.gen-1", "messaging.destination.temporary", true), nil},
		{"nobody depends on himself", "CLIENT", attrs("service.peer.name", "checkout", "service.peer.namespace", "shop"), nil},
		{"a name is not endless", "CLIENT", attrs("peer.service", strings.Repeat("a", 1<<20)), nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			ledger := Peer{Scope: correlate.Scope{Namespace: "shop", Service: "ledger"}}
			g := &Graph{Names: map[string]Peer{"ledger.internal.example": ledger, "shop.Ledger": ledger}}
			g.Learn(scopeOf("checkout"), c.kind, c.attrs, noon)
			require.Equal(t, c.want, upstream(g, scopeOf("checkout"), noon))
		})
	}
}

func TestGraph(t *testing.T) {
	g := chain("web", "checkout", "payment", "ledger", "bank", "world")
	g.Add(scopeOf("web"), Peer{Scope: correlate.Scope{Service: "redis"}, Shared: true}, Peer{Scope: scopeOf("payment")})
	require.Equal(t, []string{
		"1 shop/checkout@production", "1 shop/payment@production", "1 redis@production shared", "2 shop/ledger@production",
		"3 shop/bank@production", "4 shop/world@production",
	}, upstream(g, scopeOf("web"), noon), "the nearest first, infrastructure last of them")
	require.Empty(t, upstream(g, scopeOf("world"), noon), "it has a direction")
	require.Empty(t, upstream(g, correlate.Scope{Namespace: "shop", Service: "web", Environment: "staging"}, noon), "and an environment")

	g.Add(scopeOf("ledger"), Peer{Scope: scopeOf("web")})
	require.Len(t, upstream(g, scopeOf("web"), noon), 6, "a circle ends")

	g.See(scopeOf("web"), Peer{Scope: scopeOf("search")}, noon)
	require.Len(t, upstream(g, scopeOf("web"), noon.AddDate(0, 0, 6)), 7)
	require.Len(t, upstream(g, scopeOf("web"), noon.AddDate(0, 0, 8)), 6, "what is not seen any more is forgotten, what was given by hand is not")

	g.See(scopeOf("search"), Peer{Scope: correlate.Scope{Service: "bank"}}, noon)
	require.Equal(t, []string{"1 bank@production", "2 shop/world@production"}, upstream(g, scopeOf("search"), noon), "a caller need not know the namespace")
	g.Add(correlate.Scope{Namespace: "other", Service: "bank", Environment: "production"}, Peer{Scope: scopeOf("web")})
	require.Equal(t, []string{"1 bank@production"}, upstream(g, scopeOf("search"), noon), "if there is one of that name")

	var none *Graph
	require.Empty(t, none.Upstream(scopeOf("web"), noon))
}

func TestQueueLeadsToWhoFillsIt(t *testing.T) {
	g := &Graph{}
	queue := attrs("messaging.system", "kafka", "messaging.destination.name", "orders")
	g.Learn(scopeOf("checkout"), "PRODUCER", queue, noon)
	g.Learn(scopeOf("shipping"), "CONSUMER", queue, noon)
	require.Equal(t, []string{"1 kafka orders@production shared", "2 shop/checkout@production"}, upstream(g, scopeOf("shipping"), noon))
	require.Empty(t, upstream(g, scopeOf("checkout"), noon))
}

func TestLearnPath(t *testing.T) {
	g := &Graph{}
	g.LearnPath(scopeOf("ledger"), []correlate.Step{{Service: "ledger"}, {Service: "ledger"}, {Service: "payment"}, {Service: "web"}}, noon)
	require.Equal(t, []string{"1 shop/payment@production", "2 shop/ledger@production"}, upstream(g, scopeOf("web"), noon))
}

func TestGraphIsBounded(t *testing.T) {
	g := &Graph{}
	g.Add(scopeOf("web"), Peer{Scope: scopeOf("checkout")})
	for i := range 1000 {
		g.See(scopeOf("web"), Peer{Scope: scopeOf(fmt.Sprintf("peer-%d", i))}, noon.Add(time.Duration(i)*time.Second))
	}
	all := upstream(g, scopeOf("web"), noon)
	require.Len(t, all, maxEdges)
	require.Contains(t, all, "1 shop/checkout@production", "by hand")
	require.Contains(t, all, "1 shop/peer-999@production", "the newest")
	require.NotContains(t, all, "1 shop/peer-500@production")
	for i := range maxNodes + 100 {
		g.See(scopeOf(fmt.Sprintf("service-%d", i)), Peer{Scope: scopeOf("web")}, noon.Add(time.Duration(i)*time.Second))
	}
	require.Len(t, g.nodes, maxNodes)
	require.Len(t, g.named, maxNodes)
	require.Contains(t, g.nodes, scopeOf(fmt.Sprintf("service-%d", maxNodes+99)))
}

func TestReplicasShareOneGraph(t *testing.T) {
	store := newDurable()
	a, b := &Graph{}, &Graph{}
	tracker := NewTracker(Config{Store: store})
	share := func(g *Graph, now time.Time) { require.NoError(t, tracker.Share(t.Context(), g, now)) }
	a.Add(scopeOf("web"), Peer{Scope: scopeOf("by-hand")})
	a.See(scopeOf("web"), Peer{Scope: scopeOf("checkout")}, noon)
	b.See(scopeOf("web"), Peer{Scope: scopeOf("search")}, noon)
	b.See(scopeOf("checkout"), Peer{Scope: correlate.Scope{Service: "token ghp_" + strings.Repeat("a1B2", 9)}}, noon)
	share(a, noon)
	share(b, noon)
	share(a, noon)
	require.Equal(t, []string{"1 shop/by-hand@production", "1 shop/checkout@production", "1 shop/search@production", "2 token [REDACTED:token]@production"}, upstream(a, scopeOf("web"), noon))
	require.Equal(t, []string{"1 shop/checkout@production", "1 shop/search@production"}, upstream(b, scopeOf("web"), noon)[:2])

	records, err := store.List(t.Context(), correlate.Page{Kind: KindDependency, Max: 10})
	require.NoError(t, err)
	require.Len(t, records, 2)
	for _, r := range records {
		require.NotContains(t, string(r.Data), "ghp_")
		require.NotContains(t, string(r.Data), "by-hand")
	}
	require.Empty(t, a.unshared(), "what others told is not told again")
	a.See(scopeOf("web"), Peer{Scope: scopeOf("checkout")}, noon.Add(30*time.Minute))
	require.Empty(t, a.unshared())
	a.See(scopeOf("web"), Peer{Scope: scopeOf("checkout")}, noon.Add(90*time.Minute))
	require.NoError(t, NewTracker(Config{Store: newDurable()}).Share(t.Context(), a, noon), "what goes on is told each hour")

	a.See(scopeOf("web"), Peer{Scope: scopeOf("new")}, noon.Add(2*time.Hour))
	require.ErrorIs(t, NewTracker(Config{Store: away{}}).Share(t.Context(), a, noon), errAway)
	require.Equal(t, []correlate.Scope{scopeOf("web")}, a.unshared(), "what was not stored is told the next time")
}

func TestDependenciesMergeInAnyOrder(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) dependencies {
		return dependencies{}.with(dependencies{Peers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dependency {
			return dependency{
				Peer: Peer{Scope: scopeOf(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "peer"))), Shared: rapid.Bool().Draw(t, "shared")},
				Seen: minutesAfter(float64(rapid.IntRange(-5, 5).Draw(t, "seen"))),
			}
		}), 0, 8).Draw(t, "peers")}, noon)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := one.Draw(t, "a"), one.Draw(t, "b")
		require.Equal(t, a.with(b, noon), b.with(a, noon))
		require.Equal(t, a.with(b, noon), a.with(b, noon).with(b, noon))
		require.Equal(t, a, a.with(dependencies{}, noon))
	})
}
