package celrule

import (
	"reflect"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"go.opentelemetry.io/otel/attribute"

	"github.com/spanticket/spanticket/correlate"
)

// attributes is a CEL map over the attributes of a span or of an occurrence,
// whichever it has. It copies neither.
type attributes struct {
	live []attribute.KeyValue
	kept []correlate.Attribute
}

var _ traits.Mapper = (*attributes)(nil)

// whole names the attributes that are whole numbers by convention. Recorded as
// text, they are read as numbers.
var whole = map[string]bool{
	"http.response.status_code":       true,
	"http.status_code":                true,
	"http.request.resend_count":       true,
	"http.request.body.size":          true,
	"http.response.body.size":         true,
	"rpc.grpc.status_code":            true,
	"rpc.jsonrpc.error_code":          true,
	"server.port":                     true,
	"client.port":                     true,
	"network.peer.port":               true,
	"network.local.port":              true,
	"net.peer.port":                   true,
	"net.host.port":                   true,
	"code.line.number":                true,
	"code.lineno":                     true,
	"db.response.returned_rows":       true,
	"db.operation.batch.size":         true,
	"messaging.batch.message_count":   true,
	"process.pid":                     true,
	"thread.id":                       true,
	"messaging.message.body.size":     true,
	"messaging.message.envelope.size": true,
}

// wholeNumber returns the number that a text stands for, if the key's values are numbers.
func wholeNumber(key, text string) (int64, bool) {
	if !startsNumber(text) || !whole[key] {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func startsNumber(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9')
}

func (a *attributes) len() int { return len(a.live) + len(a.kept) }

func (a *attributes) key(i int) string {
	if a.live != nil {
		return string(a.live[i].Key)
	}
	return a.kept[i].Key
}

func (a *attributes) value(i int) any {
	if a.live == nil {
		return adapt(a.kept[i].Key, a.kept[i].Value)
	}
	kv := &a.live[i]
	return adapt(string(kv.Key), kv.Value.AsInterface())
}

func adapt(key string, v any) any {
	if s, ok := v.(string); ok {
		if n, ok := wholeNumber(key, s); ok {
			return n
		}
	}
	return v
}

// FindStringKey is what CEL looks up constant keys with.
func (a *attributes) FindStringKey(key string) (any, bool) {
	for i := range a.len() {
		if a.key(i) == key {
			return a.value(i), true
		}
	}
	return nil, false
}

// Find implements traits.Mapper.
func (a *attributes) Find(key ref.Val) (ref.Val, bool) {
	if s, ok := key.(types.String); ok {
		if v, ok := a.FindStringKey(string(s)); ok {
			return types.DefaultTypeAdapter.NativeToValue(v), true
		}
	}
	return nil, false
}

// Get implements traits.Indexer.
func (a *attributes) Get(key ref.Val) ref.Val {
	if v, ok := a.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements traits.Container.
func (a *attributes) Contains(key ref.Val) ref.Val {
	_, ok := a.Find(key)
	return types.Bool(ok)
}

// Size implements traits.Sizer.
func (a *attributes) Size() ref.Val { return types.Int(a.len()) }

// Iterator implements traits.Iterable.
func (a *attributes) Iterator() traits.Iterator { return a.native().(traits.Mapper).Iterator() }

// native returns an ordinary map, for what expressions seldom do with one.
func (a *attributes) native() ref.Val {
	m := make(map[string]any, a.len())
	for i := a.len() - 1; i >= 0; i-- { // the first of a key wins, as in Find
		m[a.key(i)] = a.value(i)
	}
	return types.DefaultTypeAdapter.NativeToValue(m)
}

// ConvertToNative implements ref.Val.
func (a *attributes) ConvertToNative(t reflect.Type) (any, error) {
	return a.native().ConvertToNative(t)
}

// ConvertToType implements ref.Val.
func (a *attributes) ConvertToType(t ref.Type) ref.Val { return a.native().ConvertToType(t) }

// Equal implements ref.Val.
func (a *attributes) Equal(other ref.Val) ref.Val {
	if o, ok := other.(*attributes); ok {
		other = o.native()
	}
	return a.native().Equal(other)
}

// Type implements ref.Val.
func (a *attributes) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (a *attributes) Value() any { return a }
