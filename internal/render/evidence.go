package render

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spanticket/spanticket/sinks"
)

// shown are the attributes that go on a ticket, which more people read, and for
// longer, than the traces it was made from: those of the semantic conventions
// that say what was done, where and how it went, and neither to whom nor with
// which data. A trailing '.' stands for all that begin so. What else is secret in
// their values the redactor finds.
var shown = []string{
	"service.", "peer.service", "deployment.", "telemetry.sdk.", "otel.", "cicd.", "vcs.",
	"code.",
	"http.request.method", "http.request.resend_count", "http.request.size", "http.request.body.size",
	"http.response.status_code", "http.response.size", "http.response.body.size", "http.route",
	"http.method", "http.status_code", "http.url", "http.target", "http.host", "http.scheme", "http.server_name", "http.user_agent",
	"url.full", "url.path", "url.scheme", "url.template", "url.domain", "url.port",
	"server.", "network.", "net.", "dns.", "tls.protocol.", "tls.cipher", "tls.server.", "user_agent.",
	"rpc.system", "rpc.service", "rpc.method", "rpc.grpc.", "rpc.connect_rpc.", "rpc.jsonrpc.", "rpc.response.status_code", "rpc.status_code",
	"db.system", "db.namespace", "db.name", "db.collection.name", "db.operation", "db.query.text", "db.query.summary", "db.statement",
	"db.response.", "db.stored_procedure.name", "db.sql.table", "db.client.",
	"messaging.system", "messaging.operation", "messaging.destination", "messaging.consumer.", "messaging.client.", "messaging.batch.",
	"messaging.message.id", "messaging.kafka.", "messaging.rabbitmq.",
	"faas.", "graphql.operation.", "feature_flag.key", "feature_flag.provider", "feature_flag.result.variant", "feature_flag.result.reason",
	"feature_flag.variant", "feature_flag.version", "feature_flag.set.id",
	"k8s.", "container.id", "container.name", "container.image.", "container.runtime", "host.", "cloud.", "aws.", "azure.", "gcp.", "os.",
	"process.pid", "process.executable.name", "process.runtime.", "thread.", "jvm.", "go.",
	"span.", "log.", "event.name",
}

// hidden are attributes that never go on a ticket, though others like them do.
// See the semantic conventions' notes on sensitive data.
var hidden = []string{
	"http.request.header.", "http.response.header.", "http.request.body.content", "http.response.body.content",
	"db.query.parameter.", "messaging.message.body", "process.command", "process.environment", "url.original", "url.query", "graphql.document",
	"gen_ai.",
	"rpc.request.metadata.", "rpc.response.metadata.", "container.command", "log.record.original", "log.body",
	"k8s.pod.annotation.", "k8s.namespace.annotation.", "k8s.node.annotation.", "host.ip", "host.mac",
	"network.peer.address", "net.peer.ip", "net.sock.peer.addr", "aws.dynamodb.", "aws.lambda.",
}

// elsewhere are attributes that a ticket has a place of its own for.
var elsewhere = []string{"exception.", "error.type"}

// maxEvidence bounds the value of an attribute on a ticket, in bytes.
const maxEvidence = 1 << 10

// evidence leaves those attributes in the samples that tickets show, and returns
// how many others there were, each counted once.
func (r *Renderer) evidence(samples []sinks.Sample) int {
	withheld := map[string]bool{}
	for i, s := range samples {
		out := make(map[string]string, len(s.Attributes))
		for k, v := range s.Attributes {
			switch {
			case listed(elsewhere, k):
			case slices.Contains(r.Attributes, k), !listed(hidden, k) && (listed(shown, k) || listed(r.Attributes, k)):
				out[k] = Clip(v, maxEvidence)
			default:
				withheld[k] = true
			}
		}
		samples[i].Attributes = out
	}
	return len(withheld)
}

// listed reports whether the name of an attribute is on a list, itself or by
// what it begins with.
func listed(list []string, name string) bool {
	for _, l := range list {
		if name == l || strings.HasSuffix(l, ".") && strings.HasPrefix(name, l) || strings.HasPrefix(name, l+".") {
			return true
		}
	}
	return false
}

// withheld is what a ticket says of attributes that it does not show.
func withheld(n int) string {
	if n == 1 {
		return "1 attribute: withheld, because it is not among those that tickets show"
	}
	return fmt.Sprintf("%d attributes: withheld, because they are not among those that tickets show", n)
}

// Clip cuts s to at most n bytes, on the boundary of a character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// line makes s one line.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }
