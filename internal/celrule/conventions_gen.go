//go:build ignore

// Command conventions_gen writes conventions.txt: the attributes of
// OpenTelemetry's semantic conventions and their types, as the semconv packages
// of the otel module have them. With an argument it writes to that file instead.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// oldest is the first minor version of 1 that is read. It has the names that
// HTTP, networks and databases had before they became stable.
const oldest = 10

// renamed has replacements that no package tells: where attributes were dropped
// without a word, or where there are several and one is meant mostly.
var renamed = map[string]string{
	"az.namespace":                                       "azure.resource_provider.namespace",
	"client.socket.address":                              "network.peer.address",
	"client.socket.port":                                 "network.peer.port",
	"code.column":                                        "code.column.number",
	"code.filepath":                                      "code.file.path",
	"code.function":                                      "code.function.name",
	"code.lineno":                                        "code.line.number",
	"code.namespace":                                     "code.function.name",
	"container.image.tag":                                "container.image.tags",
	"container.runtime":                                  "container.runtime.name",
	"db.cassandra.table":                                 "db.collection.name",
	"db.cosmosdb.container":                              "db.collection.name",
	"db.cosmosdb.status_code":                            "db.response.status_code",
	"db.cosmosdb.sub_status_code":                        "azure.cosmosdb.response.sub_status_code",
	"db.elasticsearch.cluster.name":                      "db.namespace",
	"db.elasticsearch.node.name":                         "elasticsearch.node.name",
	"db.instance.id":                                     "server.address",
	"db.mongodb.collection":                              "db.collection.name",
	"db.name":                                            "db.namespace",
	"db.operation":                                       "db.operation.name",
	"db.redis.database_index":                            "db.namespace",
	"db.sql.table":                                       "db.collection.name",
	"db.statement":                                       "db.query.text",
	"db.system":                                          "db.system.name",
	"deployment.environment":                             "deployment.environment.name",
	"destination.domain":                                 "destination.address",
	"error.message":                                      "exception.message",
	"faas.execution":                                     "faas.invocation_id",
	"faas.id":                                            "cloud.resource_id",
	"feature_flag.evaluation.reason":                     "feature_flag.result.reason",
	"feature_flag.provider_name":                         "feature_flag.provider.name",
	"feature_flag.variant":                               "feature_flag.result.variant",
	"gen_ai.system":                                      "gen_ai.provider.name",
	"http.client_ip":                                     "client.address",
	"http.flavor":                                        "network.protocol.version",
	"http.host":                                          "server.address",
	"http.request_content_length":                        "http.request.body.size",
	"http.resend_count":                                  "http.request.resend_count",
	"http.response_content_length":                       "http.response.body.size",
	"http.retry_count":                                   "http.request.resend_count",
	"http.server_name":                                   "server.address",
	"http.target":                                        "url.path",
	"http.user_agent":                                    "user_agent.original",
	"messaging.client_id":                                "messaging.client.id",
	"messaging.consumer.id":                              "messaging.client.id",
	"messaging.consumer_id":                              "messaging.client.id",
	"messaging.conversation_id":                          "messaging.message.conversation_id",
	"messaging.destination":                              "messaging.destination.name",
	"messaging.eventhubs.consumer.group":                 "messaging.consumer.group.name",
	"messaging.kafka.client_id":                          "messaging.client.id",
	"messaging.kafka.consumer.group":                     "messaging.consumer.group.name",
	"messaging.kafka.consumer_group":                     "messaging.consumer.group.name",
	"messaging.kafka.destination.partition":              "messaging.destination.partition.id",
	"messaging.kafka.message.offset":                     "messaging.kafka.offset",
	"messaging.kafka.message_key":                        "messaging.kafka.message.key",
	"messaging.kafka.partition":                          "messaging.destination.partition.id",
	"messaging.kafka.source.partition":                   "messaging.destination.partition.id",
	"messaging.kafka.tombstone":                          "messaging.kafka.message.tombstone",
	"messaging.message.payload_size_bytes":               "messaging.message.body.size",
	"messaging.message_id":                               "messaging.message.id",
	"messaging.message_payload_size_bytes":               "messaging.message.body.size",
	"messaging.operation":                                "messaging.operation.type",
	"messaging.protocol":                                 "network.protocol.name",
	"messaging.protocol_version":                         "network.protocol.version",
	"messaging.rabbitmq.routing_key":                     "messaging.rabbitmq.destination.routing_key",
	"messaging.rocketmq.client_group":                    "messaging.consumer.group.name",
	"messaging.rocketmq.client_id":                       "messaging.client.id",
	"messaging.servicebus.destination.subscription_name": "messaging.destination.subscription.name",
	"messaging.source.name":                              "messaging.destination.name",
	"messaging.source.template":                          "messaging.destination.template",
	"messaging.temp_destination":                         "messaging.destination.temporary",
	"net.app.protocol.name":                              "network.protocol.name",
	"net.app.protocol.version":                           "network.protocol.version",
	"net.host.carrier.icc":                               "network.carrier.icc",
	"net.host.carrier.mcc":                               "network.carrier.mcc",
	"net.host.carrier.mnc":                               "network.carrier.mnc",
	"net.host.carrier.name":                              "network.carrier.name",
	"net.host.connection.subtype":                        "network.connection.subtype",
	"net.host.connection.type":                           "network.connection.type",
	"net.host.ip":                                        "network.local.address",
	"net.host.name":                                      "server.address",
	"net.host.port":                                      "server.port",
	"net.peer.ip":                                        "network.peer.address",
	"net.peer.name":                                      "server.address",
	"net.peer.port":                                      "server.port",
	"net.sock.family":                                    "network.type",
	"net.sock.host.addr":                                 "network.local.address",
	"net.sock.host.port":                                 "network.local.port",
	"net.sock.peer.addr":                                 "network.peer.address",
	"net.sock.peer.name":                                 "server.address",
	"net.sock.peer.port":                                 "network.peer.port",
	"net.transport":                                      "network.transport",
	"peer.service":                                       "service.peer.name",
	"rpc.connect_rpc.error_code":                         "rpc.response.status_code",
	"rpc.grpc.status_code":                               "rpc.response.status_code",
	"rpc.jsonrpc.error_code":                             "rpc.response.status_code",
	"rpc.service":                                        "rpc.method",
	"rpc.system":                                         "rpc.system.name",
	"server.socket.address":                              "network.peer.address",
	"server.socket.domain":                               "server.address",
	"server.socket.port":                                 "network.peer.port",
	"source.domain":                                      "source.address",
	"telemetry.auto.version":                             "telemetry.distro.version",
	"vcs.repository.change.id":                           "vcs.change.id",
	"vcs.repository.change.title":                        "vcs.change.title",
	"vcs.repository.ref.name":                            "vcs.ref.head.name",
	"vcs.repository.ref.revision":                        "vcs.ref.head.revision",
	"vcs.repository.ref.type":                            "vcs.ref.head.type",
}

type attr struct {
	typ         string
	minor       int    // newest version that has it
	replacement string // "" if it is not known
}

func main() {
	log.SetFlags(0)
	out := "conventions.txt"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if err := os.WriteFile(out, table(), 0o666); err != nil {
		log.Fatal(err)
	}
}

func table() []byte {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.opentelemetry.io/otel").Output()
	if err != nil {
		log.Fatalf("finding the otel module: %v", err)
	}
	root := filepath.Join(strings.TrimSpace(string(dir)), "semconv")
	entries, err := os.ReadDir(root)
	if err != nil {
		log.Fatal(err)
	}
	attrs := make(map[string]attr)
	newest := 0
	versions := make(map[string][2]int)
	for _, e := range entries {
		var minor, patch int
		if n, _ := fmt.Sscanf(e.Name(), "v1.%d.%d", &minor, &patch); n == 2 && minor >= oldest {
			versions[e.Name()] = [2]int{minor, patch}
			newest = max(newest, minor)
		}
	}
	names := slices.SortedFunc(maps.Keys(versions), func(a, b string) int {
		va, vb := versions[a], versions[b]
		return cmp.Or(va[0]-vb[0], va[1]-vb[1])
	})
	for _, name := range names { // the newest definition is written last, and stays
		read(filepath.Join(root, name), versions[name][0], attrs)
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, "# Generated by conventions_gen.go from semconv v1.%d to v1.%d. DO NOT EDIT.\n", oldest, newest)
	b.WriteString("# Name and type; \"old\" if the newest version does not have it, and what replaces it.\n")
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := attrs[name]
		fmt.Fprintf(&b, "%s %s", name, a.typ)
		if a.minor < newest {
			b.WriteString(" old")
			r := cmp.Or(renamed[name], a.replacement)
			for attrs[r].minor < newest && r != "" { // replaced in its turn
				r = cmp.Or(renamed[r], attrs[r].replacement)
			}
			if r != "" && r != name {
				b.WriteString(" " + r)
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

var (
	definition = regexp.MustCompile(`^\t(\w+)\s*=\s*attribute\.Key\("([^"]+)"\)`)
	member     = regexp.MustCompile(`= (\w+Key)\.(String|Int|Float64|Bool)\(`)
	typed      = regexp.MustCompile(`^\t// Type: (\S+)`)
	deprecated = regexp.MustCompile("(?i)deprecated[,:] (?:please )?use [^.]*?`([a-z0-9_.]+)`([^.]*)")
)

var goTypes = map[string]string{"String": "string", "Int": "int", "Float64": "double", "Bool": "boolean"}

// read takes in the attributes of one version.
func read(dir string, minor int, attrs map[string]attr) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || files == nil {
		log.Fatalf("%s: no files (%v)", dir, err)
	}
	enums := make(map[string]string)   // type of the members, by the name of the constant
	pending := make(map[string]string) // name of an enum's attribute, by the name of its constant
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		var typ string
		var doc []string
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			if m := member.FindStringSubmatch(line); m != nil {
				enums[m[1]] = goTypes[m[2]]
			}
			if m := typed.FindStringSubmatch(line); m != nil {
				typ = m[1]
			}
			if comment, ok := strings.CutPrefix(line, "\t//"); ok {
				doc = append(doc, strings.TrimSpace(comment))
				continue
			}
			// Names without a dot were only ever of metrics, and programs use them for their own.
			if m := definition.FindStringSubmatch(line); m != nil && typ != "" && strings.Contains(m[2], ".") {
				a := attr{typ: typ, minor: minor, replacement: attrs[m[2]].replacement}
				if r := deprecated.FindStringSubmatch(strings.Join(doc, " ")); r != nil && !strings.Contains(r[2], "`") {
					a.replacement = r[1]
				}
				attrs[m[2]] = a
				if typ == "Enum" {
					pending[m[1]] = m[2]
				}
			}
			typ, doc = "", nil
		}
	}
	for constant, name := range pending {
		a := attrs[name]
		a.typ = cmp.Or(enums[constant], "string")
		attrs[name] = a
	}
}
