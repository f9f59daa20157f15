package autoticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spanticket/spanticket/correlate"
	"github.com/spanticket/spanticket/internal/journal"
	"github.com/spanticket/spanticket/redact"
)

// keptOccurrence is an occurrence as it is in the journal: what its signatures
// are, and of what it says as much as fits.
type keptOccurrence struct {
	Run   string     `json:"run"`   // of the process, see [correlate.Writer]
	Batch int64      `json:"batch"` // the first of its batches that may have it
	Rules []keptRule `json:"rules"`

	Scope    correlate.Scope `json:"scope"`
	Kind     string          `json:"kind,omitempty"`
	Status   string          `json:"status,omitempty"`
	Start    time.Time       `json:"start"`
	End      time.Time       `json:"end"`
	Trace    string          `json:"trace,omitempty"`
	Span     string          `json:"span,omitempty"`
	Caller   string          `json:"caller,omitempty"`
	User     uint64          `json:"user,omitempty"`
	Exported bool            `json:"exported,omitempty"`
	Remote   bool            `json:"remote,omitempty"`
	Failed   bool            `json:"failed,omitempty"`
	Says     keptText        `json:"says"`
}

// keptRule is a rule that takes the occurrence, and its signature by that.
type keptRule struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	Earlier string `json:"earlier,omitempty"`
}

// keptText is what is redacted.
type keptText struct {
	Operation  string              `json:"operation"`
	Message    string              `json:"message,omitempty"`
	Library    string              `json:"library,omitempty"`
	Exception  correlate.Exception `json:"exception"`
	Attributes []keptAttribute     `json:"attributes,omitempty"`
	Resource   []keptAttribute     `json:"resource,omitempty"`
}

// keptAttribute is an attribute. Value is a string, bool, int64 or float64.
type keptAttribute struct {
	Key   string `json:"k"`
	Value any    `json:"v"`
}

// How much is kept, in bytes. It bounds what redacting it costs the application.
const (
	keptName       = 128 // of an operation, a type, a key
	keptMessage    = 384
	keptStack      = 640
	keptValue      = 96
	keptAttributes = 12
)

// encode returns an occurrence for the journal, redacted. known is what the
// redactor has left as it was so far.
func (k *keptOccurrence) encode(r *redact.Redactor, known *harmless, o *correlate.Occurrence) ([]byte, error) {
	k.Scope, k.Kind, k.Status, k.Start, k.End = o.Scope, o.Kind, o.Status, o.Start, o.End
	k.Trace, k.Span, k.Caller, k.User, k.Exported, k.Remote = o.TraceID, o.SpanID, o.Caller, o.User, o.Exported, o.RemoteParent
	k.Failed = len(o.Path) > 0 && o.Path[0].Failed
	k.Says = keptText{
		Operation: o.Operation, Message: o.Message, Library: o.Library, Exception: o.Exception,
		Attributes: someAttributes(o.Attributes, nil), Resource: someAttributes(o.Resource, keptResource),
	}
	uncut := k.Says.cut()
	if err := known.redact(r, &k.Says); err != nil {
		return nil, fmt.Errorf("an occurrence cannot be redacted: %w", err)
	}
	uncut()
	for {
		record, err := json.Marshal(k)
		if err != nil || len(record) <= journal.MaxRecord {
			return record, err
		}
		if !k.Says.shrink() {
			return nil, errors.New("an occurrence does not fit, because of the names of its rules or of its service")
		}
	}
}

// keptResource are the attributes of a process that are kept, or beginnings of
// their names.
var keptResource = []string{"service.", "deployment.", "vcs.", "host.name", "k8s.pod.name", "k8s.namespace.name", "cloud.region"}

// someAttributes returns some attributes of those that are wanted; nil wants all.
func someAttributes(attrs []correlate.Attribute, want []string) (out []keptAttribute) {
	for _, a := range attrs {
		if want != nil && !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(a.Key, w) }) || len(a.Key) > keptName {
			continue
		}
		switch v := a.Value.(type) {
		case string, bool, int64:
			out = append(out, keptAttribute{a.Key, v})
		case float64:
			if v-v == 0 { // or JSON has no name for it
				out = append(out, keptAttribute{a.Key, v})
			}
		}
		if len(out) == keptAttributes {
			break
		}
	}
	return out
}

// each calls fn with each text, and with the most that is kept of it.
func (t *keptText) each(fn func(text *string, most int)) {
	fn(&t.Operation, keptName)
	fn(&t.Message, keptMessage)
	fn(&t.Library, keptName)
	fn(&t.Exception.Type, keptName)
	fn(&t.Exception.Message, keptMessage)
	fn(&t.Exception.Stacktrace, keptStack)
	for _, attrs := range [][]keptAttribute{t.Attributes, t.Resource} {
		for i := range attrs {
			if s, ok := attrs[i].Value.(string); ok {
				fn(&s, keptValue)
				attrs[i].Value = s
			}
		}
	}
}

// cut bounds the texts before they are redacted. What it returns cuts them to
// their size when they are: the ends of those that were cut go, where half a
// secret may stand.
func (t *keptText) cut() func() {
	var wasCut []bool
	t.each(func(s *string, most int) {
		if wasCut = append(wasCut, len(*s) > 2*most); len(*s) > 2*most {
			*s = clip(*s, 2*most)
		}
	})
	return func() {
		i := 0
		t.each(func(s *string, most int) {
			if wasCut[i] {
				most = min(most, len(*s)/2)
			}
			*s = clip(*s, most)
			i++
		})
	}
}

// shrink leaves out some of what matters least, and reports whether there was
// anything.
func (t *keptText) shrink() bool {
	half := func(s *string) bool {
		if len(*s) < keptName/2 {
			return false
		}
		*s = clip(*s, len(*s)/2)
		return true
	}
	switch {
	case len(t.Attributes) > 4:
		t.Attributes = t.Attributes[:len(t.Attributes)-2]
	case half(&t.Exception.Stacktrace):
	case len(t.Attributes) > 0:
		t.Attributes = t.Attributes[:len(t.Attributes)-1]
	case len(t.Resource) > 0:
		t.Resource = t.Resource[:len(t.Resource)-1]
	case half(&t.Message), half(&t.Exception.Message), half(&t.Operation), half(&t.Exception.Type), half(&t.Library):
	default:
		return false
	}
	return true
}

// decodeKept returns an occurrence from the journal.
func decodeKept(record []byte) (*keptOccurrence, *correlate.Occurrence, error) {
	var k keptOccurrence
	d := json.NewDecoder(bytes.NewReader(record))
	d.UseNumber() // whole numbers stay whole
	if err := d.Decode(&k); err != nil {
		return nil, nil, fmt.Errorf("a record of the journal cannot be read: %w", err)
	}
	if len(k.Rules) == 0 || k.Rules[0].ID == "" {
		return nil, nil, errors.New("a record of the journal is not an occurrence: it may be of a newer version")
	}
	t := k.Says
	return &k, &correlate.Occurrence{
		Scope: k.Scope, Rule: k.Rules[0].Name, Operation: t.Operation, Kind: k.Kind, Status: k.Status, Message: t.Message,
		Start: k.Start, End: k.End, TraceID: k.Trace, SpanID: k.Span, Exported: k.Exported,
		Exception: t.Exception, Library: t.Library, Attributes: attributesOf(t.Attributes), Resource: attributesOf(t.Resource),
		Path:         []correlate.Step{{Service: k.Scope.Service, Operation: t.Operation, Kind: k.Kind, Failed: k.Failed}},
		RemoteParent: k.Remote, Caller: k.Caller, User: k.User,
	}, nil
}

func attributesOf(kept []keptAttribute) (out []correlate.Attribute) {
	for _, a := range kept {
		switch v := a.Value.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				a.Value = n
			} else {
				a.Value, _ = v.Float64()
			}
		case string, bool:
		default:
			continue
		}
		out = append(out, correlate.Attribute{Key: a.Key, Value: a.Value})
	}
	return out
}
