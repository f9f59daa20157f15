package correlate

import (
	"cmp"
	"fmt"
	"time"
)

// Scope says whose data something is: many services share one store, and an
// engine delivers only what its own scope filed.
type Scope struct {
	Namespace   string `json:"namespace,omitempty"`
	Service     string `json:"service"`
	Environment string `json:"environment,omitempty"`
}

// String returns "namespace/service@environment", without the parts that are empty.
func (s Scope) String() string {
	out := s.Service
	if s.Namespace != "" {
		out = s.Namespace + "/" + out
	}
	if s.Environment != "" {
		out += "@" + s.Environment
	}
	return out
}

// Compare orders scopes by namespace, service and environment.
func (s Scope) Compare(t Scope) int {
	return cmp.Or(
		cmp.Compare(s.Namespace, t.Namespace),
		cmp.Compare(s.Service, t.Service),
		cmp.Compare(s.Environment, t.Environment),
	)
}

// Occurrence is one finished operation that a rule matched, in one canonical
// schema, whatever recorded it. It is a value: nothing changes it once it is
// made, and slices are shared.
type Occurrence struct {
	Scope     Scope
	Rule      string // name of the rule that matched
	Operation string // span name
	Kind      string // SERVER, CLIENT, PRODUCER, CONSUMER or INTERNAL
	Status    string // ERROR, OK or UNSET
	Message   string // status description

	Start    time.Time
	End      time.Time
	TraceID  string // 32 lower-case hex digits
	SpanID   string // 16 lower-case hex digits
	Exported bool   // sampled, so that a trace store may have the trace

	Exception  Exception
	Dropped    int         // events that were not kept, the oldest ones: another exception may be among them
	Attributes []Attribute // of the span, in recorded order
	Resource   []Attribute // of the process that recorded it
	Library    string      // instrumentation scope name

	Path []Step // from this operation to the root of what was seen of the trace
	// RemoteParent says that the last step of Path was called from another
	// process, so that the request began elsewhere, in the span Caller.
	RemoteParent bool
	Caller       string
	Links        []Link // what the last step of Path continues in other traces, such as who sent its message
	User         uint64 // keyed hash of for whom it was done, 0 if that is not known
}

// Link is a span in another trace.
type Link struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}

// Exception is what was recorded of an error, from the span's exception event
// or its attributes. Its zero value means that nothing was.
type Exception struct {
	Type       string `json:"type,omitempty"`
	Message    string `json:"message,omitempty"`
	Stacktrace string `json:"stacktrace,omitempty"`
}

// Step is one operation on the way from an origin to the root of its trace.
type Step struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Kind      string `json:"kind,omitempty"`
	Failed    bool   `json:"failed,omitempty"`
}

// Attribute is one recorded attribute. Value is a string, bool, int64,
// float64, or a slice of one of these.
type Attribute struct {
	Key   string
	Value any
}

// Attr returns the value of the first attribute with the key, or nil.
func Attr(attrs []Attribute, key string) any {
	for i := range attrs {
		if attrs[i].Key == key {
			return attrs[i].Value
		}
	}
	return nil
}

// AttrString returns the first of keys that attrs holds as a non-empty string,
// or "". Callers list the stable name of a convention first, then older names.
func AttrString(attrs []Attribute, keys ...string) string {
	for _, key := range keys {
		if s, ok := Attr(attrs, key).(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// Sample returns the occurrence as evidence, with its attributes as text.
func (o *Occurrence) Sample() Sample {
	return Sample{
		Time:         o.End,
		Duration:     o.End.Sub(o.Start),
		TraceID:      o.TraceID,
		SpanID:       o.SpanID,
		Exported:     o.Exported,
		Operation:    o.Operation,
		Kind:         o.Kind,
		Status:       o.Status,
		Message:      o.Message,
		Exception:    o.Exception,
		Dropped:      o.Dropped,
		Attributes:   texts(o.Attributes),
		Resource:     texts(o.Resource),
		Path:         o.Path,
		RemoteParent: o.RemoteParent,
		Links:        o.Links,
	}
}

func texts(attrs []Attribute) map[string]string {
	m := make(map[string]string, len(attrs))
	for _, a := range attrs {
		if s, ok := a.Value.(string); ok {
			m[a.Key] = s
		} else {
			m[a.Key] = fmt.Sprint(a.Value)
		}
	}
	return m
}
