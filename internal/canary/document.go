package canary

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Check proves that every text that a document can hold is redacted: it plants a
// canary in each field, element, key and value of the document that doc points
// to, whatever its type, calls redact with a pointer to it, and looks for what is
// left. It returns how many canaries there were, and what is wrong: what came
// through, and what is of a type that may hold text and cannot be redacted, such as
// an unexported field or an error.
//
// Values of the opaque types hold no text. Because a document as a whole cannot be
// redacted where it has one, its parts are.
func Check(doc any, redact func(any) error, opaque ...reflect.Type) (places int, wrong []string) {
	p := &planter{opaque: opaque, canaries: map[string]string{}}
	v := reflect.ValueOf(doc).Elem()
	p.parts(v, v.Type().String(), func(v reflect.Value, path string) {
		p.plant(v, path, 0)
		if err := redact(v.Addr().Interface()); err != nil {
			p.wrong = append(p.wrong, fmt.Sprintf("%s: %v", path, err))
		}
		var left strings.Builder
		texts(v, &left, 0)
		for c, at := range p.canaries {
			if strings.Contains(left.String(), c) {
				p.wrong = append(p.wrong, at+": it is not redacted")
			}
		}
	})
	slices.Sort(p.wrong)
	return len(p.canaries), p.wrong
}

// maxDepth ends types that hold themselves.
const maxDepth = 8

type planter struct {
	opaque   []reflect.Type
	canaries map[string]string // and where they are
	wrong    []string
}

// parts calls do with the largest parts of v that hold nothing opaque.
func (p *planter) parts(v reflect.Value, path string, do func(v reflect.Value, path string)) {
	t := v.Type()
	switch {
	case slices.Contains(p.opaque, t):
	case !p.holdsOpaque(t, 0):
		do(v, path)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				p.parts(v.Field(i), path+"."+f.Name, do)
			} else if !p.holdsOpaque(f.Type, 0) {
				p.wrong = append(p.wrong, path+"."+f.Name+": an unexported field of what is redacted in parts")
			}
		}
	default:
		p.parts(reflect.New(t.Elem()).Elem(), path+"[]", do)
	}
}

func (p *planter) holdsOpaque(t reflect.Type, depth int) bool {
	if slices.Contains(p.opaque, t) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if depth < maxDepth && p.holdsOpaque(t.Field(i).Type, depth+1) {
				return true
			}
		}
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Array:
		return depth < maxDepth && p.holdsOpaque(t.Elem(), depth+1)
	}
	return false
}

func (p *planter) canary(path string) string {
	c := fmt.Sprintf("canary%dcanary", len(p.canaries))
	p.canaries[c] = path
	return "a password=" + c + " b"
}

// plant puts a canary into every text that v can hold.
func (p *planter) plant(v reflect.Value, path string, depth int) {
	if depth > maxDepth {
		return
	}
	switch t := v.Type(); v.Kind() {
	case reflect.String:
		v.SetString(p.canary(path))
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() { // the name of its zone
			v.Set(reflect.ValueOf(time.Unix(1e9, 0).In(time.FixedZone(p.canary(path), 3600))))
			return
		}
		for i := range t.NumField() {
			if v.Field(i).CanSet() {
				p.plant(v.Field(i), path+"."+t.Field(i).Name, depth+1)
			}
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(p.canary(path)))
			return
		}
		v.Set(reflect.MakeSlice(t, 2, 2))
		for i := range 2 {
			p.plant(v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			p.plant(v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	case reflect.Map:
		key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		p.plant(key, path+"(key)", depth+1)
		p.plant(elem, path+"[key]", depth+1)
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(key, elem)
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		p.plant(v.Elem(), path, depth+1)
	case reflect.Interface:
		switch text := p.canary(path); {
		case t.NumMethod() == 0:
			v.Set(reflect.ValueOf([]any{text, map[string]any{p.canary(path): []string{p.canary(path)}}}))
		case reflect.TypeFor[error]().AssignableTo(t):
			v.Set(reflect.ValueOf(errors.New(text)))
		default:
			p.wrong = append(p.wrong, fmt.Sprintf("%s: nobody knows what text a %s holds", path, t))
		}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		p.wrong = append(p.wrong, fmt.Sprintf("%s: a %s in a document", path, t))
	}
}

// texts writes every text in v.
func texts(v reflect.Value, to *strings.Builder, depth int) {
	if depth > 4*maxDepth {
		return
	}
	switch v.Kind() {
	case reflect.String:
		to.WriteString(v.String() + "\n")
	case reflect.Struct:
		if v.CanInterface() {
			if t, ok := v.Interface().(time.Time); ok {
				to.WriteString(t.String() + " " + t.Location().String() + "\n")
				return
			}
		}
		for i := range v.NumField() {
			texts(v.Field(i), to, depth+1)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			to.Write(v.Bytes())
			return
		}
		for i := range v.Len() {
			texts(v.Index(i), to, depth+1)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			texts(it.Key(), to, depth+1)
			texts(it.Value(), to, depth+1)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			texts(v.Elem(), to, depth+1)
		}
	}
}
