package deployment

import (
	"net/netip"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
)

// Learn notes what a span called: kind is CLIENT, PRODUCER, CONSUMER or INTERNAL,
// as in [correlate.Occurrence]. Who consumes a queue depends on who fills it; who
// fills it depends on the broker alone.
func (g *Graph) Learn(from correlate.Scope, kind string, attrs []correlate.Attribute, now time.Time) {
	switch kind {
	case "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER":
	default:
		return
	}
	if name := correlate.AttrString(attrs, "service.peer.name", "peer.service"); name != "" {
		g.see(from, g.meant(name, Peer{Scope: correlate.Scope{Namespace: correlate.AttrString(attrs, "service.peer.namespace"), Service: name}}), now)
		return
	}
	host := hostOf(attrs)
	if system := correlate.AttrString(attrs, "messaging.system"); system != "" {
		g.learnQueue(from, kind, system, host, attrs, now)
		return
	}
	system := correlate.AttrString(attrs, "db.system.name", "db.system")
	switch {
	case kind != "CLIENT": // an address of its own may stand on it
	case system != "":
		name := host
		if name == "" {
			if name = correlate.AttrString(attrs, "db.namespace", "db.name"); name == "" {
				return
			}
			name = system + " " + name
		}
		g.see(from, g.meant(name, Peer{Scope: correlate.Scope{Service: name}, Shared: true}), now)
	case host != "":
		if p := g.meant(host, Peer{Scope: correlate.Scope{Service: host}}); p.Scope.Service != host || !strings.Contains(host, ".") {
			g.see(from, p, now) // else it is the world's
		}
	default:
		service, _, _ := strings.Cut(correlate.AttrString(attrs, "rpc.service", "rpc.method"), "/")
		g.see(from, g.meant(service, Peer{Scope: correlate.Scope{Service: service}}), now)
	}
}

// learnQueue notes who fills a queue, and who consumes it.
func (g *Graph) learnQueue(from correlate.Scope, kind, system, host string, attrs []correlate.Attribute, now time.Time) {
	if host != "" {
		g.see(from, g.meant(host, Peer{Scope: correlate.Scope{Service: host}, Shared: true}), now)
	}
	name := correlate.AttrString(attrs, "messaging.destination.template", "messaging.destination.name", "messaging.destination")
	for _, key := range []string{"messaging.destination.temporary", "messaging.destination.anonymous", "messaging.temp_destination"} {
		if correlate.Attr(attrs, key) == true {
			name = "" // made for one process
		}
	}
	if name == "" {
		return
	}
	queue := g.meant(system+" "+name, Peer{Scope: correlate.Scope{Service: system + " " + name}, Shared: true})
	switch kind {
	case "CONSUMER":
		g.see(from, queue, now)
	case "PRODUCER":
		queue.Scope.Environment = from.Environment
		g.see(queue.Scope, Peer{Scope: from}, now)
	}
}

// LearnPath notes the services on the way from an origin to the root of its
// trace: each depends on the one before it.
func (g *Graph) LearnPath(scope correlate.Scope, path []correlate.Step, now time.Time) {
	of := func(s correlate.Step) correlate.Scope {
		if s.Service == scope.Service {
			return scope
		}
		return correlate.Scope{Namespace: scope.Namespace, Service: s.Service, Environment: scope.Environment}
	}
	for i := 1; i < len(path); i++ {
		g.see(of(path[i]), Peer{Scope: of(path[i-1])}, now)
	}
}

// meant returns what is meant by a name.
func (g *Graph) meant(name string, otherwise Peer) Peer {
	if p, ok := g.Names[name]; ok {
		return p
	}
	return otherwise
}

// hostOf returns the host that was called: of a service of Kubernetes its name
// alone, and nothing for an address or the process's own machine.
func hostOf(attrs []correlate.Attribute) string {
	host := strings.ToLower(strings.TrimSuffix(correlate.AttrString(attrs, "server.address", "net.peer.name"), "."))
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" || strings.HasPrefix(host, "/") || len(host) > maxIdentity {
		return ""
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		// service.namespace.svc.cluster.local, with a pod before it of a StatefulSet.
		if l == "svc" && i >= 2 {
			return labels[i-2]
		}
	}
	return host
}
