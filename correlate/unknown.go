package correlate

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// marshal writes v, and what a newer program wrote into the record that it
// replaces and this one does not know, at every depth. A member stays with its
// object. Elements of lists, and objects that may be replaced, are known again by
// their identity; what belonged to one that is gone goes with it.
func marshal(v any, cur []byte) ([]byte, error) {
	next, err := json.Marshal(v)
	if err != nil || len(cur) == 0 {
		return next, err
	}
	t := reflect.TypeOf(v)
	s, ok := shapes.Load(t)
	if !ok {
		s, _ = shapes.LoadOrStore(t, shapeOf(t))
	}
	return s.(*shape).keep(next, cur)
}

// shapes are those of what is stored, by type.
var shapes sync.Map

// shape says which members the objects of a type have. That of a value without
// any is nil.
type shape struct {
	typ   reflect.Type
	names []string          // of an object's members, in order
	of    map[string]*shape // by name
	elem  *shape            // of a list's elements
}

func shapeOf(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		if elem := shapeOf(t.Elem()); elem != nil {
			return &shape{typ: t, elem: elem}
		}
	case reflect.Struct:
		s := &shape{typ: t, of: map[string]*shape{}}
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name = cmp.Or(name, f.Name); f.IsExported() && name != "-" {
				s.names = append(s.names, name)
				s.of[name] = shapeOf(f.Type)
			}
		}
		return s
	}
	return nil
}

var null = json.RawMessage("null")

// keep returns next with what it lacks of cur. Nearly always that is nothing,
// which one look at cur tells.
func (s *shape) keep(next, cur json.RawMessage) (json.RawMessage, error) {
	switch {
	case s == nil, cur == nil, bytes.Equal(next, null), bytes.Equal(cur, null), s.knows(cur):
		return next, nil
	case s.elem != nil:
		return s.keepInList(next, cur)
	}
	var is, was map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(next, &is), json.Unmarshal(cur, &was)); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	add := func(name string, value json.RawMessage) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(name) // never fails
		out = append(append(append(out, key...), ':'), value...)
	}
	for _, name := range s.names {
		value, ok := is[name]
		if !ok {
			continue // it is empty, and left out
		}
		before, err := s.before(name, value, was)
		if err == nil {
			value, err = s.of[name].keep(value, before)
		}
		if err != nil {
			return nil, err
		}
		add(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		// Decoding does not tell cases apart: a COUNT that is kept would be read
		// back as the count.
		if !slices.ContainsFunc(s.names, func(known string) bool { return strings.EqualFold(name, known) }) {
			add(name, was[name])
		}
	}
	return append(out, '}'), nil
}

// before returns what the value of a member was. One that is another object by
// its identity is looked for among the members of its type: a receipt becomes the
// previous one.
func (s *shape) before(name string, value json.RawMessage, was map[string]json.RawMessage) (json.RawMessage, error) {
	of := s.of[name]
	if of == nil || identities[of.typ] == nil {
		return was[name], nil
	}
	id, err := identities[of.typ](value)
	if err != nil {
		return nil, err
	}
	for _, other := range append([]string{name}, s.names...) {
		if o := s.of[other]; o == nil || o.typ != of.typ || was[other] == nil {
			continue
		}
		if had, err := identities[of.typ](was[other]); err != nil || had == id {
			return was[other], err
		}
	}
	return nil, nil
}

// keepInList is keep for lists.
func (s *shape) keepInList(next, cur json.RawMessage) (json.RawMessage, error) {
	var is, was []json.RawMessage
	if err := errors.Join(json.Unmarshal(next, &is), json.Unmarshal(cur, &was)); err != nil {
		return nil, err
	}
	before := map[any][]json.RawMessage{} // of those with the same identity, in order
	for _, value := range was {
		id, err := s.elem.identity(value, false)
		if err != nil {
			return nil, err
		}
		before[id] = append(before[id], value)
	}
	out := []byte{'['}
	for i, value := range is {
		id, err := s.elem.identity(value, true)
		if same := before[id]; err == nil && len(same) > 0 {
			before[id] = same[1:]
			value, err = s.elem.keep(value, same[0])
		}
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, value...)
	}
	return append(out, ']'), nil
}

// identity returns what tells an element of a list from the others: all that is
// known of it, where there is nothing better. own says that this program wrote it.
func (s *shape) identity(value json.RawMessage, own bool) (any, error) {
	if id := identities[s.typ]; id != nil {
		return id(value)
	}
	if own {
		return string(value), nil
	}
	v := reflect.New(s.typ)
	if err := json.Unmarshal(value, v.Interface()); err != nil {
		return nil, err
	}
	data, err := json.Marshal(v.Interface())
	return string(data), err
}

// identities tell objects of a type apart that stand, or stood, in the same place.
var identities = map[reflect.Type]func(json.RawMessage) (any, error){
	reflect.TypeFor[Filing]():   by(func(f Filing) any { return f.Sink }),
	reflect.TypeFor[Receipt]():  by(func(r Receipt) any { return cmp.Or(r.ID, r.URL) }),
	reflect.TypeFor[Parked]():   by(func(p Parked) any { return [2]any{p.Operation, p.At.UnixNano()} }),
	reflect.TypeFor[Sample]():   by(func(s Sample) any { return [3]any{s.TraceID, s.SpanID, s.Time.UnixNano()} }),
	reflect.TypeFor[Bucket]():   by(func(b Bucket) any { return b.Start.UnixNano() }),
	reflect.TypeFor[Affected](): by(func(a Affected) any { return [2]string{a.Service, a.Operation} }),
	reflect.TypeFor[Member]():   by(func(m Member) any { return m.ID }),
	reflect.TypeFor[Writer]():   by(func(w Writer) any { return w.ID }),
	reflect.TypeFor[Varying]():  by(func(v Varying) any { return v.Component }),
	reflect.TypeFor[Upstream](): by(func(u Upstream) any { return u.Key() }),
	reflect.TypeFor[Suspect]():  by(func(s Suspect) any { return [5]string{s.Scope.String(), s.Version, s.Revision, s.ID, s.Name} }),
}

func by[T any](id func(T) any) func(json.RawMessage) (any, error) {
	return func(data json.RawMessage) (any, error) {
		var v T
		err := json.Unmarshal(data, &v)
		return id(v), err
	}
}
