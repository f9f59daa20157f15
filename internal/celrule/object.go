package celrule

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// object is one of the structured variables of an expression, or an element of
// span.events or suspects. Its fields are read from the view when an expression asks.
type object struct {
	class *class
	view  *view
	index int // of an element
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s cannot be converted", o.class.name)
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("%s cannot be converted", o.class.name)
}

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	return types.Bool(ok && *o == *p)
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.class.Type }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// class is the type of an object. It implements types.StructTypeDescriptor.
type class struct {
	*types.Type
	name   string
	fields map[string]field
}

// field is one field of a class.
type field struct {
	typ *types.Type
	doc string // for docs/rules.md
	get func(*object) any
}

func newClass(name string, fields map[string]field) *class {
	return &class{Type: types.NewObjectType(name), name: name, fields: fields}
}

// without returns the class with fewer fields.
func (c *class) without(names ...string) *class {
	fields := maps.Clone(c.fields)
	for _, name := range names {
		delete(fields, name)
	}
	return newClass(c.name, fields)
}

// ReflectType implements types.StructTypeDescriptor.
func (c *class) ReflectType() reflect.Type { return nil }

// FieldNames implements types.StructTypeDescriptor.
func (c *class) FieldNames() []string { return slices.Sorted(maps.Keys(c.fields)) }

// FindFieldType implements types.StructTypeDescriptor.
func (c *class) FindFieldType(name string) (*types.FieldType, bool) {
	f, ok := c.fields[name]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type: f.typ,
		// has(exception.type) asks whether there is one.
		IsSet:   func(o any) bool { return f.typ != types.StringType || f.get(o.(*object)) != "" },
		GetFrom: func(o any) (any, error) { return f.get(o.(*object)), nil },
	}, true
}

// NewValue implements types.StructTypeDescriptor.
func (c *class) NewValue(types.Adapter, map[string]ref.Val) ref.Val {
	return types.NewErr("%s cannot be made by a rule", c.name)
}

// Adapt implements types.StructTypeDescriptor.
func (c *class) Adapt(types.Adapter, any) ref.Val {
	return types.NewErr("%s cannot be made by a rule", c.name)
}
