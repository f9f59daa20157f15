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

// adapt returns a value as it is read: as the type that it has by convention,
// whatever it was recorded as. [toValue] does the same without CEL.
func adapt(key string, v any) any {
	switch v := v.(type) {
	case string:
		switch read := textAs(v, typeByConvention(key)); read.kind {
		case kindInt:
			return read.n
		case kindFloat:
			return read.f
		case kindBool:
			return read.n == 1
		}
	case int64:
		switch typeByConvention(key) {
		case textType:
			return strconv.FormatInt(v, 10)
		case floatType:
			return float64(v)
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
