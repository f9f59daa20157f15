package redact

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"time"
)

// maxDepth is how deep a document may be nested; a cyclic one is deeper.
const maxDepth = 64

// Document redacts, in place, every string in the document that v points to: in
// struct fields, slices, arrays, maps and their keys, pointers and interfaces.
// Byte slices count as strings; numbers are left, and times, but for the name of
// their zone: where that has a secret they become UTC. Nobody else may use
// the document meanwhile, nor anything it points to.
//
// Strings are cleaned first: invalid UTF-8 becomes U+FFFD, control characters
// other than \n and \t go, and so do characters without width and those that
// turn the direction of text. Then they are redacted as by [Redactor.Text]; or,
// as by [Redactor.Value], those of a map under their key, and the field Value
// of a struct under its string field Key or Name. What is nested under such a
// name goes with it. The names of struct fields do not count: they are the
// program's own. Of map keys that become equal, the one that sorted first keeps
// its value.
//
// Document fails closed. A string at which a detector panics is withheld, and
// becomes "[REDACTED:failed]". If v is no pointer, nests more than 64 deep, or has something that may hold text and cannot be redacted
// (unexported fields other than those of [time.Time], functions, channels, map
// keys other than strings and numbers), it returns an error. The document may
// then still hold secrets: the caller must not send or store any of it.
func (r *Redactor) Document(v any) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case runtime.Error:
			err = fmt.Errorf("redact: %T: %w", v, p)
		default: // it may quote the document
			err = fmt.Errorf("redact: %T: panic", v)
		}
		if err != nil {
			r.tell("failed")
		}
	}()
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("redact: %T is no pointer to a document", v)
	}
	_, _ = r.plan(), r.use() // what is not ready fails all of it
	if err := r.walk(p.Elem(), "", 0); err != nil {
		return fmt.Errorf("redact: %T: %w", v, err)
	}
	return nil
}

var timeType = reflect.TypeFor[time.Time]()

// walk redacts v, which can be set. If kind is not empty, v stands under a name
// of that kind.
func (r *Redactor) walk(v reflect.Value, kind string, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deep")
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.field(kind, v.String()))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if s := string(v.Bytes()); s != "" {
				v.SetBytes([]byte(r.field(kind, s)))
			}
			return nil
		}
		return r.walkElems(v, kind, depth)
	case reflect.Array:
		return r.walkElems(v, kind, depth)
	case reflect.Struct:
		return r.walkStruct(v, kind, depth)
	case reflect.Map:
		return r.walkMap(v, kind, depth)
	case reflect.Pointer:
		if !v.IsNil() {
			return r.walk(v.Elem(), kind, depth+1)
		}
	case reflect.Interface:
		return r.walkInterface(v, kind, depth)
	default:
		if holdsText(v.Type()) {
			return fmt.Errorf("cannot redact a %s", v.Type())
		}
	}
	return nil
}

// field redacts a string of a document that belongs to a name of the given kind. It
// withholds one at which a detector panics.
func (r *Redactor) field(kind, s string) (redacted string) {
	defer r.failClosed(&redacted)
	return r.value(kind, clean(s))
}

// readable returns a name that a kind is told by, without what is secret in it.
func (r *Redactor) readable(name string) (redacted string) {
	defer func() {
		if recover() != nil {
			redacted = failedMark // and so will be the field
		}
	}()
	return r.redacted(clean(name))
}

func (r *Redactor) walkElems(v reflect.Value, kind string, depth int) error {
	if elem := v.Type().Elem(); !holdsText(elem) && elem.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.Len() {
		if err := r.walk(v.Index(i), kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *Redactor) walkStruct(v reflect.Value, kind string, depth int) error {
	t := v.Type()
	if t == timeType {
		r.walkTime(v)
		return nil
	}
	pair := r.pairKind(v)
	for i := range t.NumField() {
		f := t.Field(i)
		// The exported fields of an embedded struct can be set, whatever its name.
		if !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			if holdsText(f.Type) {
				return fmt.Errorf("cannot redact the unexported field %s.%s", t, f.Name)
			}
			continue
		}
		under := kind
		if under == "" && f.Name == "Value" {
			under = pair
		}
		if err := r.walk(v.Field(i), under, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *Redactor) walkTime(v reflect.Value) {
	at := v.Interface().(time.Time)
	if loc := at.Location(); loc != time.UTC && loc != time.Local {
		short, _ := at.Zone()
		if name := loc.String() + " " + short; r.text(name) != name {
			v.Set(reflect.ValueOf(at.UTC()))
		}
	}
}

// pairKind returns the kind of the name in the field Key or Name of v, if there
// is one.
func (r *Redactor) pairKind(v reflect.Value) string {
	for _, name := range []string{"Key", "Name"} {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.String {
			if kind := r.kindOf(r.readable(f.String())); kind != "" {
				return kind
			}
		}
	}
	return ""
}

func (r *Redactor) walkMap(v reflect.Value, kind string, depth int) error {
	t := v.Type()
	if t.Key().Kind() != reflect.String && holdsText(t.Key()) {
		return fmt.Errorf("cannot redact the keys of a %s", t)
	}
	type entry struct{ old, key, elem reflect.Value }
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		e := entry{it.Key(), settable(it.Key()), settable(it.Value())}
		under := kind
		if e.key.Kind() == reflect.String {
			e.key.SetString(r.field("", e.key.String()))
			if under == "" {
				under = r.kindOf(e.key.String())
			}
		}
		if err := r.walk(e.elem, under, depth+1); err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if t.Key().Kind() == reflect.String {
		// Descending, so that of keys that became equal the first is set last.
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(b.old.String(), a.old.String()) })
		v.Clear()
	}
	for _, e := range entries {
		v.SetMapIndex(e.key, e.elem)
	}
	return nil
}

func (r *Redactor) walkInterface(v reflect.Value, kind string, depth int) error {
	if v.IsNil() {
		return nil
	}
	elem := settable(v.Elem())
	if s := reflect.TypeFor[string](); kind != "" && !holdsText(elem.Type()) && s.ConvertibleTo(v.Type()) {
		old := fmt.Sprint(elem.Interface()) // a number, such as {"pin": 1234}
		if with := r.field(kind, old); with != old {
			v.Set(reflect.ValueOf(with).Convert(v.Type()))
		}
		return nil
	}
	if err := r.walk(elem, kind, depth+1); err != nil {
		return err
	}
	v.Set(elem)
	return nil
}

// settable returns a copy of v that can be set.
func settable(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// holdsText reports whether values of type t may hold text, or something that
// is not known to hold none.
func holdsText(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return false
	case reflect.Array:
		return holdsText(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return false
		}
		for i := range t.NumField() {
			if holdsText(t.Field(i).Type) {
				return true
			}
		}
		return false
	}
	return true
}
