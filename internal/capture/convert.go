package capture

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/assemble"
	"github.com/spanticket/spanticket/internal/celrule"
)

// What is kept of one span, in bytes. The SDK bounds how many attributes there
// are, but not how long.
const (
	maxAttributes = 128
	maxValue      = 4 << 10
	maxValues     = 32 << 10 // of all attributes together
	maxRest       = 64       // of a value, once there are so many
	maxStack      = 16 << 10
	maxName       = 1 << 10
)

// Converter turns spans into the library's own schema, in which nothing of the
// SDK's is kept. It belongs to one goroutine.
type Converter struct {
	// Fallback has attributes of the process, used where a resource is silent.
	Fallback []correlate.Attribute

	// Whole says that healthy spans are kept with what they say: they may be what
	// others waited for.
	Whole bool
	// Scrub takes secrets out of the names of a scope, which become keys of the
	// store: whatever goes by them must go by the same ones. It may be nil.
	Scrub func(string) string
	// UserKey keys the hashes of those for whom something was done.
	UserKey []byte

	resources map[attribute.Distinct]*process
	seed      maphash.Seed
}

// process is what a resource says.
type process struct {
	scope correlate.Scope
	attrs []correlate.Attribute
}

// maxResources bounds the cache: a process has one resource, or a few.
const maxResources = 1024

// Node returns the node of an item.
func (c *Converter) Node(it Item) *assemble.Node {
	sp := it.Span
	sc, parent := sp.SpanContext(), sp.Parent()
	p := c.process(sp.Resource())
	n := &assemble.Node{
		Trace:   sc.TraceID(),
		Span:    sc.SpanID(),
		Parent:  parent.SpanID(),
		Remote:  parent.IsRemote(),
		Start:   sp.StartTime(),
		End:     sp.EndTime(),
		Target:  c.target(sp),
		Matched: it.Matched,
		Plain:   it.Plain,
		Step: correlate.Step{
			Service:   p.scope.Service,
			Operation: clip(sp.Name(), maxName),
			Kind:      celrule.KindName(sp.SpanKind()),
			Failed:    sp.Status().Code == codes.Error || it.Panicked,
		},
	}
	if n.End.Before(n.Start) {
		n.End = n.Start
	}
	n.User = c.user(sp.Attributes())
	n.Links = links(sp)
	n.Occurrence = &correlate.Occurrence{
		Scope:     p.scope,
		Operation: n.Step.Operation,
		Kind:      n.Step.Kind,
		Status:    celrule.StatusName(sp.Status().Code),
		Start:     n.Start,
		End:       n.End,
		TraceID:   n.Trace.String(),
		SpanID:    n.Span.String(),
		Exported:  sc.IsSampled(),
		Resource:  p.attrs,
	}
	if it.Counts || it.Record || c.Whole {
		detail(n, it)
	}
	if it.Record {
		isRecord(n, it)
	}
	return n
}

// isRecord says what is different about a log record: it is no call itself, and
// without a span there is no trace that it could be put into.
func isRecord(n *assemble.Node, it Item) {
	n.Record, n.Target = true, 0
	if !n.Span.IsValid() {
		n.Trace = trace.TraceID{}
		n.Occurrence.TraceID, n.Occurrence.SpanID = "", ""
	}
}

// detail fills in what is kept of a span that counts.
func detail(n *assemble.Node, it Item) {
	sp, o := it.Span, n.Occurrence
	o.Message = clip(sp.Status().Description, maxValue)
	o.Exception = celrule.ExceptionOf(sp)
	o.Dropped = sp.DroppedEvents()
	o.Attributes = attributes(sp.Attributes())
	o.Library = clip(sp.InstrumentationScope().Name, maxName)
	o.Exception.Type = clip(o.Exception.Type, maxName)
	o.Exception.Message = clip(o.Exception.Message, maxValue)
	o.Exception.Stacktrace = clip(o.Exception.Stacktrace, maxStack)
	if it.Matched {
		o.Rule = it.Set.Rule(it.Rule).Name
		n.Minds, n.Slow = it.Set.Minds(it.Rule), it.Set.Slow(it.Rule)
	}
	if n.Step.Failed || it.Record {
		n.TimedOut = celrule.TimedOut(o)
		n.Canceled = celrule.Canceled(o)
	}
}

// Clone returns a converter for another goroutine. It hashes what calls were made
// to by another seed.
func (c *Converter) Clone() Converter {
	return Converter{Fallback: c.Fallback, Whole: c.Whole, Scrub: c.Scrub, UserKey: c.UserKey}
}

// Scope returns the scope of a resource.
func (c *Converter) Scope(r *resource.Resource) correlate.Scope { return c.process(r).scope }

// Resource returns the scope of a resource, and what it says.
func (c *Converter) Resource(r *resource.Resource) (correlate.Scope, []correlate.Attribute) {
	p := c.process(r)
	return p.scope, p.attrs
}

// Call returns who made a call, of which kind, and what the span says of it.
func (c *Converter) Call(sp sdktrace.ReadOnlySpan) (from correlate.Scope, kind string, attrs []correlate.Attribute) {
	return c.process(sp.Resource()).scope, celrule.KindName(sp.SpanKind()), attributes(sp.Attributes())
}

func (c *Converter) process(r *resource.Resource) *process {
	id := r.Equivalent()
	if p := c.resources[id]; p != nil {
		return p
	}
	if c.resources == nil || len(c.resources) >= maxResources {
		c.resources = map[attribute.Distinct]*process{}
	}
	attrs := attributes(r.Attributes())
	for _, a := range c.Fallback {
		if correlate.Attr(attrs, a.Key) == nil {
			attrs = append(attrs, a)
		}
	}
	p := &process{attrs: attrs, scope: correlate.Scope{
		Namespace:   correlate.AttrString(attrs, "service.namespace"),
		Service:     correlate.AttrString(attrs, "service.name"),
		Environment: correlate.AttrString(attrs, "deployment.environment.name", "deployment.environment"),
	}}
	// The SDK's default is unknown_service:program; the program is no identity.
	if p.scope.Service == "" || strings.HasPrefix(p.scope.Service, "unknown_service:") {
		p.scope.Service = "unknown_service"
	}
	if c.Scrub != nil {
		for _, name := range []*string{&p.scope.Namespace, &p.scope.Service, &p.scope.Environment} {
			*name = c.Scrub(*name)
		}
	}
	c.resources[id] = p
	return p
}

// targets are the attributes that say what a call was made to. Two calls that
// differ in one of them are not attempts at the same thing.
var targets = []attribute.Key{
	"http.request.method", "http.method", "url.full", "http.url", "server.address", "net.peer.name", "server.port",
	"db.system.name", "db.system", "db.namespace", "db.query.text", "db.statement", "db.operation.name",
	"rpc.service", "rpc.method", "messaging.destination.name", "messaging.message.id",
}

// target hashes what an outgoing call was made to, or returns 0 when that
// cannot be told.
func (c *Converter) target(sp sdktrace.ReadOnlySpan) uint64 {
	if k := sp.SpanKind(); k != trace.SpanKindClient && k != trace.SpanKindProducer {
		return 0
	}
	if c.seed == (maphash.Seed{}) {
		c.seed = maphash.MakeSeed()
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.WriteString(sp.Name())
	known := false
	attrs := sp.Attributes()
	for i, key := range targets { // whatever the order in which they were set
		if at := slices.IndexFunc(attrs, func(kv attribute.KeyValue) bool { return kv.Key == key }); at >= 0 {
			known = true
			h.WriteByte(0xff) // not in any text
			h.WriteByte(byte(i))
			h.WriteString(clip(attrs[at].Value.String(), maxValue))
		}
	}
	if !known {
		return 0
	}
	return h.Sum64() | 1
}

// attributes copies attributes, and cuts what is too long.
func attributes(kvs []attribute.KeyValue) []correlate.Attribute {
	kvs = kvs[:min(len(kvs), maxAttributes)]
	out := make([]correlate.Attribute, 0, len(kvs))
	room := maxValues
	for _, kv := range kvs {
		most := max(min(maxValue, room), maxRest)
		v := value(kv.Value, most)
		room -= min(valueSize(kv.Value), most)
		out = append(out, correlate.Attribute{Key: clip(string(kv.Key), maxName), Value: v})
	}
	return out
}

// value copies a value in about so many bytes. Types that
// [correlate.Attribute] does not have become text, and so do long lists.
func value(v attribute.Value, most int) any {
	switch v.Type() {
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		return v.AsInterface()
	case attribute.BOOLSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE:
		if valueSize(v) <= most {
			return v.AsInterface()
		}
	case attribute.STRINGSLICE:
		if valueSize(v) <= most {
			list := v.AsStringSlice()
			for i, s := range list {
				list[i] = strings.ToValidUTF8(s, "\uFFFD")
			}
			return list
		}
	}
	return clip(legible(v, 0).String(), most)
}

// maxDeep is how deep values within values are looked into.
const maxDeep = 16

// legible returns a value in which bytes are the text that they are: the SDK
// writes them in base64, in which no redactor sees a secret. Bytes that are no
// text, and what is nested too deep, are left out.
func legible(v attribute.Value, deep int) attribute.Value {
	switch t := v.Type(); {
	case t == attribute.BYTESLICE:
		if b := v.AsByteSlice(); utf8.Valid(b) {
			return attribute.StringValue(string(b))
		}
		return attribute.StringValue(strconv.Itoa(len(v.AsByteSlice())) + " bytes")
	case (t == attribute.SLICE || t == attribute.MAP) && deep == maxDeep:
		return attribute.StringValue("…")
	case t == attribute.SLICE:
		list := slices.Clone(v.AsSlice())
		for i := range list {
			list[i] = legible(list[i], deep+1)
		}
		return attribute.SliceValue(list...)
	case t == attribute.MAP:
		kvs := slices.Clone(v.AsMap())
		for i := range kvs {
			kvs[i].Value = legible(kvs[i].Value, deep+1)
		}
		return attribute.MapValue(kvs...)
	}
	return v
}

func valueSize(v attribute.Value) int {
	switch v.Type() {
	case attribute.STRING:
		return len(v.AsString())
	case attribute.STRINGSLICE:
		n := 0
		for _, s := range v.AsStringSlice() {
			n += 16 + len(s)
		}
		return n
	case attribute.BOOLSLICE:
		return len(v.AsBoolSlice())
	case attribute.INT64SLICE:
		return 8 * len(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return 8 * len(v.AsFloat64Slice())
	case attribute.BYTESLICE:
		return len(v.AsByteSlice())
	case attribute.SLICE:
		n := 0
		for _, elem := range v.AsSlice() {
			n += 48 + valueSize(elem)
		}
		return n
	case attribute.MAP:
		return sizeOf(v.AsMap())
	default:
		return 8
	}
}

// clip returns valid UTF-8 of at most n bytes. What it cuts it copies, so that
// the rest is not kept, and it cuts where a blank is, or else between words, if it
// can: half a token looks like no secret to a redactor.
func clip(s string, n int) string {
	if len(s) > n {
		cut := n
		for _, within := range []func(byte) bool{isVisible, isWord} {
			at := n
			for at > n/2 && within(s[at]) {
				at--
			}
			if at > n/2 {
				cut = at
				break
			}
		}
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = strings.Clone(s[:cut])
	}
	return strings.TrimSuffix(strings.ToValidUTF8(s, "\uFFFD"), " ")
}

func isVisible(c byte) bool { return c > ' ' }

// isWord reports whether c may be part of a token: of its alphabet, or of
// base64's.
func isWord(c byte) bool {
	return c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~+/=", c) >= 0
}
